import { toPublicId } from './public-ids.ts';
import { change, double, drop } from './tamper.ts';
import type { Tampering } from './tamper.ts';
import {
  A,
  CLIENT,
  OPERATIONS,
  PAYMENTS,
  STEPS,
  STRIPE,
  T,
  at,
  find,
  lines,
  uuidOf,
} from './small-run-file.ts';

const SIMULATOR = T('simulator_effects');
const CHARGE = { kind: 'sale', merchant_id: A, state: 'succeeded' };
const CHARGED = { id: uuidOf(1) };
const CAPTURED = { id: uuidOf(2) };

/** Of what providers did, clients were told and payments sum up to. */
export const MONEY_TAMPERINGS: readonly Tampering[] = [
  { invariant: 'I1', name: 'an effect without an operation', tamper: drop(OPERATIONS, CHARGE) },
  {
    invariant: 'I1',
    name: 'an effect whose operation we call declined',
    tamper: change(OPERATIONS, CHARGE, { state: 'declined' }),
  },
  {
    invariant: 'I1',
    name: 'an effect under a key that is not ours',
    tamper: change(STRIPE, { effect: 'refund.succeeded' }, { idempotency_key: 'somebody-else' }),
  },
  {
    invariant: 'I1',
    name: "an effect on another hotel's account",
    tamper: change(STRIPE, { effect: 'capture.succeeded' }, { account: 'acct_other' }),
  },
  {
    invariant: 'I2',
    name: 'a success that Stripe never did',
    tamper: drop(STRIPE, { effect: 'charge.succeeded' }),
  },
  {
    invariant: 'I2',
    name: 'a success that the built-in simulator never did',
    tamper: drop(SIMULATOR, { kind: 'refund' }),
  },
  {
    invariant: 'I2',
    name: 'another amount at the provider',
    tamper: change(STRIPE, { effect: 'refund.succeeded' }, { amount: 551 }),
  },
  {
    invariant: 'I2',
    name: 'another currency at the provider',
    tamper: change(STRIPE, { effect: 'charge.succeeded' }, { currency: 'usd' }),
  },
  {
    invariant: 'I2',
    name: 'an effect on another payment',
    tamper: change(
      SIMULATOR,
      { kind: 'refund' },
      { reference: 'sim_000000000000x000000000000-aa-EUR-a1-t1-h7-visa' },
    ),
  },
  {
    invariant: 'I3',
    name: 'a charge that was made twice',
    tamper: double(STRIPE, { effect: 'charge.succeeded' }),
  },
  { invariant: 'I3', name: 'a refund that was made twice', tamper: double(SIMULATOR, { kind: 'refund' }) },
  {
    invariant: 'I3',
    name: 'one key that was told of two payments',
    tamper: change(CLIENT, { type: 'ok', replayed: true }, { paymentId: toPublicId('pay', uuidOf(2)) }),
  },
  {
    invariant: 'I4',
    name: 'a client that was told of more than was collected',
    tamper: change(CLIENT, { type: 'ok', state: 'succeeded', captured: 12_550 }, { captured: 12_551 }),
  },
  {
    invariant: 'I4',
    name: 'a client that was told of a success nobody stored',
    tamper: (run) => {
      const { id } = find(run, CLIENT, { type: 'invoke', key: 'never-arrived' });
      const told = find(run, CLIENT, { type: 'ok', state: 'succeeded' });
      Object.assign(find(run, CLIENT, { type: 'info', id }), { ...told, id });
    },
  },
  {
    invariant: 'I4',
    name: 'a refused request that was carried out',
    tamper: (run) => {
      const { id } = find(run, CLIENT, { type: 'invoke', key: 'hold-2', merchantId: A });
      const refusal = find(run, CLIENT, { type: 'fail', status: 400 });
      const told = find(run, CLIENT, { type: 'ok', id });
      const { seq } = told;
      for (const name of Object.keys(told)) delete told[name];
      Object.assign(told, { ...refusal, id, seq });
    },
  },
  {
    invariant: 'I4',
    name: 'a decline that is stored as a success',
    tamper: change(OPERATIONS, { state: 'declined' }, { state: 'succeeded' }),
  },
  {
    invariant: 'I4',
    name: 'an unknown answer that is still unknown',
    tamper: (run) => {
      const { id } = find(run, CLIENT, { type: 'invoke', key: 'adjust', merchantId: A });
      const { seq, at: when } = find(run, CLIENT, { type: 'ok', id });
      const lost = { seq, at: when, id, type: 'info', status: 0, reason: 'cut', paymentId: null };
      const journal = lines(run, CLIENT);
      journal[journal.indexOf(find(run, CLIENT, { type: 'ok', id }))] = lost;
      Object.assign(find(run, OPERATIONS, { kind: 'adjust', merchant_id: A }), { state: 'unknown' });
    },
  },
  {
    invariant: 'I5',
    name: 'an operation that was sent and never ended',
    tamper: change(OPERATIONS, CHARGE, { state: 'sent' }),
  },
  {
    invariant: 'I5',
    name: 'an operation before a person without a reason',
    tamper: change(OPERATIONS, CHARGE, { state: 'unknown', escalated_at: at(0), unknown_reason: null }),
  },
  {
    invariant: 'I5',
    name: 'a waiting operation whose time is over',
    tamper: change(OPERATIONS, { state: 'declined' }, { state: 'prepared', may_have_charged: false }),
  },
  {
    invariant: 'I5',
    name: 'a reservation for nobody',
    tamper: change(PAYMENTS, CHARGED, { refund_pending_minor: 1 }),
  },
  {
    invariant: 'I5',
    name: 'a hold that is busy with nothing',
    tamper: change(PAYMENTS, CHARGED, { busy_operation_id: uuidOf(0xdead) }),
  },
  {
    invariant: 'I6',
    name: 'more captured than held',
    tamper: change(PAYMENTS, CAPTURED, { captured_minor: 25_001 }),
  },
  {
    invariant: 'I6',
    name: 'a pending capture beyond the hold',
    tamper: change(PAYMENTS, CAPTURED, { capture_pending_minor: 1 }),
  },
  {
    invariant: 'I6',
    name: 'a provider that captured more than was held',
    tamper: change(STRIPE, { effect: 'capture.succeeded' }, { amount: 25_001 }),
  },
  {
    invariant: 'I7',
    name: 'more refunded than captured',
    tamper: change(PAYMENTS, CHARGED, { refunded_minor: 12_551 }),
  },
  {
    invariant: 'I7',
    name: 'a provider that gave back more than was taken',
    tamper: change(STRIPE, { effect: 'refund.succeeded' }, { amount: 12_551 }),
  },
  {
    invariant: 'I7',
    name: 'a step that refunded more than was captured',
    tamper: change(STEPS, { type: 'payment.partially_refunded' }, { refunded_minor: 12_551 }),
  },
  {
    invariant: 'I8',
    name: 'a failed payment that was collected',
    tamper: change(PAYMENTS, { id: uuidOf(2) }, { status: 'failed' }),
  },
  {
    invariant: 'I8',
    name: 'a captured payment that became canceled',
    tamper: change(STEPS, { type: 'payment.partially_refunded' }, { to_status: 'canceled' }),
  },
  {
    invariant: 'I8',
    name: 'a capture after the release',
    tamper: (run) => {
      const { payment_intent, account } = find(run, STRIPE, { effect: 'authorization.released' });
      const capture = {
        ...find(run, STRIPE, { effect: 'capture.succeeded' }),
        payment_intent,
        account,
        amount: 1,
      };
      lines(run, STRIPE).push({ ...capture, idempotency_key: `centra-${uuidOf(7)}` });
    },
  },
  {
    invariant: 'I9',
    name: 'another total than the operations',
    tamper: change(PAYMENTS, CHARGED, { refunded_minor: 0 }),
  },
  {
    invariant: 'I9',
    name: 'another hold than the provider has',
    tamper: change(STRIPE, { effect: 'authorization.incremented' }, { amount_new_total: 24_999 }),
  },
  {
    invariant: 'I9',
    name: 'a last step with other sums',
    tamper: change(STEPS, { type: 'payment.partially_refunded' }, { captured_minor: 12_551 }),
  },
];
