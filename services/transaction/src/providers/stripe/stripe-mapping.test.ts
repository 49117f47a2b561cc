import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Stripe } from 'stripe';
import type { CardReply } from '../card-transport.ts';
import { FAILURES } from '../failure.ts';
import type { FailureCode } from '../failure.ts';
import {
  cardTemplateBody,
  errorFacts,
  failureOfCodes,
  outcomeOfCardReply,
  outcomeOfError,
  outcomeOfIntent,
} from './stripe-mapping.ts';
import type { ErrorFacts } from './stripe-mapping.ts';

const EUR_125 = { amountMinor: 12_500n, currency: 'EUR' };

/** Answers of Stripe reach the mapping as JSON; unknown future values included. */
function intentOf(fields: Record<string, unknown>): Stripe.PaymentIntent {
  return JSON.parse(
    JSON.stringify({
      id: 'pi_1',
      object: 'payment_intent',
      amount: 12_500,
      amount_received: 0,
      currency: 'eur',
      payment_method: null,
      ...fields,
    }),
  ) as Stripe.PaymentIntent;
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

describe('what came of handing the card over', () => {
  const reply = (status: number, body: unknown): CardReply => ({
    kind: 'reply',
    status,
    headers: {},
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  type Case = [name: string, reply: CardReply, kind: string, code?: FailureCode];
  const cases: Case[] = [
    [
      'token unknown',
      { kind: 'refused', why: 'token_unknown', detail: '' },
      'declined',
      'card_token_invalid',
    ],
    [
      'vault key refused',
      { kind: 'refused', why: 'credentials', detail: '' },
      'declined',
      'provider_credentials_rejected',
    ],
    [
      'vault refused the template',
      { kind: 'refused', why: 'request', detail: '' },
      'declined',
      'card_token_invalid',
    ],
    ['lost', { kind: 'lost', detail: 'timeout', surelyNotSent: false }, 'not_sent'],
    [
      'Stripe refused the number',
      reply(402, { error: { type: 'card_error', code: 'incorrect_number' } }),
      'declined',
      'incorrect_number',
    ],
    [
      'Stripe refused our key',
      reply(401, { error: { type: 'invalid_request_error' } }),
      'declined',
      'provider_credentials_rejected',
    ],
    ['Stripe at its limit', reply(429, { error: { type: 'rate_limit_error' } }), 'not_sent'],
    ['Stripe broke', reply(500, { error: { type: 'api_error' } }), 'not_sent'],
    ['an answer that is no JSON', reply(200, '<html>'), 'not_sent'],
    ['an answer of another kind', reply(200, { id: 'cus_1' }), 'not_sent'],
    [
      'another body under the key',
      reply(400, { error: { type: 'idempotency_error' } }),
      'declined',
      'card_token_invalid',
    ],
    [
      'the key still in use',
      reply(409, { error: { type: 'idempotency_error', code: 'idempotency_key_in_use' } }),
      'not_sent',
    ],
  ];
  for (const [name, given, kind, code] of cases)
    test(`${name}: ${kind}, and never taken for a charge`, () => {
      const outcome = outcomeOfCardReply(given);
      assert.ok('kind' in outcome);
      assert.equal(outcome.kind, kind);
      if (outcome.kind !== 'declined') return;
      assert.equal(outcome.failure.code, code);
      assert.equal(outcome.beforeCharge, true);
    });

  test('a payment method is taken with what may be shown of the card', () => {
    const card = { brand: 'visa', last4: '4242', exp_month: 9, exp_year: 2048 };
    assert.deepEqual(outcomeOfCardReply(reply(200, { id: 'pm_1', card })), {
      paymentMethod: 'pm_1',
      summary: { brand: 'visa', last4: '4242', expiryMonth: 9, expiryYear: 2048 },
    });
  });
});

test('the card template keeps every placeholder raw, whatever the guest is called', () => {
  const placeholders = ['%CARD_NUMBER%', '%EXPIRATION_MM%', '%EXPIRATION_YYYY%', '%SERVICE_CODE%'];
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(...placeholders, '%CARDHOLDER_NAME%', '&card[number]=1'),
  );
  fc.assert(
    fc.property(text, text, (name, email) => {
      const body = cardTemplateBody({ name, email });
      for (const placeholder of placeholders)
        assert.equal(body.split(placeholder).length, 2, `${placeholder} stands once`);
      assert.ok(!body.includes('%CARDHOLDER_NAME%'), 'a name that spells a placeholder is not one');
      const filled = new URLSearchParams(
        placeholders.reduce((rest, placeholder) => rest.replace(placeholder, '1'), body),
      );
      assert.equal(filled.get('card[number]'), '1');
      assert.equal(filled.get('billing_details[name]') ?? '', name);
      assert.equal(filled.get('billing_details[email]') ?? '', email);
    }),
  );
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
