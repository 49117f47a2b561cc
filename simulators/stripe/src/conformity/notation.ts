// Checks a JSON value against a table in the notation of resource-shapes.ts.

/** Name → fields. */
export type Table = Record<string, string>;

/** What differs between answers, which are JSON, and parameters, which may still be texts of a form. */
export type Reading = { asText: boolean };

/** What is wrong with `value` as the object `name` of the table; empty when nothing is. `path` begins every message. */
export function checkObject(
  table: Table,
  name: string,
  value: unknown,
  path: string,
  reading: Reading,
): string[] {
  const fields = fieldsOf(table, name);
  if (!isPlain(value)) return [`${path}: is ${kindOf(value)}, should be an object`];
  const known = new Set(fields.map((field) => field.name));
  const problems = Object.keys(value)
    .filter((key) => !known.has(key) && value[key] !== undefined)
    .map((key) => `${path}.${key}: is unknown`);
  for (const field of fields) {
    const found = value[field.name];
    if (found === undefined) {
      if (!field.optional) problems.push(`${path}.${field.name}: is missing`);
      continue;
    }
    const own = `${name}.${field.name}`;
    problems.push(...checkValue(table, field.types, own, found, `${path}.${field.name}`, reading));
  }
  return problems;
}

type Field = { name: string; optional: boolean; types: string };

/** Throws for a name the table does not have: a mistake of the caller. */
function fieldsOf(table: Table, name: string): Field[] {
  const text = table[name];
  if (text === undefined) throw new Error(`no object ${name} in the table`);
  const fields = text.split(';').map((field) => /^\s*(\w+)(\??)\s+(.+)$/s.exec(field));
  return fields.map((parts, at) => {
    if (!parts) throw new Error(`field ${at + 1} of ${name} cannot be read`);
    return {
      name: parts[1] ?? '',
      optional: parts[2] === '?',
      types: (parts[3] ?? '').replaceAll(/\s/g, ''),
    };
  });
}

function checkValue(
  table: Table,
  types: string,
  own: string,
  value: unknown,
  path: string,
  reading: Reading,
): string[] {
  const alternatives = split(types);
  if (alternatives.some((type) => isSimple(type, value, reading))) return [];
  for (const type of alternatives) {
    const inner = innerOf(type);
    if (inner && Array.isArray(value))
      return value.flatMap((item, at) => checkValue(table, inner, own, item, `${path}[${at}]`, reading));
    if (type.startsWith('list(') && isPlain(value)) return checkList(table, type, own, value, path, reading);
    if (type.startsWith('@') && isPlain(value))
      return checkObject(table, type === '@' ? own : type.slice(1), value, path, reading);
  }
  return [`${path}: is ${kindOf(value)}, should be ${types}`];
}

/** `[type]` → `type`. */
function innerOf(type: string): string | undefined {
  return type.startsWith('[') && type.endsWith(']') ? type.slice(1, -1) : undefined;
}

function checkList(
  table: Table,
  type: string,
  own: string,
  value: Record<string, unknown>,
  path: string,
  reading: Reading,
): string[] {
  const item = type.slice('list('.length, -1);
  const list = `object enum(list); data [${item}]; has_more boolean; url string`;
  return checkObject({ ...table, [own]: list }, own, value, path, reading);
}

function isSimple(type: string, value: unknown, { asText }: Reading): boolean {
  if (type.startsWith('enum(')) {
    return typeof value === 'string' && type.slice('enum('.length, -1).split(',').includes(value);
  }
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'integer':
      return Number.isSafeInteger(value) || (asText && typeof value === 'string' && /^-?\d+$/.test(value));
    case 'number':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean' || (asText && (value === 'true' || value === 'false'));
    case 'null':
      return value === null;
    case 'empty':
      return value === null || value === '';
    case 'object':
      return isPlain(value);
    case 'map':
      return isPlain(value) && Object.values(value).every((inner) => typeof inner !== 'object');
    default:
      return false;
  }
}

/** At the bars that are not inside brackets. */
function split(types: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const character of types) {
    if ('(['.includes(character)) depth += 1;
    if (')]'.includes(character)) depth -= 1;
    if (character === '|' && depth === 0) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${character}`);
  }
  return parts;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : JSON.stringify(value);
}
