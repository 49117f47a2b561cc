import { toPublicId } from './public-ids.ts';
import { auditRows } from './small-run-audit.ts';
import { catalogueRows } from './small-run-catalogue.ts';
import {
  A,
  B,
  DAY_MS,
  OPERATIONS,
  QUIET_AT,
  STEPS,
  STRIPE,
  STRIPE_ACCOUNT,
  T,
  VAULT,
  at,
  find,
  lines,
  sha256,
  uuidOf,
} from './small-run-file.ts';
import type { SmallRun } from './small-run-file.ts';
import {
  answer,
  done,
  exchange,
  operationRow,
  paymentOf,
  providerEvent,
  step,
} from './small-run-payments.ts';
import { sealedRows } from './small-run-sealing.ts';
import { settingsRows } from './small-run-settings.ts';

// A run that never was and that holds: two hotels, one of them on Stripe, with everything that the invariants look at. Tests
// change one thing in it and see it caught.

/** The whole run. */
export function smallRun(): SmallRun {
  const run: SmallRun = { files: {} };
  for (const table of EMPTY) lines(run, table);
  const endpoint = {
    id: 'we_1',
    url: `http://127.0.0.1:1/v1/webhooks/stripe/${toPublicId('pa', uuidOf(0xa1))}`,
  };
  lines(run, STRIPE).push({
    kind: 'state',
    account: STRIPE_ACCOUNT,
    type: 'webhook_endpoint',
    value: endpoint,
  });
  addFacts(run);
  settingsRows(run);
  addPayments(run);
  addRefusals(run);
  sealedRows(run, { hotel: A, accounts: [uuidOf(0xa1), VAULT], other: { hotel: B, account: uuidOf(0xb1) } });
  auditRows(run);
  catalogueRows(run);
  return run;
}

const EMPTY = [
  ...[
    'operation_verdicts',
    'provider_event_replays',
    'disputes',
    'dispute_events',
    'simulator_challenges',
  ].map(T),
  'dump/payment_api/quoted_operations.jsonl',
  'dump/payment_api/quotes.jsonl',
];

function addFacts(run: SmallRun): void {
  const hotels = [
    { merchantId: A, name: 'Riad A', stripeAccount: STRIPE_ACCOUNT, provider: 'stripe' },
    { merchantId: B, name: 'Riad B', stripeAccount: '', provider: 'simulator' },
  ];
  const quietAt = new Date(QUIET_AT).toISOString();
  lines(run, 'run.json').push({ scenario: 'small', seed: 1, startedAt: quietAt, quietAt, hotels });
  for (const merchant_id of [A, B]) {
    lines(run, 'dump/merchant/merchant_origins.jsonl').push({ merchant_id, origin: 'https://example.com' });
    const key = uuidOf(merchant_id === A ? 0xc1 : 0xc2);
    lines(run, 'dump/auth/api_keys.jsonl').push({ merchant_id, id: key });
    lines(run, 'dump/auth/api_key_usage.jsonl').push({ merchant_id, api_key_id: key });
  }
  for (const phase of ['baseline', 'running', 'rest'])
    for (const process of ['transaction-1', 'merchant-1']) {
      const sample = { process, pid: 1, rssBytes: 150_000_000, descriptors: 40 };
      lines(run, 'resources.jsonl').push({ at: quietAt, phase, ...sample });
    }
}

