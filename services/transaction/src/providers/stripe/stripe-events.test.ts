import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import * as fc from 'fast-check';
import { Stripe } from 'stripe';
import type { OpenedAccount } from '../provider-account.ts';
import type { EventFact } from '../provider.ts';
import { peekEvent, readEvent } from './stripe-events.ts';

const OPERATION = '0190d7a5-7a86-7c6e-9f0a-2f4b5c6d7e8f';
const SECRET = 'whsec_of_this_hotel';

function accountWith(secret: string | undefined, mode: 'test' | 'live' = 'test'): OpenedAccount {
  return {
    id: 'account',
    version: 1,
    mode,
    provider: 'stripe',
    credentials: new Map(secret === undefined ? [] : [['webhook_secret', new Secret(secret)]]),
  };
}
const HOTEL = accountWith(SECRET);

type Fields = Record<string, unknown>;
function eventOf(type: string, object: Fields, fields: Fields = {}): Fields {
  return {
    id: 'evt_1',
    object: 'event',
    type,
    created: 1_800_000_000,
    livemode: false,
    data: { object },
    ...fields,
  };
}

function signed(body: string, secret = SECRET, ageSeconds = 0): Record<string, string> {
  const timestamp = Math.floor(Date.now() / 1_000) - ageSeconds;
  return {
    'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp }),
  };
}

function read(event: Fields, account = HOTEL): EventFact {
  const body = JSON.stringify(event);
  return readEvent(account, Buffer.from(body), signed(body));
}

const METADATA = {
  centra_operation: OPERATION,
  centra_payment: 'pay_01abc',
  centra_account: 'pa_01xyz',
};
const intent: Fields = {
  id: 'pi_1',
  object: 'payment_intent',
  status: 'succeeded',
  amount: 12_500,
  amount_received: 12_500,
  currency: 'eur',
  latest_charge: 'ch_1',
  metadata: METADATA,
};
const charge: Fields = {
  id: 'ch_1',
  object: 'charge',
  status: 'succeeded',
  amount: 12_500,
  amount_refunded: 0,
  currency: 'eur',
  payment_intent: 'pi_1',
  captured: true,
  disputed: false,
  metadata: METADATA,
};
const refund: Fields = {
  id: 're_1',
  object: 'refund',
  status: 'succeeded',
  amount: 2_500,
  currency: 'eur',
  charge: 'ch_1',
  payment_intent: 'pi_1',
  metadata: METADATA,
};
const dispute: Fields = {
  id: 'dp_1',
  object: 'dispute',
  status: 'needs_response',
  amount: 12_500,
  currency: 'eur',
  charge: 'ch_1',
  payment_intent: 'pi_1',
  metadata: {},
};
const session: Fields = {
  id: 'cs_1',
  object: 'checkout.session',
  status: 'complete',
  payment_status: 'paid',
  amount_total: 12_500,
  currency: 'eur',
  payment_intent: 'pi_1',
  metadata: METADATA,
};

const refusedWith = (account: OpenedAccount, raw: string, headers: Record<string, string>): void => {
  assert.throws(
    () => readEvent(account, Buffer.from(raw), headers),
    (error) =>
      error instanceof AppError && error.code === 'signature_invalid' && !error.message.includes(SECRET),
  );
};

