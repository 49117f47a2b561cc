import { hashOfProviderKey, operationOfKey, toPublicId } from './public-ids.ts';
import {
  A,
  ACCOUNTS,
  CLIENT,
  DAY_MS,
  OPERATIONS,
  OUTBOX,
  PAYMENTS,
  QUIET_AT,
  REPLIES,
  STEPS,
  STRIPE,
  STRIPE_ACCOUNT,
  T,
  VAULT,
  at,
  lines,
  sha256,
  uuidOf,
} from './small-run-file.ts';
import type { Row, SmallRun } from './small-run-file.ts';

export type Action = 'charge' | 'authorize' | 'capture' | 'cancel' | 'adjust' | 'refund';
const KINDS: Readonly<Record<Action, string>> = {
  charge: 'sale',
  authorize: 'authorize',
  capture: 'capture',
  cancel: 'void',
  adjust: 'adjust',
  refund: 'refund',
};
const EFFECTS: Readonly<Record<Action, string>> = {
  charge: 'charge.succeeded',
  authorize: 'authorization.succeeded',
  capture: 'capture.succeeded',
  cancel: 'authorization.released',
  adjust: 'authorization.incremented',
  refund: 'refund.succeeded',
};

type Sums = {
  authorized_minor?: number;
  captured_minor?: number;
  refunded_minor?: number;
  hold_open?: boolean;
};

/** One request that was done, from the client's journal down to the provider's. Answers the payment's row. */
export function done(
  run: SmallRun,
  payment: Row,
  asked: { key: string; action: Action; amount: number; becomes: string; sums: Sums },
): Row {
  const { key, action, amount, becomes, sums } = asked;
  const operation = operationRow(payment, { key, action, amount, state: 'succeeded' });
  lines(run, OPERATIONS).push(operation);
  if (action === 'charge' || action === 'authorize') {
    const { merchant_id: hotel, id: payment_id } = payment;
    payment['provider_reference'] = referenceOf(payment, operation, action, amount);
    const reference = { provider_reference: payment['provider_reference'], merchant_id: hotel, payment_id };
    lines(run, T('provider_references')).push(reference);
    step(run, payment, operation, 'payment.processing', 'processing', {});
  }
  step(run, payment, operation, `payment.${becomes}`, becomes, sums);
  if (payment['provider'] === 'stripe') stripeEffect(run, payment, operation, action, amount);
  else simulatedEffect(run, payment, operation, action, amount);
  const status = action === 'charge' || action === 'refund' ? 201 : 200;
  answer(run, { key, action, status, payment, operation });
  return payment;
}

/** A payment of which nothing is known yet, added to the run. */
export function paymentOf(run: SmallRun, nth: number, hotel: string, more: Row = {}): Row {
  const payment: Row = {
    merchant_id: hotel,
    id: uuidOf(nth),
    mode: 'test',
    status: 'processing',
    version: 0,
    amount_minor: 12_550,
    currency: 'EUR',
    authorized_minor: 0,
    captured_minor: 0,
    refunded_minor: 0,
    authorize_pending_minor: 0,
    capture_pending_minor: 0,
    refund_pending_minor: 0,
    overcapture_minor: 0,
    hold_open: false,
    hold_expires_at: null,
    busy_operation_id: null,
    cancellation_reason: null,
    provider: hotel === A ? 'stripe' : 'simulator',
    provider_account_id: ACCOUNTS[hotel],
    provider_reference: null,
    ...more,
  };
  lines(run, PAYMENTS).push(payment);
  return payment;
}

export function operationRow(
  payment: Row,
  { key, action, amount, state }: { key: string; action: Action; amount: number; state: string },
): Row {
  const hotel = String(payment['merchant_id']);
  return {
    merchant_id: hotel,
    id: operationOfKey(hotel, 'test', key),
    payment_id: payment['id'],
    kind: KINDS[action],
    state,
    attempt: 1,
    sequence: 1,
    due_at: at(60_000),
    may_have_charged: true,
    fingerprint: `\\x${sha256(`request ${key}`)}`,
    amount_minor: amount,
    settled_minor: null,
    currency: payment['currency'],
    provider: payment['provider'],
    provider_account_id: payment['provider_account_id'],
    provider_account_version: 1,
    vault_account_id: hotel === A ? VAULT : null,
    vault_account_version: hotel === A ? 1 : null,
    provider_reference: null,
    unknown_reason: null,
    escalated_at: null,
    reason: '',
  };
}

/** The payment moves: its row, its history and the outgoing event. */
export function step(
  run: SmallRun,
  payment: Row,
  operation: Row,
  type: string,
  becomes: string,
  changes: Sums,
): void {
  const version = Number(payment['version']) + 1;
  const from_status = version === 1 ? null : payment['status'];
  Object.assign(payment, { status: becomes, version, ...changes });
  const {
    merchant_id,
    id: payment_id,
    authorized_minor,
    captured_minor,
    refunded_minor,
    hold_open,
  } = payment;
  const named = { merchant_id, payment_id, version, type };
  lines(run, STEPS).push({
    ...named,
    from_status,
    to_status: becomes,
    operation_id: operation['id'],
    details: {},
    at: at(60_000),
    authorized_minor,
    captured_minor,
    refunded_minor,
    hold_open,
  });
  lines(run, OUTBOX).push({ ...named, event_id: uuidOf(0xe000 + lines(run, OUTBOX).length) });
}

