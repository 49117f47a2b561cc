import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { Stripe } from 'stripe';
import { FAILURES } from '../failure.ts';
import type { FailureCode } from '../failure.ts';
import { errorFacts, failureOfCodes, outcomeOfError, outcomeOfIntent } from './stripe-mapping.ts';
import type { ErrorFacts } from './stripe-mapping.ts';

const EUR_125 = { amountMinor: 12_500n, currency: 'EUR' };

/** Answers of Stripe reach the mapping as JSON; unknown future values included. */
function intentOf(fields: Record<string, unknown>): Stripe.PaymentIntent {
  const intent: Stripe.PaymentIntent = JSON.parse(
    JSON.stringify({
      id: 'pi_1',
      object: 'payment_intent',
      amount: 12_500,
      amount_received: 0,
      currency: 'eur',
      payment_method: null,
      ...fields,
    }),
  );
  return intent;
}

describe('where a payment intent stands', () => {
  const redirect = {
    type: 'redirect_to_url',
    redirect_to_url: { url: 'https://bank.example/3ds', return_url: 'https://h.example' },
  };
  type Case = [fields: Record<string, unknown>, kind: string, detail?: string];
  const cases: Case[] = [
    [{ status: 'succeeded', amount_received: 12_500 }, 'succeeded'],
    [{ status: 'succeeded', amount_received: 12_499 }, 'unknown', 'mismatch'],
    [{ status: 'succeeded', amount_received: 12_500, currency: 'usd' }, 'unknown', 'mismatch'],
    [{ status: 'requires_action', next_action: redirect }, 'requires_action'],
    [{ status: 'requires_action', next_action: { type: 'use_stripe_sdk' } }, 'unknown', 'without a redirect'],
    [
      {
        status: 'requires_payment_method',
        last_payment_error: { code: 'card_declined', decline_code: 'lost_card' },
      },
      'declined',
      'lost_card',
    ],
    [
      {
        status: 'requires_payment_method',
        last_payment_error: { code: 'payment_intent_authentication_failure' },
      },
      'declined',
      'authentication_failed',
    ],
    [{ status: 'requires_payment_method', last_payment_error: null }, 'unknown', 'not tried yet'],
    [{ status: 'canceled', cancellation_reason: 'abandoned' }, 'declined', 'authentication_abandoned'],
    [{ status: 'canceled', cancellation_reason: 'requested_by_customer' }, 'declined', 'not_charged'],
    [{ status: 'canceled', cancellation_reason: 'a_reason_of_2030' }, 'declined', 'not_charged'],
    [{ status: 'processing' }, 'unknown', 'processing'],
    [{ status: 'requires_capture' }, 'unknown', 'requires_capture'],
    [{ status: 'requires_confirmation' }, 'unknown', 'requires_confirmation'],
    [{ status: 'a_status_of_2030' }, 'unknown', 'a_status_of_2030'],
  ];
  for (const [fields, kind, detail] of cases)
    test(`${JSON.stringify(fields)} is ${kind}${detail === undefined ? '' : ` (${detail})`}`, () => {
      const outcome = outcomeOfIntent(intentOf(fields), EUR_125);
      assert.equal(outcome.kind, kind);
      assert.equal(
        'providerReference' in outcome && outcome.providerReference,
        'pi_1',
        'the reference is never lost',
      );
      if (outcome.kind === 'declined') assert.equal(outcome.failure.code, detail);
      if (outcome.kind === 'declined')
        assert.equal(outcome.beforeCharge, undefined, "Stripe's word on the intent is final");
      if (outcome.kind === 'unknown') assert.match(outcome.reason, new RegExp(detail ?? ''));
    });
});

const SILENT: ErrorFacts = {
  status: undefined,
  type: 'StripeConnectionError',
  code: undefined,
  declineCode: undefined,
  intentId: undefined,
  connectionCode: undefined,
  isReplay: false,
  summary: 'facts',
};