describe('only what this account signed is read', () => {
  const body = JSON.stringify(eventOf('payment_intent.succeeded', intent));

  test('a signature by the account is taken, under any case of the header name', () => {
    assert.equal(readEvent(HOTEL, Buffer.from(body), signed(body)).eventId, 'evt_1');
    const header = signed(body)['stripe-signature'] ?? '';
    assert.equal(readEvent(HOTEL, Buffer.from(body), { 'Stripe-Signature': header }).eventId, 'evt_1');
  });

  test('while a secret is rolled, either of two signatures is enough', () => {
    const right = signed(body)['stripe-signature'] ?? '';
    const wrong = signed(body, 'whsec_other')['stripe-signature']?.split(',')[1] ?? '';
    const [time = '', v1 = ''] = right.split(',');
    assert.equal(
      readEvent(HOTEL, Buffer.from(body), { 'stripe-signature': `${time},${wrong},${v1}` }).eventId,
      'evt_1',
    );
  });

  test('a signature from further ahead than an old one may be behind, or of no time, is refused', () => {
    refusedWith(HOTEL, body, signed(body, SECRET, -330));
    const ofNoTime = createHmac('sha256', SECRET).update(`NaN.${body}`).digest('hex');
    refusedWith(HOTEL, body, { 'stripe-signature': `t=soon,v1=${ofNoTime}` });
    assert.equal(readEvent(HOTEL, Buffer.from(body), signed(body, SECRET, -270)).eventId, 'evt_1');
  });

  test('another secret, another body, an old one, none, or a scheme we do not know is refused', () => {
    refusedWith(HOTEL, body, signed(body, 'whsec_other'));
    refusedWith(HOTEL, body.replace('12500', '12501'), signed(body));
    refusedWith(HOTEL, ` ${body}`, signed(body));
    refusedWith(HOTEL, body, signed(body, SECRET, 301));
    refusedWith(HOTEL, body, {});
    refusedWith(HOTEL, body, { 'stripe-signature': '' });
    refusedWith(HOTEL, body, {
      'stripe-signature': (signed(body)['stripe-signature'] ?? '').replace('v1=', 'v0='),
    });
    assert.equal(readEvent(HOTEL, Buffer.from(body), signed(body, SECRET, 290)).eventId, 'evt_1');
  });

  test('an account without a secret takes nothing, also not what is signed with nothing', () => {
    refusedWith(accountWith(undefined), body, signed(body));
    refusedWith(accountWith(''), body, signed(body, ''));
  });

  test('what is signed and no event is refused', () => {
    for (const raw of ['', 'null', '[]', '{}', '{"id":"evt_1"}', '<html>'])
      refusedWith(HOTEL, raw, signed(raw));
  });
});

describe('what an event tells', () => {
  type Case = [
    type: string,
    object: Fields,
    about: EventFact['about'],
    references: string[],
    statedMinor?: bigint,
  ];
  const payment = { kind: 'payment' } as const;
  const cases: Case[] = [
    ['payment_intent.created', intent, payment, ['pi_1'], 12_500n],
    ['payment_intent.succeeded', intent, payment, ['pi_1'], 12_500n],
    ['payment_intent.payment_failed', intent, payment, ['pi_1'], 12_500n],
    ['payment_intent.amount_capturable_updated', intent, payment, ['pi_1'], 12_500n],
    ['payment_intent.canceled', intent, payment, ['pi_1'], 12_500n],
    ['payment_intent.a_type_of_2030', intent, payment, ['pi_1'], 12_500n],
    ['charge.captured', charge, payment, ['pi_1'], 12_500n],
    ['charge.expired', charge, payment, ['pi_1'], 12_500n],
    ['charge.refunded', charge, payment, ['pi_1'], 12_500n],
    ['charge.refund.updated', refund, { kind: 'refund', refundReference: 're_1' }, ['pi_1'], 2_500n],
    ['refund.created', refund, { kind: 'refund', refundReference: 're_1' }, ['pi_1'], 2_500n],
    ['refund.failed', refund, { kind: 'refund', refundReference: 're_1' }, ['pi_1'], 2_500n],
    ['charge.dispute.created', dispute, { kind: 'dispute', disputeReference: 'dp_1' }, ['pi_1'], 12_500n],
    ['charge.dispute.closed', dispute, { kind: 'dispute', disputeReference: 'dp_1' }, ['pi_1'], 12_500n],
    ['checkout.session.completed', session, payment, ['cs_1', 'pi_1'], 12_500n],
    ['checkout.session.expired', { ...session, payment_intent: null }, payment, ['cs_1'], 12_500n],
    [
      'checkout.session.completed',
      { ...session, payment_intent: intent },
      payment,
      ['cs_1', 'pi_1'],
      12_500n,
    ],
  ];
  for (const [type, object, about, references, statedMinor] of cases)
    test(`${type} is about ${JSON.stringify(about)} of ${references.join(' and ')}`, () => {
      const fact = read(eventOf(type, object));
      assert.deepEqual(fact.about, about);
      assert.deepEqual(fact.paymentReferences, references);
      assert.deepEqual(fact.stated, { amountMinor: statedMinor, currency: 'EUR' });
      assert.deepEqual([fact.eventId, fact.type], ['evt_1', type]);
      assert.equal(fact.operationId, object === dispute ? undefined : OPERATION);
      assert.equal(fact.paymentId, object === dispute ? undefined : 'pay_01abc');
      assert.deepEqual(fact.occurredAt, new Date('2027-01-15T08:00:00.000Z'));
    });

  const others: [type: string, object: Fields][] = [
    ['payout.paid', { id: 'po_1', object: 'payout', amount: 1, currency: 'eur' }],
    [
      'radar.early_fraud_warning.created',
      { id: 'issfr_1', object: 'radar.early_fraud_warning', payment_intent: 'pi_1' },
    ],
    ['charge.succeeded', { ...charge, payment_intent: null }],
    // A type that does not fit its object is not believed.
    ['payment_intent.succeeded', charge],
    ['refund.created', intent],
    ['charge.dispute.created', { ...dispute, id: null }],
  ];
  for (const [type, object] of others)
    test(`${type} of ${String(object['object'])} concerns us not, and carries nothing`, () => {
      const fact = read(eventOf(type, object));
      assert.deepEqual(
        [fact.about, fact.paymentReferences, fact.operationId, fact.paymentId, fact.stated],
        [{ kind: 'other' }, [], undefined, undefined, undefined],
      );
    });

  test('an event of the other mode is refused, whoever signed it', () => {
    const live = eventOf('payment_intent.succeeded', intent, { livemode: true });
    refusedWith(HOTEL, JSON.stringify(live), signed(JSON.stringify(live)));
    assert.deepEqual(read(live, accountWith(SECRET, 'live')).about, { kind: 'payment' });
    const ofTestMode = eventOf('payment_intent.succeeded', intent, { livemode: false });
    const body = JSON.stringify(ofTestMode);
    refusedWith(accountWith(SECRET, 'live'), body, signed(body));
  });

  test('references that are not ours in kind are not taken for ours', () => {
    const odd = { ...intent, metadata: { centra_operation: "' or 1=1", centra_payment: 'pay_../../x' } };
    const fact = read(eventOf('payment_intent.succeeded', odd));
    assert.deepEqual([fact.operationId, fact.paymentId], [undefined, undefined]);
  });
});

