// What the engine is, in plain words: no database, no provider, nothing at once, and nothing of the engine's own code. It
// knows what amounts do at the built-in simulator (docs/providers/simulator.md). Amounts are minor units of one currency.

import { courseOf } from './amount-courses.ts';
import type { State } from './amount-courses.ts';
import { capturable, refundable, viewOf } from './reference-payment.ts';
import type { Payment, View } from './reference-payment.ts';
import { refusalOf } from './reference-refusals.ts';
import type { FollowUp, Request } from './reference-refusals.ts';

/** What a call must come to: the name of a refusal, or the operation's state and the payment as it shows it. */
export type Expected = { refusal: string } | { state: State; view: View };

type Operation = {
  request: Request;
  payment: Payment;
  amount: number;
  isFinal: boolean;
  state: State;
  answer: View | undefined;
};

/** Every operation that was begun, by its key. */
export type Model = Map<string, Operation>;

/** One call. A known key gets its first answer, whatever has become of the payment since. */
export function ask(model: Model, key: string, request: Request): Expected {
  const known = model.get(key);
  if (known !== undefined) {
    if (known.request !== request) return { refusal: 'idempotency_key_reused' };
    if (known.state === 'unsent') end(known, 'succeeded');
    return answerOf(known);
  }
  const operation = 'on' in request ? beginOn(model, request) : beginNew(request);
  if ('refusal' in operation) return operation;
  model.set(key, operation);
  const { payment } = operation;
  // A void of a payment whose outcome is open waits for it; one that was only registered is over at once.
  if (request.kind === 'void' && payment.stage !== 'paid') {
    if (payment.stage === 'created') end(operation, 'succeeded');
  } else end(operation, courseOf(request, operation.amount)[0]);
  return answerOf(operation);
}

/** Time goes by until nothing is open: in the order in which it was begun, so that a void finds what it waited for. */
export function rest(model: Model): void {
  for (const operation of model.values()) {
    const { request, payment, state } = operation;
    if (state === 'succeeded' || state === 'declined') continue;
    if (request.kind === 'void' && !payment.isHeld) {
      operation.state = payment.captured === 0 ? 'succeeded' : 'declined';
      payment.busy = undefined;
    } else end(operation, courseOf(request, operation.amount)[1] ?? courseOf(request, operation.amount)[0]);
  }
}

function beginNew(request: Exclude<Request, FollowUp>): Operation {
  const stage = request.kind === 'create' ? 'created' : 'processing';
  const isManual = request.kind === 'create' ? request.manual : request.kind === 'authorize';
  const sums = { authorized: 0, captured: 0, refunded: 0, capturing: 0, refunding: 0, raising: 0 };
  const payment = {
    stage,
    isManual,
    isHeld: false,
    amount: request.amount,
    ...sums,
    busy: undefined,
  } as const;
  return { request, payment, amount: request.amount, isFinal: false, state: 'open', answer: undefined };
}

function beginOn(model: Model, request: FollowUp): Operation | { refusal: string } {
  const payment = model.get(request.on)?.payment;
  if (payment === undefined) throw new Error('the sequence names a payment that was never begun');
  const refusal = refusalOf(request, payment);
  if (refusal !== undefined) return { refusal };
  const left = request.kind === 'refund' ? refundable(payment) : capturable(payment);
  const asked = 'amount' in request ? request.amount : undefined;
  const amount = request.kind === 'pay' ? payment.amount : (asked ?? left);
  const isFinal = request.kind === 'capture' && !request.keepOpen;
  const operation: Operation = { request, payment, amount, isFinal, state: 'open', answer: undefined };
  if (request.kind === 'pay') payment.stage = 'processing';
  if (request.kind === 'capture') payment.capturing += amount;
  if (request.kind === 'refund') payment.refunding += amount;
  if (request.kind === 'adjust') payment.raising = Math.max(0, amount - payment.authorized);
  if (isFinal || request.kind === 'void' || request.kind === 'adjust') payment.busy = operation;
  return operation;
}

function end(operation: Operation, state: State): void {
  const { request, payment, amount } = operation;
  operation.state = state;
  if (state === 'open' || state === 'unsent') return;
  const isDone = state === 'succeeded';
  switch (request.kind) {
    case 'create':
      break;
    case 'capture':
      payment.capturing -= amount;
      if (isDone) payment.captured += amount;
      // Whoever takes the last of a hold ends it.
      if (isDone && (operation.isFinal || (payment.capturing === 0 && capturable(payment) === 0)))
        payment.isHeld = false;
      break;
    case 'refund':
      payment.refunding -= amount;
      if (isDone) payment.refunded += amount;
      break;
    case 'adjust':
      payment.raising = 0;
      if (isDone) payment.amount = payment.authorized = amount;
      break;
    case 'void':
      if (isDone) payment.isHeld = false;
      if (payment.stage === 'created') payment.stage = 'canceled';
      break;
    default:
      endFirst(payment, isDone);
  }
  if (payment.busy === operation) payment.busy = undefined;
  operation.answer = viewOf(payment);
}

function endFirst(payment: Payment, isDone: boolean): void {
  // What failed after the hotel had canceled it is canceled.
  payment.stage = isDone ? 'paid' : payment.busy === undefined ? 'failed' : 'canceled';
  if (!isDone) return;
  payment.authorized = payment.amount;
  payment.isHeld = payment.isManual;
  if (!payment.isManual) payment.captured = payment.amount;
}

function answerOf({ state, answer, payment }: Operation): Expected {
  return state === 'unsent'
    ? { refusal: 'provider_unreachable' }
    : { state, view: answer ?? viewOf(payment) };
}