describe('what an error means', () => {
  type Case = [facts: Partial<ErrorFacts>, kind: string, code?: FailureCode, beforeCharge?: true];
  const cases: Case[] = [
    [
      {
        status: 402,
        type: 'card_error',
        code: 'card_declined',
        declineCode: 'insufficient_funds',
        intentId: 'pi_9',
      },
      'declined',
      'insufficient_funds',
    ],
    [{ status: 402, type: 'card_error', code: 'expired_card' }, 'declined', 'expired_card'],
    [
      { status: 402, type: 'card_error', code: 'card_declined', declineCode: 'a_code_of_2030' },
      'declined',
      'card_declined',
    ],
    [{ status: 402, type: 'card_error', code: 'a_code_of_2030' }, 'declined', 'card_declined'],
    [{ status: 401, type: 'invalid_request_error' }, 'declined', 'provider_credentials_rejected', true],
    [{ status: 403, type: 'invalid_request_error' }, 'declined', 'provider_credentials_rejected', true],
    [
      { status: 400, type: 'invalid_request_error', code: 'parameter_invalid_integer' },
      'declined',
      'provider_refused',
      true,
    ],
    [
      { status: 404, type: 'invalid_request_error', code: 'resource_missing' },
      'declined',
      'provider_refused',
      true,
    ],
    [{ status: 400, type: 'idempotency_error' }, 'unknown'],
    [{ status: 409, type: 'idempotency_error', code: 'idempotency_key_in_use' }, 'unknown'],
    [{ status: 409, type: 'invalid_request_error', code: 'lock_timeout' }, 'unknown'],
    [{ status: 429, type: 'rate_limit_error' }, 'not_sent'],
    [{ status: 400, type: 'invalid_request_error', code: 'rate_limit' }, 'not_sent'],
    [{ status: 500, type: 'api_error' }, 'unknown'],
    [{ status: 500, type: 'api_error', isReplay: true }, 'unknown'],
    [{ status: 502, type: 'api_error' }, 'unknown'],
    [{ status: 599, type: 'a_type_of_2030' }, 'unknown'],
    [{ status: 302, type: 'a_type_of_2030' }, 'unknown'],
    [{ connectionCode: 'ECONNREFUSED' }, 'not_sent'],
    [{ connectionCode: 'ENOTFOUND' }, 'not_sent'],
    [{ connectionCode: 'ECONNRESET' }, 'unknown'],
    [{ connectionCode: 'ETIMEDOUT' }, 'unknown'],
    [{ connectionCode: 'A_CODE_OF_2030' }, 'unknown'],
    [{}, 'unknown'],
  ];
  for (const [facts, kind, code, beforeCharge] of cases)
    test(`${JSON.stringify(facts)} is ${kind}${code === undefined ? '' : ` (${code})`}`, () => {
      const outcome = outcomeOfError({ ...SILENT, ...facts });
      assert.equal(outcome.kind, kind);
      if (outcome.kind !== 'declined') return;
      assert.equal(outcome.failure.code, code);
      assert.equal(outcome.beforeCharge, beforeCharge);
      assert.equal(outcome.providerReference, facts.intentId);
    });

  test('a stored 5xx that Stripe only repeats sends us to the lookup; a fresh one does not', () => {
    const [repeated, fresh] = [true, false].map((isReplay) =>
      outcomeOfError({ ...SILENT, status: 500, type: 'api_error', isReplay }),
    );
    assert.equal(repeated?.kind === 'unknown' && repeated.onlyLookupTells, true);
    assert.equal(fresh?.kind === 'unknown' && fresh.onlyLookupTells, undefined);
  });

  test('nothing but an explicit refusal or a connection that was never made ends an operation', () => {
    const anyFacts = fc.record({
      status: fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
      type: fc.string(),
      code: fc.option(fc.string(), { nil: undefined }),
      connectionCode: fc.option(fc.string(), { nil: undefined }),
    });
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const { kind } = outcomeOfError({ ...SILENT, ...facts });
        if (facts.status === undefined || facts.status >= 500 || facts.status < 400)
          assert.ok(
            kind === 'unknown' ||
              facts.type === 'card_error' ||
              facts.connectionCode?.startsWith('E') ||
              facts.code === 'rate_limit',
          );
        assert.notEqual(kind, 'succeeded');
      }),
    );
  });
});

describe('decline codes in our words', () => {
  const cases: [code: string | undefined, declineCode: string | undefined, ours: FailureCode][] = [
    ['card_declined', 'insufficient_funds', 'insufficient_funds'],
    ['card_declined', 'lost_card', 'lost_card'],
    ['card_declined', 'stolen_card', 'stolen_card'],
    ['card_declined', 'pickup_card', 'stolen_card'],
    ['card_declined', 'do_not_honor', 'card_declined'],
    ['card_declined', 'generic_decline', 'card_declined'],
    ['card_declined', 'fraudulent', 'suspected_fraud'],
    ['card_declined', 'try_again_later', 'try_again_later'],
    ['card_declined', 'authentication_required', 'authentication_required'],
    ['expired_card', 'expired_card', 'expired_card'],
    ['incorrect_cvc', undefined, 'incorrect_cvc'],
    ['incorrect_number', undefined, 'incorrect_number'],
    ['invalid_expiry_year', undefined, 'invalid_expiry'],
    ['processing_error', undefined, 'processing_error'],
    ['payment_intent_authentication_failure', undefined, 'authentication_failed'],
    ['a_code_of_2030', 'another_of_2030', 'card_declined'],
    [undefined, undefined, 'card_declined'],
    // Names that every object inherits are no codes either.
    ['constructor', 'toString', 'card_declined'],
  ];
  for (const [code, declineCode, ours] of cases)
    test(`${code} / ${declineCode} is ${ours}`, () => {
      assert.deepEqual(failureOfCodes(code, declineCode), {
        code: ours,
        message: FAILURES[ours].message,
        retryable: FAILURES[ours].retryable,
      });
    });

  test('a lost or stolen card tells the guest no more than a plain decline', () => {
    assert.equal(FAILURES.lost_card.message, FAILURES.card_declined.message);
    assert.equal(FAILURES.stolen_card.message, FAILURES.card_declined.message);
    assert.equal(FAILURES.suspected_fraud.message, FAILURES.card_declined.message);
  });
});

test('the facts of an error hold no text of the provider, which may quote what was sent', () => {
  const facts = errorFacts(
    new Stripe.errors.StripeInvalidRequestError({
      type: 'invalid_request_error',
      message: 'No such key: sk_test_secret',
    }),
  );
  assert.ok(!JSON.stringify(facts).includes('sk_test_secret'));
  assert.equal(errorFacts(new Error('sk_test_secret')).summary, 'unexpected error in the SDK');
});
