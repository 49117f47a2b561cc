import { Stripe } from 'stripe';
import { failureOf } from '../failure.ts';
import type { Failure } from '../failure.ts';
import type { Outcome } from '../provider.ts';
import { failureOfCodes } from './stripe-mapping.ts';

/** What matters of an error of Stripe's, stripped of the raw reply. */
export type ErrorFacts = {
  status: number | undefined;
  type: string;
  code: string | undefined;
  declineCode: string | undefined;
  /** The payment intent that a decline left behind, or whose state a refusal names. */
  intent: { id: string; status: string | undefined; cancellationReason: string | undefined } | undefined;
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
      intent: undefined,
      connectionCode: undefined,
      isReplay: false,
      summary:
        error instanceof AnswerIncomplete ? 'no complete answer in time' : 'unexpected error in the SDK',
    };
  const detail = error.detail;
  const connectionCode = detail instanceof Error && 'code' in detail ? String(detail.code) : undefined;
  const intent = error.payment_intent;
  return {
    status: error.statusCode,
    type: error.rawType ?? error.type,
    code: error.code,
    declineCode: error.decline_code,
    intent:
      typeof intent?.id === 'string'
        ? {
            id: intent.id,
            status: intent.status,
            cancellationReason: intent.cancellation_reason ?? undefined,
          }
        : undefined,
    connectionCode,
    isReplay: error.headers?.['idempotent-replayed'] === 'true',
    summary: [error.type, error.statusCode, error.code, error.decline_code, connectionCode]
      .filter(Boolean)
      .join(' '),
  };
}

const NOT_SENT_CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']);

/**
 * What an error means for the operation. Only Stripe's explicit word declines; silence and 5xx are unknown. `refusal`
 * names a request that Stripe refused for what it asks.
 */
export function outcomeOfError(
  facts: ErrorFacts,
  refusal: (facts: ErrorFacts) => Failure = () => failureOf('provider_refused'),
): Outcome {
  const reference = facts.intent === undefined ? {} : { providerReference: facts.intent.id };
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
  if (isTurnedAway(facts)) return { kind: 'not_sent', reason: facts.summary };
  // The key is held by another call of ours: that call's outcome is not known from here.
  if (facts.status === 409) return { kind: 'unknown', reason: facts.summary, ...reference };
  // The key belongs to a call with other parameters, for ever: sending again never tells what became of that one.
  if (facts.type === 'idempotency_error')
    return { kind: 'unknown', reason: facts.summary, ...reference, onlyLookupTells: true };
  if (facts.status >= 400 && facts.status < 500)
    return { kind: 'declined', failure: refusal(facts), beforeCharge: true, ...reference };
  return {
    kind: 'unknown',
    reason: facts.summary,
    ...reference,
    ...(facts.isReplay ? { onlyLookupTells: true } : {}),
  };
}

/**
 * Too many calls, or the object is held by another request of anybody's (lock_timeout: Stripe did nothing and asks to
 * try again; docs.stripe.com/rate-limits#object-lock-timeouts). A 5xx of that name is still a 5xx.
 */
function isTurnedAway({ status, code }: ErrorFacts): boolean {
  if (status === undefined || status < 400 || status >= 500) return false;
  return status === 429 || code === 'rate_limit' || code === 'lock_timeout';
}
