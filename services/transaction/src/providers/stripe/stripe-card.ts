import { z } from 'zod';
import type { CardReply } from '../card-transport.ts';
import { failureOf } from '../failure.ts';
import type { CardSummary, Outcome } from '../provider.ts';
import { outcomeOfError } from './stripe-errors.ts';

/**
 * The form body that makes a payment method of a vaulted card. Placeholders stand raw: in a form the percent sign is
 * itself an escape, and URLSearchParams would turn %CARD_NUMBER% into %25CARD_NUMBER%25.
 */
export function cardTemplateBody(guest: { name: string; email: string }): string {
  const details = [
    ...(guest.name === '' ? [] : [`billing_details[name]=${encodeURIComponent(guest.name)}`]),
    ...(guest.email === '' ? [] : [`billing_details[email]=${encodeURIComponent(guest.email)}`]),
  ];
  return [
    'type=card',
    'card[number]=%CARD_NUMBER%',
    'card[exp_month]=%EXPIRATION_MM%',
    'card[exp_year]=%EXPIRATION_YYYY%',
    'card[cvc]=%SERVICE_CODE%',
    ...details,
  ].join('&');
}

const paymentMethodSchema = z.object({
  id: z.string().startsWith('pm_'),
  card: z
    .object({ brand: z.string(), last4: z.string(), exp_month: z.number(), exp_year: z.number() })
    .optional(),
});

const errorSchema = z.object({
  error: z.object({ type: z.string(), code: z.string().optional(), decline_code: z.string().optional() }),
});

/** What came of making a payment method. Nothing here can have charged. */
export function outcomeOfCardReply(
  reply: CardReply,
): { paymentMethod: string; summary: CardSummary | undefined } | Outcome {
  if (reply.kind === 'refused') {
    const code = reply.why === 'credentials' ? 'provider_credentials_rejected' : 'card_token_invalid';
    return { kind: 'declined', failure: failureOf(code), beforeCharge: true };
  }
  if (reply.kind === 'lost') return { kind: 'not_sent', reason: `card not handed over: ${reply.detail}` };
  const body = tryJson(reply.body);
  const method = paymentMethodSchema.safeParse(body);
  if (reply.status === 200 && method.success)
    return { paymentMethod: method.data.id, summary: toSummary(method.data.card) };
  const error = errorSchema.safeParse(body).data?.error;
  if (error === undefined)
    return { kind: 'not_sent', reason: `card not handed over: status ${reply.status}` };
  const outcome = outcomeOfError({
    status: reply.status,
    code: error.code,
    declineCode: error.decline_code,
    type: error.type,
    intent: undefined,
    connectionCode: undefined,
    isReplay: false,
    summary: `${error.type} ${error.code ?? ''}`.trim(),
  });
  // The vault filled in something else than the first time: the security code is gone since.
  if (error.type === 'idempotency_error' && reply.status === 400)
    return { kind: 'declined', failure: failureOf('card_token_invalid'), beforeCharge: true };
  // An unreadable outcome of this step is still proof that the charge was not asked for.
  if (outcome.kind === 'declined') return { ...outcome, beforeCharge: true };
  return { kind: 'not_sent', reason: `card not handed over: ${error.type} ${error.code ?? ''}`.trim() };
}

function toSummary(card: z.infer<typeof paymentMethodSchema>['card']): CardSummary | undefined {
  if (card === undefined) return undefined;
  return { brand: card.brand, last4: card.last4, expiryMonth: card.exp_month, expiryYear: card.exp_year };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
