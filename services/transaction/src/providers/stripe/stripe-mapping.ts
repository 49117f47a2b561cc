import type { Money } from '@centra/money/money.ts';
import { toProviderCurrency, toProviderMinor } from '@centra/money/provider-amount.ts';
import { Stripe } from 'stripe';
import { z } from 'zod';
import type { CardReply } from '../card-transport.ts';
import { failureOf } from '../failure.ts';
import type { Failure, FailureCode } from '../failure.ts';
import type { CardSummary, Outcome } from '../provider.ts';

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
    intentId: undefined,
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

/** Where a payment intent stands. Money that differs from what we asked for is never believed. */
export function outcomeOfIntent(intent: Stripe.PaymentIntent, money: Money): Outcome {
  const providerReference = intent.id;
  const known = cardOf(intent);
  const card = known === undefined ? {} : { card: known };
  switch (intent.status) {
    case 'succeeded':
      return isSameMoney(intent.amount_received, intent.currency, money)
        ? { kind: 'succeeded', providerReference, ...card }
        : {
            kind: 'unknown',
            providerReference,
            reason: `mismatch: Stripe collected ${intent.amount_received} ${intent.currency}`,
          };
    case 'requires_action': {
      const redirectUrl = intent.next_action?.redirect_to_url?.url;
      return typeof redirectUrl === 'string'
        ? { kind: 'requires_action', providerReference, redirectUrl, ...card }
        : { kind: 'unknown', providerReference, reason: 'Stripe asks for an action without a redirect' };
    }
    case 'requires_payment_method': {
      const last = intent.last_payment_error;
      // We create and confirm in one call, so an intent that was not tried yet is an old reading of it.
      if (last === null || last === undefined)
        return { kind: 'unknown', providerReference, reason: 'Stripe says it was not tried yet' };
      return {
        kind: 'declined',
        providerReference,
        failure: failureOfCodes(last.code, last.decline_code),
        ...card,
      };
    }
    case 'canceled':
      return {
        kind: 'declined',
        providerReference,
        failure: failureOf(
          intent.cancellation_reason === 'abandoned' ? 'authentication_abandoned' : 'not_charged',
        ),
        ...card,
      };
    case 'processing':
    case 'requires_capture':
    case 'requires_confirmation':
      return { kind: 'unknown', providerReference, reason: `Stripe says ${intent.status}` };
    default:
      // Stripe's lists are open: a status we do not know decides nothing.
      return { kind: 'unknown', providerReference, reason: `Stripe says ${String(intent.status)}` };
  }
}

function isSameMoney(units: number, currency: string, money: Money): boolean {
  return (
    BigInt(units) === toProviderMinor('stripe', money) &&
    currency === toProviderCurrency('stripe', money.currency)
  );
}

function cardOf(intent: Stripe.PaymentIntent): CardSummary | undefined {
  const method = intent.payment_method;
  if (method === null || typeof method === 'string' || method.card === undefined || method.card === null)
    return undefined;
  return toSummary(method.card);
}

/** What matters of an error of Stripe's, stripped of the raw reply. */
export type ErrorFacts = {
  status: number | undefined;
  type: string;
  code: string | undefined;
  declineCode: string | undefined;
  /** The payment intent that a decline left behind. */
  intentId: string | undefined;
  /** Of a connection that failed, for example ECONNREFUSED. */
  connectionCode: string | undefined;
  /** Stripe said that this is the stored answer to an earlier call with the same key. */
  isReplay: boolean;
  /** For our log and history: no provider text, which may quote what we sent. */
  summary: string;
};

/** An answer that began and did not end within the deadline. */
export class AnswerIncomplete extends Error {
  override name = 'AnswerIncomplete';
}

