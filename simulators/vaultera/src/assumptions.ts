/*
 * Everything the vendor's documents leave open ([A] in the facts sheet), one function each.
 * Where two readings are plausible a switch (`POST /_control/assumptions`) turns the function to the other one,
 * so that a client can be tested against both.
 */
import { z } from 'zod';
import type { CardDetails, CardErrors } from './cards/card-rules.ts';
import { CARD_TYPES } from './cards/card-rules.ts';
import type { Reply } from './replies.ts';
import { badRequest, emptyReply, jsonReply, VaulteraError } from './replies.ts';
import type { Card, Session } from './state.ts';

const DAY_MS = 86_400_000;

export const assumptionsSchema = z.strictObject({
  unauthorized_status: z.union([z.literal(401), z.literal(403)]).default(401),
  spent_session_status: z
    .union([z.literal(401), z.literal(403), z.literal(404), z.literal(422)])
    .default(401),
  session_lifetime_ms: z
    .int()
    .min(1)
    .max(DAY_MS)
    .default(15 * 60_000),
  card_mask: z.enum(['first6_last4', 'last4']).default('first6_last4'),
  escape_values: z.boolean().default(true),
  wiped_service_code: z.enum(['empty', 'placeholder']).default('empty'),
  delete_card_reply: z.enum(['success', 'no_content']).default('success'),
});

export type Assumptions = z.infer<typeof assumptionsSchema>;

/** Paths and verbs that could not be read in the documents, below `/api/v1`. */
export const ASSUMED_PATHS = {
  apiKeys: '/api_keys',
  /** With DELETE: revoke. */
  apiKey: '/api_keys/:id',
  /** With GET: the masked card; with DELETE: delete it. */
  card: '/cards/:card_token',
  /** With POST: wipe the CVV. */
  authorizeCard: '/cards/:card_token/authorize',
} as const;

/** A missing, unknown or revoked API key. */
export function unauthorized(assumptions: Assumptions): VaulteraError {
  return new VaulteraError(assumptions.unauthorized_status, 'unauthorized', 'Unauthorized');
}

/** A session token that is unknown, expired, of another scope or already used. */
export function sessionRejected(assumptions: Assumptions): VaulteraError {
  return new VaulteraError(
    assumptions.spent_session_status,
    'unauthorized',
    'Session token is invalid or already used',
  );
}

export function sessionExpiry(nowMs: number, assumptions: Assumptions): string {
  return new Date(nowMs + assumptions.session_lifetime_ms).toISOString();
}

/** Attributes of a session token besides the two confirmed ones. */
export function sessionAttributes(token: string, session: Session): Record<string, unknown> {
  return { session_token: token, scope: session.scope, expires_at: session.expires_at };
}

/** The error envelope, in the manner of the Channex API. */
export function errorEnvelope(error: VaulteraError): Record<string, unknown> {
  return {
    errors: { code: error.code, title: error.message, ...(error.details && { details: error.details }) },
  };
}

/** What the capture form posts to its parent after a failed submit: an object with `error`. */
export function captureFailure(error: VaulteraError): Record<string, unknown> {
  return {
    error: { code: error.code, title: error.message, ...(error.details && { details: error.details }) },
  };
}

/** `only=` / `except=`: comma-separated card types; the types a form accepts, or undefined for all of them. */
export function acceptedTypes(only: string | undefined, except: string | undefined): string[] | undefined {
  if (only !== undefined && except !== undefined) throw badRequest('only and except cannot be combined');
  const list = only ?? except;
  if (list === undefined) return undefined;
  const known: string[] = CARD_TYPES.map(({ type }) => type);
  const named = list.split(',').map((type) => type.trim().toLowerCase());
  const stranger = named.find((type) => !known.includes(type));
  if (stranger !== undefined) throw badRequest(`unknown card type; known are ${known.join(', ')}`);
  return only === undefined ? known.filter((type) => !named.includes(type)) : named;
}

export function maskedNumber(card: Card, assumptions: Assumptions): string {
  const first = assumptions.card_mask === 'first6_last4' ? card.first6 : '';
  return first.padEnd(card.length - card.last4.length, '*') + card.last4;
}

/** The service code of a card reply: masked while it is stored, absent once it is wiped. */
export function maskedServiceCode(card: Card): { service_code?: string } {
  return card.cvv_present ? { service_code: '***' } : {};
}

export function maskedApiKey(last4: string): string {
  return last4.padStart(32, '*');
}

/** Whether a submitted `card_type` may stand beside the type read off the number. */
export function cardTypeErrors(submitted: string | undefined, detected: string | undefined): CardErrors {
  if (submitted === undefined || detected === undefined || submitted.toLowerCase() === detected) return {};
  return { card_type: ['is invalid'] };
}

/** A card stored by a server needs no service code (reservation channels often send none); the capture form asks for it. */
export function serviceCodeRequired(from: 'server' | 'capture_form'): boolean {
  return from === 'capture_form';
}

export function deletedCardReply(assumptions: Assumptions): Reply {
  return assumptions.delete_card_reply === 'success' ? jsonReply(200, { success: true }) : emptyReply(204);
}

/** How a drop-in value is written for the body's media type, so that it cannot break out of its field. */
export function escapedValue(value: string, mediaType: string, assumptions: Assumptions): string {
  if (!assumptions.escape_values) return value;
  if (mediaType === 'application/x-www-form-urlencoded') return encodeURIComponent(value);
  if (mediaType === 'application/json' || mediaType.endsWith('+json'))
    return JSON.stringify(value).slice(1, -1);
  return value;
}

/** What `%SERVICE_CODE%` becomes once the service code is wiped; undefined leaves the placeholder standing. */
export function wipedServiceCode(assumptions: Assumptions): string | undefined {
  return assumptions.wiped_service_code === 'empty' ? '' : undefined;
}

/** Month as two digits, whatever was sent. */
export function normalizedExpiry(card: CardDetails): { expiration_month: string; expiration_year: string } {
  return { expiration_month: card.expiration_month.padStart(2, '0'), expiration_year: card.expiration_year };
}
