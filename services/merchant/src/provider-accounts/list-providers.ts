import type { Request, Response } from 'express';
import { z } from 'zod';
import { PROVIDER_NAMES, PROVIDERS } from './providers.ts';
import type { Provider } from './providers.ts';
import { modeSchema } from './provider-account.ts';

export const providerSchema = z
  .object({
    name: z.enum(PROVIDER_NAMES),
    object: z.literal('provider'),
    label: z.string(),
    help: z.string(),
    kind: z.enum(['card_provider', 'card_vault']),
    modes: z.array(modeSchema),
    fields: z.array(
      z.object({
        name: z.string(),
        label: z.string(),
        help: z.string(),
        secret: z.boolean().meta({ description: 'Stored sealed and never shown again' }),
        required: z.boolean(),
        pattern: z.string().meta({ description: 'A regular expression that the value matches' }),
      }),
    ),
  })
  .meta({ id: 'Provider', description: 'A provider that a merchant can connect, and what it asks for' });

/** GET /v1/providers: what can be connected. */
export function listProviders(_request: Request, response: Response): void {
  response.json({ data: PROVIDERS.map(toProviderJson), has_more: false, next_cursor: null });
}

function toProviderJson(provider: Provider): Record<string, unknown> {
  const { name, label, help, kind, modes } = provider;
  const fields = provider.fields.map((field) => ({
    name: field.name,
    label: field.label,
    help: field.help,
    secret: field.secret,
    required: field.required,
    pattern: field.pattern.source,
  }));
  return { name, object: 'provider', label, help, kind, modes, fields };
}
