import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

// The committed OpenAPI document, as far as the properties need it. It is the contract: what it does not say, nobody may rely on.

/** The part of JSON Schema (2020-12) that our document uses; anything else fails to parse rather than being overlooked. */
export const schemaSchema = z.strictObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  pattern: z.string().optional(),
  format: z.string().optional(),
  minLength: z.int().optional(),
  maxLength: z.int().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
  minItems: z.int().optional(),
  maxItems: z.int().optional(),
  required: z.array(z.string()).optional(),
  default: z.unknown().optional(),
  example: z.unknown().optional(),
  examples: z.array(z.unknown()).optional(),
  // An annotation: what the text decodes to is not looked at.
  contentEncoding: z.string().optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  deprecated: z.boolean().optional(),
  readOnly: z.boolean().optional(),
  writeOnly: z.boolean().optional(),
  get properties() {
    return z.record(z.string(), schemaSchema).optional();
  },
  get propertyNames() {
    return schemaSchema.optional();
  },
  get items() {
    return schemaSchema.optional();
  },
  get prefixItems() {
    return z.array(schemaSchema).optional();
  },
  get additionalProperties() {
    return z.union([z.boolean(), schemaSchema]).optional();
  },
  get anyOf() {
    return z.array(schemaSchema).optional();
  },
  get oneOf() {
    return z.array(schemaSchema).optional();
  },
  get allOf() {
    return z.array(schemaSchema).optional();
  },
});
export type Schema = z.infer<typeof schemaSchema>;

const mediaSchema = z.looseObject({ schema: schemaSchema.optional() });
const contentSchema = z.record(z.string(), mediaSchema).default({});
const operationSchema = z.looseObject({
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z
    .array(
      z.looseObject({
        in: z.enum(['path', 'query', 'header']),
        name: z.string(),
        required: z.boolean().default(false),
        schema: schemaSchema.default({}),
      }),
    )
    .default([]),
  requestBody: z.looseObject({ required: z.boolean().default(false), content: contentSchema }).optional(),
  responses: z.record(z.string(), z.looseObject({ content: contentSchema })),
});
const documentSchema = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.looseObject({ schemas: z.record(z.string(), schemaSchema) }),
});

export type Operation = z.infer<typeof operationSchema> & {
  /** `GET /v1/payments/{id}`. */
  name: string;
  method: string;
  path: string;
  /** The names of the schemes of which one is asked for; empty: needs no credential. */
  schemes: readonly string[];
};

export type Description = {
  operations: readonly Operation[];
  /** Follows references to the end. */
  resolve(schema: Schema): Schema;
};

const OPENAPI = fileURLToPath(new URL('../../services/api-gateway/openapi.json', import.meta.url));
const REFERENCE = '#/components/schemas/';

/** Reads every operation of the public door. */
export function readDescription(): Description {
  const { paths, components } = documentSchema.parse(JSON.parse(readFileSync(OPENAPI, 'utf8')));
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      ...operation,
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      schemes: (operation.security ?? []).flatMap((each) => Object.keys(each)),
    })),
  );
  const resolve = (schema: Schema): Schema => {
    if (schema.$ref === undefined) return schema;
    const found = components.schemas[schema.$ref.replace(REFERENCE, '')];
    if (found === undefined) throw new Error(`the document refers to ${schema.$ref}, which is not in it`);
    return resolve(found);
  };
  return { operations, resolve };
}