/** A charge with a refund, holds that were captured, released, raised and left to lapse, a decline; and both at B. */
function addPayments(run: SmallRun): void {
  const later = at(-6 * DAY_MS);
  for (const [hotel, base] of [
    [A, 1],
    [B, 101],
  ] as const) {
    // The simulator's reference holds for 7 days from a day before the quiet.
    const held = { hold_expires_at: later };
    const charged = paymentOf(run, base, hotel);
    const paid = { authorized_minor: 12_550, captured_minor: 12_550 };
    done(run, charged, { key: `charge`, action: 'charge', amount: 12_550, becomes: 'succeeded', sums: paid });
    answer(run, {
      key: 'charge',
      action: 'charge',
      status: 201,
      payment: { ...charged },
      operation: operationRow(charged, {
        key: 'charge',
        action: 'charge',
        amount: 12_550,
        state: 'succeeded',
      }),
      replayed: true,
    });
    const refund = { key: 'refund', action: 'refund', amount: 550, becomes: 'partially_refunded' } as const;
    done(run, charged, { ...refund, sums: { refunded_minor: 550 } });
    const hold = { action: 'authorize', amount: 20_000, becomes: 'authorized' } as const;
    const open = { authorized_minor: 20_000, hold_open: true };
    const captured = done(run, paymentOf(run, base + 1, hotel, held), { ...hold, key: 'hold-1', sums: open });
    done(run, captured, {
      key: 'adjust',
      action: 'adjust',
      amount: 25_000,
      becomes: 'authorized',
      sums: { authorized_minor: 25_000 },
    });
    done(run, captured, {
      key: 'capture',
      action: 'capture',
      amount: 25_000,
      becomes: 'succeeded',
      sums: { captured_minor: 25_000, hold_open: false },
    });
    const released = done(run, paymentOf(run, base + 2, hotel, held), { ...hold, key: 'hold-2', sums: open });
    done(run, released, {
      key: 'cancel',
      action: 'cancel',
      amount: 20_000,
      becomes: 'canceled',
      sums: { hold_open: false },
    });
  }
  addLapsedHold(run);
  addDecline(run);
}

/** Stripe let go of it at its deadline, and we saw it later. */
function addLapsedHold(run: SmallRun): void {
  const payment = paymentOf(run, 4, A, { hold_expires_at: at(120_000) });
  const sums = { authorized_minor: 3_000, hold_open: true };
  done(run, payment, { key: 'hold-3', action: 'authorize', amount: 3_000, becomes: 'authorized', sums });
  const operation = find(run, OPERATIONS, { payment_id: payment['id'] });
  step(run, payment, operation, 'payment.canceled', 'canceled', { hold_open: false });
  const last = lines(run, STEPS).at(-1);
  if (last !== undefined) last['details'] = { reason: 'expired' };
  lines(run, STRIPE).push({
    kind: 'effect',
    effect: 'authorization.released',
    at: at(110_000),
    account: STRIPE_ACCOUNT,
    idempotency_key: null,
    payment_intent: payment['provider_reference'],
    amount: 3_000,
    currency: 'eur',
  });
}

function addDecline(run: SmallRun): void {
  const payment = paymentOf(run, 5, A);
  const operation = operationRow(payment, {
    key: 'declined',
    action: 'charge',
    amount: 12_550,
    state: 'declined',
  });
  lines(run, OPERATIONS).push(operation);
  step(run, payment, operation, 'payment.processing', 'processing', {});
  step(run, payment, operation, 'payment.failed', 'failed', {});
  answer(run, { key: 'declined', action: 'charge', status: 402, payment, operation });
}

/** A key used again for something else, a request that was refused, one that nobody answered, and an event of no payment. */
function addRefusals(run: SmallRun): void {
  const refused = { type: 'fail', replayed: false, bytes: sha256('refused'), paymentId: null };
  const reused = { key: 'charge', action: 'charge', fingerprint: sha256('another') } as const;
  exchange(run, A, reused, { ...refused, status: 422, code: 'idempotency_key_reused' });
  exchange(run, A, { key: 'bad', action: 'charge' }, { ...refused, status: 400, code: 'validation_failed' });
  const lost = { type: 'info', status: 0, reason: 'cut', paymentId: null };
  exchange(run, A, { key: 'never-arrived', action: 'charge' }, lost);
  providerEvent(
    run,
    undefined,
    'charge.succeeded',
    'unmatched',
    'no payment of this hotel is known by its references',
  );
}
