import { z } from 'zod';
import { isCurrency } from '@centra/money/currency.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { cardHintsSchema, countrySchema } from './routing-hints.ts';

/** Text for people: any script, but nothing that moves a cursor or forges a line of a log. */
export function text(max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'must not contain control characters');
}

export const bookingReferenceSchema = text(64).meta({
  description: 'Your own name of the booking',
  example: 'BK-20931',
});

// As many as Stripe takes, so that nothing is lost on the way.
const METADATA_KEYS_MAX = 50;

export const metadataSchema = z
  .record(
    z.string().regex(/^[A-Za-z0-9_.-]{1,40}$/, 'a key must be 1 to 40 characters of A-Z a-z 0-9 _ . -'),
    // Empty values are kept: "nothing" can be an answer.
    z
      .string()
      .max(500)
      .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'must not contain control characters'),
  )
  .refine(
    (metadata) => Object.keys(metadata).length <= METADATA_KEYS_MAX,
    `must have at most ${METADATA_KEYS_MAX} keys`,
  )
  .meta({
    description: `Up to ${METADATA_KEYS_MAX} of your own values, given back as they are`,
    example: { room: '204' },
  });

export const cardTokenSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{8,128}$/, 'must be a token of the card vault, never a card')
  .meta({ description: "The card vault's token of the captured card", example: 'c5e0a3b0f1c94d1e8a52' });

export const amountSchema = z
  .int('must be a whole number of minor units')
  .min(1)
  .max(Number.MAX_SAFE_INTEGER)
  .meta({
    description: 'In minor units of the currency: 12050 is 120.50 EUR, 12050 JPY or 12.050 KWD',
    example: 12_050,
  });

export const currencySchema = z
  .string()
  .refine(isCurrency, 'must be an upper-case ISO 4217 code in use')
  .meta({ description: 'ISO 4217', example: 'EUR' });

/** Where a guest's browser is sent; see `parseWithUrls`. */
export const guestUrlSchema = z
  .string()
  .max(2_048)
  .refine(isGuestUrl, 'must be an absolute https URL without user name or password');

export const returnUrlSchema = guestUrlSchema.meta({
  description:
    'Where the guest comes back to after 3-D Secure. Without it a card that needs 3-D Secure is declined.',
  example: 'https://hotel.example/booking/BK-20931/paid',
});

/** What a charge and any other new payment have in common. */
export const bookingShape = {
  booking_reference: bookingReferenceSchema,
  guest: z
    .strictObject({
      name: text(100).optional(),
      email: z.email().max(254).optional(),
      country: countrySchema.optional(),
    })
    .optional()
    .meta({
      description:
        'Name and e-mail address for receipts and for the bank; the country only for your own routing rules',
      example: { name: 'Ada Lovelace', email: 'ada@example.com' },
    }),
  card: cardHintsSchema.optional(),
  description: text(500).optional().meta({ example: 'Two nights, half board' }),
  metadata: metadataSchema.optional(),
};

export const providerAccountSchema = z
  .string()
  .refine((id) => fromPublicId('pa', id) !== undefined, 'must be the id of a provider account')
  .meta({
    description: 'One of your provider accounts; your routing rules choose when absent, or else your default',
  });

/** The body of `POST /v1/charge`. */
export const chargeSchema = z
  .strictObject({
    card_token: cardTokenSchema,
    amount: amountSchema,
    currency: currencySchema,
    ...bookingShape,
    return_url: returnUrlSchema.optional(),
    provider_account: providerAccountSchema.optional(),
  })
  .meta({ id: 'ChargeRequest' });

export type Charge = z.infer<typeof chargeSchema>;

/**
 * Parses a body whose addresses for the guest's browser must be https in production. Development also lets http to this
 * machine through. 400 naming each field that is not valid.
 */
export function parseWithUrls<S extends z.ZodType<{ return_url?: string | undefined }>>(
  context: Context,
  schema: S,
  body: unknown,
): z.infer<S> {
  const parsed = parseWith(schema, body);
  refusePlainUrls(context, { return_url: parsed.return_url });
  return parsed;
}

/** 400 naming the fields whose address is not https, in production. */
export function refusePlainUrls(context: Context, urls: Readonly<Record<string, string | undefined>>): void {
  if (!context.config.production) return;
  const plain = Object.entries(urls).filter(([, url]) => url?.startsWith('http:'));
  if (plain.length > 0)
    throw new AppError('validation_failed', {
      errors: plain.map(([field]) => ({ field, reason: 'must be https' })),
    });
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** https to anywhere, or http to this machine, which only development uses. */
function isGuestUrl(url: string): boolean {
  // The URL parser drops tabs and line feeds and reads a backslash as a slash; what we check must be what a browser reads.
  if (!/^https?:\/\/[\x21-\x5b\x5d-\x7e]+$/.test(url) || !URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || LOOPBACK.has(hostname);
}