/** Reads the facts off whatever the SDK threw. */
export function errorFacts(error: unknown): ErrorFacts {
  if (!(error instanceof Stripe.errors.StripeError))
    return {
      status: undefined,
      type: 'unexpected',
      code: undefined,
      declineCode: undefined,
      intentId: undefined,
      connectionCode: undefined,
      isReplay: false,
      summary:
        error instanceof AnswerIncomplete ? 'no complete answer in time' : 'unexpected error in the SDK',
    };
  const detail = error.detail;
  const connectionCode = detail instanceof Error && 'code' in detail ? String(detail.code) : undefined;
  return {
    status: error.statusCode,
    type: error.rawType ?? error.type,
    code: error.code,
    declineCode: error.decline_code,
    intentId: error.payment_intent?.id,
    connectionCode,
    isReplay: error.headers?.['idempotent-replayed'] === 'true',
    summary: [error.type, error.statusCode, error.code, error.decline_code, connectionCode]
      .filter(Boolean)
      .join(' '),
  };
}

const NOT_SENT_CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']);

/** What an error means for the operation. Only Stripe's explicit word declines; silence and 5xx are unknown. */
export function outcomeOfError(facts: ErrorFacts): Outcome {
  const reference = facts.intentId === undefined ? {} : { providerReference: facts.intentId };
  // By the error's own type: Stripe also answers 402 with an invalid_request_error where raw card data is not enabled.
  if (facts.type === 'card_error')
    return { kind: 'declined', failure: failureOfCodes(facts.code, facts.declineCode), ...reference };
  if (facts.status === undefined)
    return facts.connectionCode !== undefined && NOT_SENT_CODES.has(facts.connectionCode)
      ? { kind: 'not_sent', reason: facts.summary }
      : { kind: 'unknown', reason: facts.summary, ...reference };
  // Stripe answered before executing anything. It says nothing of an earlier attempt, hence beforeCharge.
  if (facts.status === 401 || facts.status === 403)
    return { kind: 'declined', failure: failureOf('provider_credentials_rejected'), beforeCharge: true };
  if (facts.status === 429 || facts.code === 'rate_limit') return { kind: 'not_sent', reason: facts.summary };
  // The key is held by, or belongs to, another call of ours: that call's outcome is not known from here.
  if (facts.status === 409 || facts.type === 'idempotency_error')
    return { kind: 'unknown', reason: facts.summary, ...reference };
  if (facts.status >= 400 && facts.status < 500)
    return { kind: 'declined', failure: failureOf('provider_refused'), beforeCharge: true, ...reference };
  return {
    kind: 'unknown',
    reason: facts.summary,
    ...reference,
    ...(facts.isReplay ? { onlyLookupTells: true } : {}),
  };
}

// Stripe's decline codes (docs.stripe.com/declines/codes) and error codes in our words. A code that is not here is a
// plain decline: the list is open on their side.
export const STRIPE_CODES: ReadonlyMap<string, FailureCode> = new Map<string, FailureCode>(
  Object.entries({
    insufficient_funds: 'insufficient_funds',
    lost_card: 'lost_card',
    stolen_card: 'stolen_card',
    pickup_card: 'stolen_card',
    expired_card: 'expired_card',
    incorrect_cvc: 'incorrect_cvc',
    invalid_cvc: 'incorrect_cvc',
    incorrect_number: 'incorrect_number',
    invalid_number: 'incorrect_number',
    invalid_expiry_month: 'invalid_expiry',
    invalid_expiry_year: 'invalid_expiry',
    processing_error: 'processing_error',
    try_again_later: 'try_again_later',
    issuer_not_available: 'try_again_later',
    reenter_transaction: 'try_again_later',
    authentication_required: 'authentication_required',
    payment_intent_authentication_failure: 'authentication_failed',
    fraudulent: 'suspected_fraud',
    merchant_blacklist: 'suspected_fraud',
    card_not_supported: 'card_not_supported',
    currency_not_supported: 'card_not_supported',
    transaction_not_allowed: 'card_not_supported',
  } as const),
);

/** The more exact of the two codes that we know. */
export function failureOfCodes(
  code: string | null | undefined,
  declineCode: string | null | undefined,
): Failure {
  const known = STRIPE_CODES.get(declineCode ?? '') ?? STRIPE_CODES.get(code ?? '') ?? 'card_declined';
  return failureOf(known);
}
