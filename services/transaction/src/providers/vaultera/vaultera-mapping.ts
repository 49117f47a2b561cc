import { z } from 'zod';
import type { CardReply } from '../card-transport.ts';
import type { CardSummary } from '../provider.ts';

// {"errors":{"code":"…"}}: the vault's own errors, told by shape from those of the gateway behind it, whose errors
// come through the same channel as {"error":{…}}.
const ownErrorSchema = z.object({ errors: z.object({ code: z.string().optional() }).loose() }).loose();

/** The vault's own refusal in an answer to `send`, or undefined when the answer is the target's. */
export function ownErrorOf(status: number, body: string): CardReply | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // Not JSON: neither the vault's nor any gateway's of ours. The target may have acted.
    return { kind: 'lost', detail: `unreadable answer with status ${status}`, surelyNotSent: false };
  }
  const own = ownErrorSchema.safeParse(parsed);
  if (!own.success) return undefined;
  const detail = `vault answered ${status} ${own.data.errors.code ?? ''}`.trim();
  if (status === 401 || status === 403) return { kind: 'refused', why: 'credentials', detail };
  if (status === 404) return { kind: 'refused', why: 'token_unknown', detail };
  if (status === 400 || status === 422) return { kind: 'refused', why: 'request', detail };
  return { kind: 'lost', detail, surelyNotSent: false };
}

// Errors of a connection that never carried a request.
const NOT_SENT_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'EAI_AGAIN',
]);

/** Whether the error proves that no byte of the request left. */
export function wasNotSent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NOT_SENT_CODES.has(String(error.code));
}

const cardSchema = z.object({
  data: z.object({
    attributes: z.object({
      card_number: z.string(),
      card_type: z.string().optional(),
      expiration_month: z.coerce.number(),
      expiration_year: z.coerce.number(),
    }),
  }),
});

/** Masked card of `GET /cards/:token`; undefined when the answer is not one. */
export function summaryOfCard(body: unknown): (CardSummary & { first6: string }) | undefined {
  const attributes = cardSchema.safeParse(body).data?.data.attributes;
  if (attributes === undefined) return undefined;
  return {
    brand: attributes.card_type ?? 'unknown',
    last4: attributes.card_number.slice(-4),
    first6: attributes.card_number.slice(0, 6),
    expiryMonth: attributes.expiration_month,
    expiryYear: attributes.expiration_year,
  };
}