/** What the client asked, what it was told, and the reply that is kept. */
export function answer(
  run: SmallRun,
  told: { key: string; action: Action; status: number; payment: Row; operation: Row; replayed?: boolean },
): void {
  const { key, action, status, payment, operation, replayed = false } = told;
  const body = `{"answer":"to ${key}"}`;
  const paymentId = toPublicId('pay', String(payment['id']));
  const isRefund = action === 'refund';
  const sums = isRefund
    ? { authorized: null, captured: null, refunded: null }
    : {
        authorized: payment['authorized_minor'],
        captured: payment['captured_minor'],
        refunded: payment['refunded_minor'],
      };
  const end =
    status === 402
      ? { type: 'fail', status, code: 'card_declined', replayed, bytes: sha256(body), paymentId }
      : {
          type: 'ok',
          status,
          replayed,
          bytes: sha256(body),
          paymentId,
          refundId: isRefund ? toPublicId('re', String(operation['id'])) : null,
          state: isRefund ? 'succeeded' : payment['status'],
          ...sums,
        };
  exchange(run, String(payment['merchant_id']), { key, action }, end);
  if (replayed) return;
  lines(run, REPLIES).push({
    merchant_id: payment['merchant_id'],
    operation_id: operation['id'],
    mode: 'test',
    fingerprint: operation['fingerprint'],
    status_code: status,
    body: `\\x${Buffer.from(body).toString('hex')}`,
  });
}

/** One request of the client and how it ended for it. */
export function exchange(
  run: SmallRun,
  merchantId: string,
  { key, action, fingerprint }: { key: string; action: Action; fingerprint?: string },
  end: Row,
): void {
  const journal = lines(run, CLIENT);
  const stamp = (): Row => ({ seq: journal.length + 1, at: new Date(QUIET_AT - 60_000).toISOString() });
  const id = journal.length;
  const asked = { paymentId: null, amount: null, currency: 'EUR', door: 'http://127.0.0.1:1' };
  const request = { action, key, fingerprint: fingerprint ?? sha256(`request ${key}`), ...asked };
  journal.push({ ...stamp(), id, type: 'invoke', merchantId, ...request });
  journal.push({ ...stamp(), id, ...end });
}

function referenceOf(payment: Row, operation: Row, action: Action, amount: number): string {
  if (payment['provider'] === 'stripe') return `pi_${String(payment['id']).slice(-6)}`;
  const hash = hashOfProviderKey(String(operation['id']));
  const time = Math.floor((QUIET_AT - DAY_MS) / 1_000).toString(36);
  return [
    `sim_${hash.slice(0, 12)}x${hash.slice(12)}`,
    `a${action === 'authorize' ? 'h' : 'a'}`,
    String(payment['currency']),
    `a${amount.toString(36)}`,
    `t${time}`,
    'h7',
    'visa',
  ].join('-');
}

const PATHS: Readonly<Record<Action, string>> = {
  charge: '/v1/payment_intents',
  authorize: '/v1/payment_intents',
  capture: '/v1/payment_intents/pi_x/capture',
  cancel: '/v1/payment_intents/pi_x/cancel',
  adjust: '/v1/payment_intents/pi_x/increment_authorization',
  refund: '/v1/refunds',
};

function stripeEffect(run: SmallRun, payment: Row, operation: Row, action: Action, amount: number): void {
  const idempotency_key = `centra-${String(operation['id'])}`;
  const payment_intent = payment['provider_reference'];
  const common = { at: at(60_000), account: STRIPE_ACCOUNT, idempotency_key };
  const currency = String(payment['currency']).toLowerCase();
  const amounts = action === 'adjust' ? { amount_new_total: amount } : { amount };
  const refund = action === 'refund' ? { refund: `re_${String(operation['id']).slice(0, 6)}` } : {};
  const effect = { kind: 'effect', effect: EFFECTS[action], payment_intent, currency, ...amounts, ...refund };
  lines(run, STRIPE).push({ ...common, ...effect });
  if (action === 'authorize') {
    const captureBefore = Date.parse(String(payment['hold_expires_at'])) / 1_000;
    const card = { capture_before: captureBefore };
    const value = { payment_intent, payment_method_details: { card } };
    lines(run, STRIPE).push({ ...common, kind: 'state', type: 'charge', value });
  }
  lines(run, STRIPE).push({ ...common, kind: 'request', method: 'POST', path: PATHS[action], status: 200 });
  providerEvent(run, payment, EFFECTS[action], 'processed', 'the totals agree');
}

/** An event that Stripe told us of and that we answered with 200. */
export function providerEvent(
  run: SmallRun,
  payment: Row | undefined,
  type: string,
  state: string,
  reason: string,
): void {
  const stored = lines(run, T('provider_events'));
  const id = `evt_${stored.length + 1}`;
  const common = { at: at(60_000), kind: 'state', account: STRIPE_ACCOUNT };
  lines(run, STRIPE).push(
    { ...common, type: 'event', value: { id, type } },
    { ...common, type: 'webhook_done', event: id, endpoint: 'we_1', outcome: 'acknowledged' },
  );
  stored.push({
    merchant_id: A,
    id: uuidOf(0xf000 + stored.length),
    provider_account_id: ACCOUNTS[A],
    provider_event_id: id,
    type,
    state,
    reason,
    payment_id: payment?.['id'] ?? null,
  });
}

function simulatedEffect(run: SmallRun, payment: Row, operation: Row, action: Action, amount: number): void {
  if (action === 'charge' || action === 'authorize') return;
  const journal = lines(run, T('simulator_effects'));
  journal.push({
    account_id: payment['provider_account_id'],
    provider_key: `centra-${String(operation['id'])}`,
    seq: journal.length + 1,
    reference: payment['provider_reference'],
    kind: KINDS[action],
    amount_minor: amount,
    state: 'succeeded',
    settles_at: null,
    settled_state: null,
  });
}