const keyOf = (object: Fields, type = 'payment_intent.succeeded', fields: Fields = {}): string =>
  read(eventOf(type, object, fields)).factKey;

describe('the same fact under another id', () => {
  test('has the same key', () => {
    assert.equal(keyOf(intent, undefined, { id: 'evt_2', created: 1_800_000_099 }), keyOf(intent));
  });

  test('any part of its state makes it another', () => {
    const others = [
      { ...intent, id: 'pi_2' },
      { ...intent, status: 'requires_capture' },
      { ...intent, amount: 15_000 },
      { ...intent, amount_received: 5_000 },
      { ...intent, amount_capturable: 5_000 },
      { ...intent, latest_charge: 'ch_2' },
      { ...intent, cancellation_reason: 'automatic' },
      { ...intent, last_payment_error: { code: 'card_declined' } },
    ].map((object) => keyOf(object));
    const keys = [keyOf(intent), keyOf(intent, 'payment_intent.canceled'), ...others];
    assert.equal(new Set(keys).size, keys.length);
    const refunds = [0, 100, 200].map((amount) =>
      keyOf({ ...charge, amount_refunded: amount }, 'charge.refunded'),
    );
    assert.equal(new Set(refunds).size, 3);
  });
});

const peek = (body: string): ReturnType<typeof peekEvent> => peekEvent(Buffer.from(body));

describe('a body that nobody has checked yet', () => {
  test('shows our account and the payments it is about, and nothing else', () => {
    assert.deepEqual(peek(JSON.stringify(eventOf('checkout.session.completed', session))), {
      paymentReferences: ['cs_1', 'pi_1'],
      providerAccountId: 'pa_01xyz',
    });
  });

  test('what no id can hold is not taken for one', () => {
    for (const id of ['pi_\u0000', 'pi_ 1', '', `pi_${'1'.repeat(300)}`, '\ud800'])
      assert.equal(
        peek(JSON.stringify(eventOf('payment_intent.succeeded', { id, object: 'payment_intent' }))),
        undefined,
      );
  });

  test('without any, or unreadable, it shows nothing', () => {
    for (const body of [
      '',
      '{',
      'null',
      JSON.stringify(eventOf('payout.paid', { id: 'po_1', object: 'payout' })),
    ])
      assert.equal(peek(body), undefined);
  });

  test('whatever it is, looking never throws, nor does reading it signed', () => {
    const type = fc.constantFrom(
      'payment_intent.succeeded',
      'charge.refunded',
      'refund.failed',
      'checkout.session.expired',
      'x',
    );
    fc.assert(
      fc.property(type, fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (name, object, other) => {
        const event = eventOf(name, { id: 'pi_1', object: 'payment_intent', ...object });
        assert.equal(read(event).eventId, 'evt_1');
        peek(JSON.stringify(event));
        assert.equal(peek(JSON.stringify(other)), undefined);
      }),
    );
  });
});
