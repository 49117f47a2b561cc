import type { Description, JsonSchema, Media, Operation } from './description.ts';

const DEPTH_MAX = 8;

/** The example of a body: the one that is given, else one made from the examples of its parts. */
export function exampleOf(description: Description, media: Media): unknown {
  if (media['example'] !== undefined) return media['example'];
  const [named] = Object.values(media.examples ?? {});
  if (named !== undefined) return named.value;
  return media.schema === undefined ? undefined : exampleOfSchema(description, media.schema, 0);
}

function exampleOfSchema(description: Description, given: JsonSchema, depth: number): unknown {
  const { schema } = description.resolve(given);
  const own =
    schema['example'] ?? schema.examples?.[0] ?? schema['const'] ?? schema['default'] ?? schema.enum?.[0];
  if (own !== undefined) return own;
  // A schema that contains itself would go on for ever.
  if (depth > DEPTH_MAX) return undefined;
  const parts = schema.allOf;
  if (parts !== undefined)
    return Object.assign({}, ...parts.map((part) => exampleOfSchema(description, part, depth + 1)));
  const [choice] = schema.oneOf ?? schema.anyOf ?? [];
  if (choice !== undefined) return exampleOfSchema(description, choice, depth + 1);
  if (schema.properties !== undefined) return exampleOfProperties(description, schema, depth);
  if (schema.items !== undefined) {
    const item = exampleOfSchema(description, schema.items, depth + 1);
    return item === undefined ? [] : [item];
  }
  return exampleOfType(schema);
}

const ANY_TEXT = 'string';

/** What may be left out and has no example of its own is left out: "string" teaches nothing. */
function exampleOfProperties(
  description: Description,
  schema: JsonSchema,
  depth: number,
): Record<string, unknown> {
  const entries = Object.entries(schema.properties ?? {}).map(([name, property]): [string, unknown] => [
    name,
    exampleOfSchema(description, property, depth + 1),
  ]);
  return Object.fromEntries(
    entries.filter(([name, value]) => value !== ANY_TEXT || schema.required?.includes(name)),
  );
}

function exampleOfType(schema: JsonSchema): unknown {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'string':
      return schema.format === 'date-time' ? '2026-01-31T12:00:00Z' : ANY_TEXT;
    case 'integer':
    case 'number':
      return schema['minimum'] ?? 0;
    case 'boolean':
      return true;
    case 'object':
      return {};
    case 'array':
      return [];
    default:
      return undefined;
  }
}

/** The call as one would type it. */
export function curlOf(description: Description, operation: Operation): string {
  const server = description.servers[0] ?? 'https://api.example.com';
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => {
    const parameter = operation.parameters.find((each) => each.in === 'path' && each.name === name);
    const example =
      parameter?.schema === undefined ? undefined : exampleOfSchema(description, parameter.schema, 0);
    return typeof example === 'string' && example !== ANY_TEXT ? example : placeholder;
  });
  const lines = [
    `curl ${operation.method === 'GET' ? '' : `-X ${operation.method} `}${quote(server + path)}`,
  ];
  const credential = credentialOf(operation);
  if (credential !== undefined) lines.push(`-H 'Authorization: Bearer ${credential}'`);
  for (const parameter of operation.parameters)
    if (parameter.in === 'header' && parameter.required === true)
      lines.push(`-H ${quote(`${parameter.name}: ${headerExample(description, parameter.schema)}`)}`);
  const media = operation.requestBody?.content?.['application/json'];
  if (media !== undefined) {
    lines.push(`-H 'Content-Type: application/json'`);
    lines.push(`-d ${quote(JSON.stringify(exampleOf(description, media), null, 2) ?? '{}')}`);
  }
  return lines.join(' \\\n  ');
}

// How each credential of `components.securitySchemes` begins.
const CREDENTIALS = new Map([
  ['apiKey', 'ck_test_…'],
  ['accessToken', 'eyJ…'],
  ['clientSecret', 'cs_test_…'],
]);

/** The first that the operation takes; none where it says that it takes none. */
function credentialOf({ security }: Operation): string | undefined {
  if (security === undefined) return CREDENTIALS.get('apiKey');
  const [scheme] = security.flatMap(Object.keys);
  return scheme === undefined ? undefined : (CREDENTIALS.get(scheme) ?? '…');
}

function headerExample(description: Description, schema: JsonSchema | undefined): string {
  const example = schema === undefined ? undefined : exampleOfSchema(description, schema, 0);
  return typeof example === 'string' ? example : '…';
}

/** For a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
