import { ConfigError } from '@centra/service-kit/env.ts';
import { z } from 'zod';

const referenceSchema = z.object({ $ref: z.string() });

const jsonSchema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  format: z.string().optional(),
  pattern: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  deprecated: z.boolean().optional(),
  examples: z.array(z.unknown()).optional(),
  get properties() {
    return z.record(z.string(), jsonSchema).optional();
  },
  get items() {
    return jsonSchema.optional();
  },
  get additionalProperties() {
    return z.union([z.boolean(), jsonSchema]).optional();
  },
  get oneOf() {
    return z.array(jsonSchema).optional();
  },
  get anyOf() {
    return z.array(jsonSchema).optional();
  },
  get allOf() {
    return z.array(jsonSchema).optional();
  },
});

const mediaSchema = z.looseObject({
  schema: jsonSchema.optional(),
  examples: z.record(z.string(), z.looseObject({ value: z.unknown() })).optional(),
});
const contentSchema = z.record(z.string(), mediaSchema).optional();

const parameterSchema = z.looseObject({
  name: z.string(),
  in: z.enum(['path', 'query', 'header', 'cookie']),
  description: z.string().optional(),
  required: z.boolean().optional(),
  schema: jsonSchema.optional(),
});
const headerSchema = z.looseObject({ description: z.string().optional(), schema: jsonSchema.optional() });
const bodySchema = z.looseObject({
  description: z.string().optional(),
  required: z.boolean().optional(),
  content: contentSchema,
});
const responseSchema = z.looseObject({
  description: z.string().default(''),
  headers: z.record(z.string(), z.union([referenceSchema, headerSchema])).optional(),
  content: contentSchema,
});

const operationSchema = z.looseObject({
  operationId: z.string().optional(),
  summary: z.string().optional(),
  description: z.string().optional(),
  tags: z.array(z.string()).default([]),
  deprecated: z.boolean().optional(),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(z.union([referenceSchema, parameterSchema])).default([]),
  requestBody: z.union([referenceSchema, bodySchema]).optional(),
  responses: z.record(z.string(), z.union([referenceSchema, responseSchema])).default({}),
});

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

const pathSchema = z.looseObject({
  parameters: z.array(z.union([referenceSchema, parameterSchema])).default([]),
  ...Object.fromEntries(METHODS.map((method) => [method, operationSchema.optional()])),
});

const descriptionSchema = z.looseObject({
  openapi: z.string().startsWith('3.1'),
  info: z.looseObject({ title: z.string(), version: z.string(), description: z.string().optional() }),
  servers: z.array(z.looseObject({ url: z.string(), description: z.string().optional() })).default([]),
  tags: z.array(z.looseObject({ name: z.string(), description: z.string().optional() })).default([]),
  paths: z.record(z.string(), pathSchema).default({}),
});

export type JsonSchema = z.infer<typeof jsonSchema>;
export type Parameter = z.infer<typeof parameterSchema>;
export type Body = z.infer<typeof bodySchema>;
export type Media = z.infer<typeof mediaSchema>;
type Described = z.infer<typeof operationSchema>;

export type Operation = Pick<Described, 'summary' | 'description' | 'deprecated' | 'security'> & {
  /** Unique on the page; the target of its links. */
  anchor: string;
  method: string;
  path: string;
  tag: string;
  parameters: Parameter[];
  requestBody: Body | undefined;
  responses: {
    status: string;
    description: string;
    content: Record<string, Media>;
    headers: [string, string][];
  }[];
};

export type Description = {
  title: string;
  version: string;
  text: string;
  servers: string[];
  tags: { name: string; text: string }[];
  operations: Operation[];
  /** Follows `#/…` references; the name is the last part of the reference. */
  resolve(schema: JsonSchema): { schema: JsonSchema; name: string | undefined };
};

/** Reads an OpenAPI 3.1 document into what the page needs, with references to parameters and bodies resolved. */
export function readDescription(document: unknown): Description {
  const parsed = descriptionSchema.safeParse(document);
  if (!parsed.success)
    throw new ConfigError(`the OpenAPI description is not valid: ${z.prettifyError(parsed.error)}`);
  const { info, servers, tags, paths } = parsed.data;
  const at = createLookup(document);
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = operationSchema.optional().parse(item[method]);
      return operation === undefined ? [] : [toOperation(method, path, operation, item.parameters, at)];
    }),
  );
  const named = [
    ...new Set([...tags.map((tag) => tag.name), ...operations.map((operation) => operation.tag)]),
  ];
  return {
    title: info.title,
    version: info.version,
    text: info.description ?? '',
    servers: servers.map((server) => server.url),
    tags: named
      .filter((name) => operations.some((operation) => operation.tag === name))
      .map((name) => ({ name, text: tags.find((tag) => tag.name === name)?.description ?? '' })),
    operations,
    resolve: (schema) => resolveSchema(schema, at),
  };
}

type Lookup = <S extends z.ZodType>(schema: S, value: unknown) => z.infer<S>;

/** Reads a value by a schema, after following its `$ref` within the document. */
function createLookup(document: unknown): Lookup {
  return (schema, value) => {
    const reference = referenceSchema.safeParse(value);
    return schema.parse(reference.success ? follow(document, reference.data.$ref) : value);
  };
}

function follow(document: unknown, reference: string): unknown {
  let value = document;
  for (const part of reference.split('/').slice(1)) {
    // RFC 6901 escapes.
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined;
  }
  if (value === undefined)
    throw new ConfigError(`the OpenAPI description refers to ${reference}, which is not there`);
  return value;
}

function toOperation(
  method: string,
  path: string,
  operation: Described,
  shared: unknown[],
  at: Lookup,
): Operation {
  const { summary, description, deprecated, security } = operation;
  return {
    ...(summary === undefined ? {} : { summary }),
    ...(description === undefined ? {} : { description }),
    ...(deprecated === undefined ? {} : { deprecated }),
    ...(security === undefined ? {} : { security }),
    anchor: `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, '-')}`.replace(/-$/, ''),
    method: method.toUpperCase(),
    path,
    tag: operation.tags[0] ?? 'API',
    parameters: [...shared, ...operation.parameters].map((each) => at(parameterSchema, each)),
    requestBody: operation.requestBody === undefined ? undefined : at(bodySchema, operation.requestBody),
    responses: Object.entries(operation.responses).map(([status, each]) => {
      const response = at(responseSchema, each);
      const headers = Object.entries(response.headers ?? {}).map(([name, header]): [string, string] => [
        name,
        at(headerSchema, header).description ?? '',
      ]);
      return { status, description: response.description, content: response.content ?? {}, headers };
    }),
  };
}

function resolveSchema(schema: JsonSchema, at: Lookup): { schema: JsonSchema; name: string | undefined } {
  if (schema.$ref === undefined) return { schema, name: undefined };
  return {
    schema: { ...at(jsonSchema, schema), ...without$ref(schema) },
    name: schema.$ref.split('/').at(-1),
  };
}

/** OpenAPI 3.1 lets a reference carry a description of its own, which then counts. */
function without$ref({ $ref: _ref, ...rest }: JsonSchema): JsonSchema {
  return rest;
}
