import type { RoutingHints } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { CARD_BRANDS } from '@centra/routing/routing.ts';
import { z } from 'zod';

export const countrySchema = z
  .string()
  .regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code in upper case')
  .meta({ description: 'ISO 3166-1 alpha-2', example: 'MA' });

/** What the caller's page knows of the card. Never the card itself: that is the vault's. */
export const cardHintsSchema = z
  .strictObject({ brand: z.enum(CARD_BRANDS).optional(), country: countrySchema.optional() })
  .meta({
    description:
      'What you know of the card: its brand, and the country of its issuer. Hints, which nobody checks: they only choose ' +
      'among your own provider accounts, by your routing rules.',
    example: { brand: 'visa', country: 'FR' },
  });

/** The hints of a body for transaction; undefined when it gives none. */
export function toRoutingHints(body: {
  card?: z.infer<typeof cardHintsSchema> | undefined;
  guest?: { country?: string | undefined } | undefined;
}): RoutingHints | undefined {
  const hints = {
    cardBrand: body.card?.brand ?? '',
    cardCountry: body.card?.country ?? '',
    country: body.guest?.country ?? '',
  };
  return Object.values(hints).every((hint) => hint === '') ? undefined : hints;
}
