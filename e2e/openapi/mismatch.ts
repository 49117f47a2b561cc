import type { Description, Schema } from './description.ts';

/** Where and how a value differs from its schema; undefined when it does not. Formats are not looked at. */
export function mismatch(
  description: Description,
  schema: Schema,
  value: unknown,
  at = 'body',
): string | undefined {
  const { $ref, anyOf, oneOf, allOf, ...rest } = schema;
  if ($ref !== undefined) return mismatch(description, description.resolve(schema), value, at);
  const choices = anyOf ?? oneOf;
  if (choices !== undefined) {
    const wrong = choices.map((choice) => mismatch(description, choice, value, at));
    if (!wrong.includes(undefined)) return `${at} is none of: ${wrong.join(' | ')}`;
  }
  for (const part of allOf ?? []) {
    const wrong = mismatch(description, part, value, at);
    if (wrong !== undefined) return wrong;
  }
  return ofValue(rest, value, at) ?? ofParts(description, rest, value, at);
}

function ofValue(schema: Schema, value: unknown, at: string): string | undefined {
  const types = typeof schema.type === 'string' ? [schema.type] : schema.type;
  if (types !== undefined && !types.some((type) => isOfType(type, value)))
    return `${at} is ${describe(value)} instead of ${types.join(' or ')}`;
  if (schema.enum !== undefined && !schema.enum.includes(value))
    return `${at} is ${describe(value)}, which is not listed`;
  if ('const' in schema && schema.const !== value) return `${at} is ${describe(value)}`;
  if (typeof value === 'string') return ofText(schema, value, at);
  if (typeof value !== 'number') return undefined;
  if (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity))
    return `${at} is ${value}, which is out of bounds`;
  return undefined;
}

function ofText(schema: Schema, text: string, at: string): string | undefined {
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(text))
    return `${at} is ${describe(text)}, which is not of ${schema.pattern}`;
  const { length } = Array.from(text);
  if (length < (schema.minLength ?? 0) || length > (schema.maxLength ?? Infinity))
    return `${at} has ${length} characters`;
  return undefined;
}

function ofParts(description: Description, schema: Schema, value: unknown, at: string): string | undefined {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return undefined;
    return value
      .map((item: unknown, index) => mismatch(description, items, item, `${at}[${index}]`))
      .find((wrong) => wrong !== undefined);
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const missing = (schema.required ?? []).find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) return `${at} lacks ${missing}`;
  for (const [key, part] of Object.entries(value)) {
    const own = schema.properties?.[key];
    const other = schema.additionalProperties;
    if (own === undefined && other === false) return `${at} has ${key}, which the document does not know`;
    const shape = own ?? (typeof other === 'object' ? other : undefined);
    const wrong = shape === undefined ? undefined : mismatch(description, shape, part, `${at}.${key}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
    default:
      throw new Error(`${type} is not a type of JSON`);
  }
}

function describe(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 80) ?? typeof value;
}
