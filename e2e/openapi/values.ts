import * as fc from 'fast-check';
import type { Description, Schema } from './description.ts';

/** Values that exist on the platform under test, so that requests come further than the first check. */
export type Known = {
  /** By a field's or parameter's name. */
  fields: Readonly<Record<string, readonly unknown[]>>;
  /** For a variable part of a path, by its name. */
  ids(path: string, parameter: string): readonly string[];
};

export type World = { description: Description; known: Known };

/** A value as the schema has it. */
export function valueOf(schema: Schema, world: World, name: string): fc.Arbitrary<unknown> {
  const resolved = world.description.resolve(schema);
  // What exists here comes further than what the document has for an example.
  const usual = world.known.fields[name] ?? examplesOf(resolved);
  const any = freely(resolved, world);
  if (usual.length === 0) return any;
  // Examples of whole objects are few; their fields are more telling one by one.
  const weight = resolved.properties === undefined ? 3 : 1;
  return fc.oneof({ weight, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: any });
}

function examplesOf({ example, examples = [] }: Schema): unknown[] {
  return [...(example === undefined ? [] : [example]), ...examples];
}

function freely(schema: Schema, world: World): fc.Arbitrary<unknown> {
  const { type, anyOf, oneOf, allOf } = schema;
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if ('const' in schema) return fc.constant(schema.const);
  const choices = anyOf ?? oneOf ?? allOf;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => valueOf(choice, world, '')));
  if (Array.isArray(type)) return fc.oneof(...type.map((one) => freely({ ...schema, type: one }, world)));
  switch (type) {
    case 'string':
      return textOf(schema);
    case 'integer':
    case 'number':
      return numberOf(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(valueOf(schema.items ?? {}, world, ''), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, 12),
      });
    case 'object':
      return objectOf(schema, world);
    case undefined:
      return fc.jsonValue({ maxDepth: 1 });
    default:
      throw new Error(`${type} is not a type of JSON`);
  }
}

function objectOf(
  { properties = {}, required = [], additionalProperties, propertyNames }: Schema,
  world: World,
): fc.Arbitrary<unknown> {
  const named = fc.record(
    Object.fromEntries(
      Object.entries(properties).map(([key, part]) => [key, valueOf(part, world, key)] as const),
    ),
    { requiredKeys: required },
  );
  if (additionalProperties === undefined || additionalProperties === false) return named;
  const others = fc.dictionary(
    textOf(propertyNames ?? {}),
    additionalProperties === true ? fc.jsonValue({ maxDepth: 1 }) : valueOf(additionalProperties, world, ''),
    { maxKeys: 4, noNullPrototype: true },
  );
  return fc.tuple(named, others).map(([a, b]) => ({ ...b, ...a }));
}

// Longer than any column; a documented length beyond it is tried with its own bounds.
const TEXT_MAX = 80;

function textOf({ pattern, format, minLength = 0, maxLength = TEXT_MAX }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc
      .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (format === 'email') return fc.emailAddress();
  if (format === 'uuid') return fc.uuid();
  if (format === 'uri') return fc.webUrl();
  const bounds = { minLength, maxLength: Math.min(maxLength, Math.max(minLength, TEXT_MAX)) };
  const free = fc.string({ unit: 'grapheme', ...bounds });
  // Properties of Unicode are beyond the generator; what such patterns forbid is in the junk.
  if (pattern === undefined || pattern.includes('\\p{')) return free;
  return fc.stringMatching(new RegExp(pattern, 'u'));
}

function numberOf({ type, minimum = -(2 ** 53) + 1, maximum = 2 ** 53 - 1 }: Schema): fc.Arbitrary<number> {
  const edges = [minimum, minimum + 1, maximum - 1, maximum].filter(
    (edge) => edge >= minimum && edge <= maximum,
  );
  const any =
    type === 'integer'
      ? fc.integer({ min: minimum, max: maximum })
      : fc.double({ min: minimum, max: maximum, noNaN: true });
  return fc.oneof({ weight: 1, arbitrary: fc.constantFrom(...edges) }, { weight: 2, arbitrary: any });
}
