import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { Stripe } from 'stripe';
import type { FailureCode } from '../failure.ts';
import { errorFacts, outcomeOfError } from './stripe-errors.ts';
import type { ErrorFacts } from './stripe-errors.ts';

const SILENT: ErrorFacts = {
  status: undefined,
  type: 'StripeConnectionError',
  code: undefined,
  declineCode: undefined,
  intent: undefined,
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
        intent: { id: 'pi_9', status: 'requires_payment_method', cancellationReason: undefined },
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
    [{ status: 409, type: 'invalid_request_error', code: 'lock_timeout' }, 'not_sent'],
    [{ status: 429, type: 'invalid_request_error', code: 'lock_timeout' }, 'not_sent'],
    [{ status: 500, type: 'api_error', code: 'lock_timeout' }, 'unknown'],
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
      assert.equal(outcome.providerReference, facts.intent?.id);
    });

  test('a stored 5xx that Stripe only repeats sends us to the lookup; a fresh one does not', () => {
    const [repeated, fresh] = [true, false].map((isReplay) =>
      outcomeOfError({ ...SILENT, status: 500, type: 'api_error', isReplay }),
    );
    assert.equal(repeated?.kind === 'unknown' && repeated.onlyLookupTells, true);
    assert.equal(fresh?.kind === 'unknown' && fresh.onlyLookupTells, undefined);
  });

  test('a key of another call sends us to the lookup; a key that is only busy does not', () => {
    const [other, busy] = [400, 409].map((status) =>
      outcomeOfError({ ...SILENT, status, type: 'idempotency_error' }),
    );
    assert.equal(other?.kind === 'unknown' && other.onlyLookupTells, true);
    assert.equal(busy?.kind === 'unknown' && busy.onlyLookupTells, undefined);
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
            kind === 'unknown' || facts.type === 'card_error' || facts.connectionCode?.startsWith('E'),
          );
        assert.notEqual(kind, 'succeeded');
      }),
    );
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
