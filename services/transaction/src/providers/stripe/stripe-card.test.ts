import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { CardReply } from '../card-transport.ts';
import type { FailureCode } from '../failure.ts';
import { cardTemplateBody, outcomeOfCardReply } from './stripe-card.ts';

const reply = (status: number, body: unknown): CardReply => ({
  kind: 'reply',
  status,
  headers: {},
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

describe('what came of handing the card over', () => {
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
