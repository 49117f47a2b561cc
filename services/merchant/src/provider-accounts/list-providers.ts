import type { Request, Response } from 'express';
import { z } from 'zod';
import { ACCOUNT_KINDS } from '../entities.ts';
import { PAYMENT_METHODS } from './provider-form.ts';
import type { Provider, ProviderField } from './provider-form.ts';
import { PROVIDER_NAMES, PROVIDERS } from './providers.ts';
import { modeSchema } from './provider-account.ts';

const fieldSchema = z.object({
  name: z.string(),
  label: z.string(),
  help: z.string(),
  secret: z.boolean().meta({ description: 'Stored sealed and never shown again' }),
  required: z.boolean(),
  input: z.enum(['text', 'password', 'select', 'url', 'address']).meta({ description: 'Which box to draw' }),
  pattern: z.string().meta({ description: 'A regular expression that the value matches' }),
  shape: z.string().meta({ description: 'The pattern in words' }),
  max_length: z.int(),
  placeholder: z.string(),
  modes: z.array(modeSchema).meta({ description: 'The modes in which the field is asked for' }),
  options: z
    .array(z.object({ value: z.string(), label: z.string(), modes: z.array(modeSchema) }))
    .nullable()
    .meta({ description: 'What a `select` offers, and in which modes; null for the others' }),
});

export const providerSchema = z
  .object({
    name: z.enum(PROVIDER_NAMES),
    object: z.literal('provider'),
    label: z.string(),
    help: z.string(),
    kind: z.enum(ACCOUNT_KINDS),
    methods: z.array(z.enum(PAYMENT_METHODS)).meta({ description: 'How guests can pay through it' }),
    modes: z.array(modeSchema),
    takes_payments: z.boolean().meta({
      description:
        'Whether payments can be taken through it in this release; the others can be connected and tested',
    }),
    statement_descriptor: z
      .object({
        min_length: z.int(),
        max_length: z.int(),
        pattern: z.string(),
        shape: z.string().meta({ description: 'The rule in words' }),
      })
      .nullable()
      .meta({
        description: 'What it takes as text on the guest’s statement; null when that cannot be chosen',
      }),
    docs_url: z.string().nullable(),
    fields: z.array(fieldSchema),
  })
  .meta({ id: 'Provider', description: 'A provider that a merchant can connect, and what it asks for' });

/** GET /v1/providers: what can be connected. */
export function listProviders(_request: Request, response: Response): void {
  response.json({ data: PROVIDERS.map(toProviderJson), has_more: false, next_cursor: null });
}

function toProviderJson(provider: Provider): Record<string, unknown> {
  const { name, label, help, kind, methods, modes, descriptor } = provider;
  return {
    name,
    object: 'provider',
    label,
    help,
    kind,
    methods,
    modes,
    takes_payments: provider.takesPayments,
    statement_descriptor:
      descriptor === undefined
        ? null
        : {
            min_length: descriptor.min,
            max_length: descriptor.max,
            pattern: descriptor.pattern.source,
            shape: descriptor.shape,
          },
    docs_url: provider.docsUrl,
    fields: provider.fields.map((field) => toFieldJson(provider, field)),
  };
}

function toFieldJson(provider: Provider, field: ProviderField): Record<string, unknown> {
  const { name, label, help, secret, required, input, shape, placeholder } = field;
  return {
    name,
    label,
    help,
    secret,
    required,
    input,
    pattern: field.pattern.source,
    shape,
    max_length: field.maxLength,
    placeholder,
    modes: provider.modes,
    options: field.options ?? null,
  };
}
