import type { Books } from './books.ts';
import { groupBy } from './group.ts';
import type { Found, Invariant } from './judge.ts';
import { finalAnswers } from './key-uses.ts';
import type { Exchange, KeyUse } from './key-uses.ts';
import { toPublicId } from './public-ids.ts';
import type { OperationRow, PaymentEventRow, PaymentRow } from './rows.ts';

/** What clients were told: I4. */
export const ANSWERS: readonly Invariant[] = [
  {
    number: 'I4',
    rule: 'each ok is stored as told, each refusal before execution has no effect, each unknown is resolved',
    judge: judgeAnswers,
  },
];

type Stored = {
  operation: OperationRow | undefined;
  payment: PaymentRow | undefined;
  /** The history of the payment. */
  steps: readonly PaymentEventRow[];
  hasEffect: boolean;
};

function judgeAnswers(books: Books): Found {
  const { uses } = books;
  if (uses === undefined) return { notYet: 'this run has no journal of a client' };
  const operations = new Map(books.operations.map((row) => [`${row.merchant_id} ${row.id}`, row]));
  const payments = new Map(books.payments.map((row) => [`${row.merchant_id} ${row.id}`, row]));
  const steps = groupBy(books.events, (row) => `${row.merchant_id} ${row.payment_id}`);
  const done = new Set(books.effects.map(({ merchantId, operationId }) => `${merchantId} ${operationId}`));
  const offending = uses.flatMap((use) => {
    const { merchantId, operationId, key } = use;
    const operation = operations.get(`${merchantId} ${operationId}`);
    const paymentKey = `${merchantId} ${operation?.payment_id}`;
    const stored: Stored = {
      operation,
      payment: payments.get(paymentKey),
      steps: steps.get(paymentKey) ?? [],
      hasEffect: done.has(`${merchantId} ${operationId}`),
    };
    return wrongs(use, stored).map(
      (wrong) => `${wrong}: key ${key} of hotel ${merchantId}, operation ${operationId}`,
    );
  });
  return { checked: uses.reduce((count, { exchanges }) => count + exchanges.length, 0), offending };
}

function wrongs(use: KeyUse, stored: Stored): string[] {
  const final = finalAnswers(use);
  if (final.length > 0) return final.flatMap((exchange) => notAsTold(exchange, stored));
  if (use.exchanges.every(isRefusal)) return leftByRefusals(use, stored);
  return isResolved(stored) ? [] : [`it was left unknown and is ${stored.operation?.state}`];
}

// Which operation an action asks for. An authorisation of a payment that collects at once is a sale.
const KINDS: Readonly<Record<Exchange['asked']['action'], readonly string[]>> = {
  charge: ['sale'],
  create: ['create'],
  authorize: ['authorize', 'sale'],
  capture: ['capture'],
  cancel: ['void'],
  adjust: ['adjust'],
  refund: ['refund'],
};

function notAsTold({ asked, end }: ReturnType<typeof finalAnswers>[number], stored: Stored): string[] {
  const { operation } = stored;
  const told = `told ${end.status}`;
  if (operation === undefined) return [`${told}, and nothing is stored`];
  if (!KINDS[asked.action].includes(operation.kind))
    return [`${told} of a ${asked.action}, stored a ${operation.kind}`];
  const payment = toPublicId('pay', operation.payment_id);
  if (end.paymentId !== null && end.paymentId !== payment)
    return [`${told} of ${end.paymentId}, stored ${payment}`];
  if (end.type === 'fail')
    return operation.state === 'declined' || isLateSuccess(stored)
      ? []
      : [`${told}, stored ${operation.state}`];
  const refund = asked.action === 'refund' ? toPublicId('re', operation.id) : null;
  if (end.refundId !== refund) return [`${told} of ${end.refundId}, stored ${refund}`];
  if (operation.state !== 'succeeded' && !cameBack(stored)) return [`${told}, stored ${operation.state}`];
  return asked.action === 'refund' || isStep(end, stored)
    ? []
    : [`${told} ${sumsOf(end)}, which no step of it left`];
}

type Told = Extract<Exchange['end'], { type: 'ok' }>;

/** An answer is the payment as some step of this operation left it: a repeat gets it again whatever followed. */
function isStep(end: Told, stored: Stored): boolean {
  const { operation, steps } = stored;
  return steps.some(
    (step) =>
      (step.operation_id === operation?.id || hadNothingToRelease(stored)) &&
      step.to_status === end.state &&
      (end.authorized === null || step.authorized_minor === BigInt(end.authorized)) &&
      (end.captured === null || step.captured_minor === BigInt(end.captured)) &&
      (end.refunded === null || step.refunded_minor === BigInt(end.refunded)),
  );
}

/** A void that waited for an outcome which left no hold ends without a step: it is told the payment as another step left it. */
function hadNothingToRelease({ operation, steps }: Stored): boolean {
  const own = steps.filter(({ operation_id }) => operation_id === operation?.id);
  return operation?.kind === 'void' && own.every(({ type }) => type.endsWith('_requested'));
}

function sumsOf({ state, authorized, captured, refunded }: Told): string {
  return `${state} (${authorized} held, ${captured} collected, ${refunded} given back)`;
}

/** A decline that the provider took back later (docs/decisions/0019): the history says so. */
function isLateSuccess({ steps }: Stored): boolean {
  return steps.some(({ type }) => type === 'payment.late_success' || type === 'payment.late_authorization');
}

/** A refund that had succeeded and that the bank sent back days later. */
function cameBack({ operation, steps }: Stored): boolean {
  return steps.some(
    ({ type, operation_id }) => type === 'payment.refund_failed' && operation_id === operation?.id,
  );
}

// Refusals that say that another request with this key runs, or ran: they prove nothing of that one.
const ABOUT_ANOTHER = new Set(['in_progress', 'idempotency_key_expired', 'idempotency_key_reused']);

function isRefusal({ end }: Exchange): boolean {
  return end?.type === 'fail' && end.status !== 402 && !ABOUT_ANOTHER.has(end.code);
}

/** 503 may leave an operation that waits for its key (docs/decisions/0005); every other refusal leaves nothing. */
function leftByRefusals(use: KeyUse, { operation, hasEffect }: Stored): string[] {
  const wasTaken = use.exchanges.some(({ end }) => end?.status === 503 || end?.status === 409);
  const codes = use.exchanges.map(({ end }) => (end?.type === 'fail' ? end.code : '')).join(', ');
  if (hasEffect || operation?.state === 'succeeded') return [`refused (${codes}), and it was done`];
  return operation === undefined || wasTaken ? [] : [`refused (${codes}), and it is ${operation.state}`];
}

function isResolved({ operation, hasEffect }: Stored): boolean {
  if (operation === undefined) return !hasEffect;
  if (operation.state === 'succeeded' || operation.state === 'declined') return true;
  // Before a person with a reason; or surely not sent and waiting for its key.
  if (operation.escalated_at !== null && operation.unknown_reason !== null) return true;
  return operation.state === 'prepared' && !operation.may_have_charged && !hasEffect;
}
