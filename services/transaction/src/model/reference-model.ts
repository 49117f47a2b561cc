// What the engine is, in plain words: no database, no provider, nothing at once, and nothing of the engine's own code. It
// knows what amounts do at the built-in simulator (docs/providers/simulator.md). Amounts are minor units of one currency.

export type Request =
  | { kind: 'create' | 'sale' | 'authorize'; amount: number; manual: boolean; isCardGood: boolean }
  | { kind: 'pay' | 'void'; on: string }
  | { kind: 'capture'; on: string; amount: number | undefined; keepOpen: boolean }
  | { kind: 'refund'; on: string; amount: number | undefined }
  | { kind: 'adjust'; on: string; amount: number };
type FollowUp = Extract<Request, { on: string }>;

/** `unsent`: surely nothing was sent; the same key takes it up. */
export type State = 'succeeded' | 'declined' | 'open' | 'unsent';
export type View = Record<'amount' | 'authorized' | 'captured' | 'refunded' | 'pending', number> & {
  status: string;
};
/** What a call must come to: the name of a refusal, or the operation's state and the payment as it shows it. */
export type Expected = { refusal: string } | { state: State; view: View };

type Payment = {
  stage: 'created' | 'processing' | 'failed' | 'canceled' | 'paid';
  isManual: boolean;
  isHeld: boolean;
  amount: number;
  authorized: number;
  captured: number;
  refunded: number;
  capturing: number;
  refunding: number;
  raising: number;
  busy: Operation | undefined;
};
type Operation = {
  request: Request;
  payment: Payment;
  amount: number;
  isFinal: boolean;
  state: State;
  answer: View | undefined;
};

// What is said first and what comes of it at last, by amount; every other amount is done at once.
type Course = readonly [State, State?];
const FIRST: Readonly<Record<number, Course>> = {
  66_601: ['declined'],
  66_610: ['open', 'succeeded'],
  66_611: ['open', 'declined'],
  66_631: ['unsent', 'declined'],
};
const NEXT: Readonly<Record<number, Course>> = {
  66_640: ['open', 'succeeded'],
  66_641: ['open', 'declined'],
  66_642: ['open', 'succeeded'],
  66_643: ['unsent', 'declined'],
  66_650: ['declined'],
};
const REFUND: Readonly<Record<number, Course>> = {
  ...NEXT,
  66_651: ['open', 'succeeded'],
  66_652: ['open', 'declined'],
};

function courseOf({ request, amount }: Operation): Course {
  if (request.kind === 'create') return ['succeeded'];
  if ('isCardGood' in request && !request.isCardGood) return ['declined'];
  const byAmount =
    request.kind === 'refund' ? REFUND : 'on' in request && request.kind !== 'pay' ? NEXT : FIRST;
  return byAmount[amount] ?? ['succeeded'];
}

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
  } else end(operation, courseOf(operation)[0]);
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
    } else end(operation, courseOf(operation)[1] ?? courseOf(operation)[0]);
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
  const refusal = refusalByStatus(request.kind, statusOf(payment)) ?? refusalBySums(request, payment);
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

function refusalByStatus(kind: FollowUp['kind'], status: string): string | undefined {
  if (status === 'canceled') return 'payment_canceled';
  if (status === 'failed') return 'payment_has_failed';
  if (kind === 'pay') return status === 'created' ? undefined : 'payment_not_created';
  if (kind === 'void' && (status === 'created' || status === 'processing')) return undefined;
  if (status === 'processing') return 'payment_in_progress';
  if (kind === 'refund') {
    if (status === 'created' || status === 'authorized') return 'not_captured';
    return status === 'refunded' ? 'already_refunded' : undefined;
  }
  if (status === 'created') return 'payment_not_paid';
  if (status === 'authorized' || (status === 'partially_captured' && kind !== 'adjust')) return undefined;
  return 'already_captured';
}

function refusalBySums(request: FollowUp, payment: Payment): string | undefined {
  const { kind } = request;
  if (kind === 'refund') {
    const left = refundable(payment);
    return left === 0 || (request.amount ?? left) > left ? 'amount_exceeds_captured' : undefined;
  }
  if (kind === 'pay') return undefined;
  if (payment.busy !== undefined) return 'operation_pending';
  if (kind === 'capture') {
    const left = capturable(payment);
    if (left === 0 || (request.amount ?? left) > left) return 'amount_exceeds_hold';
    return !request.keepOpen && payment.capturing > 0 ? 'operation_pending' : undefined;
  }
  if (payment.capturing > 0) return 'operation_pending';
  return kind === 'adjust' && request.amount === payment.authorized ? 'amount_unchanged' : undefined;
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

const capturable = ({ isHeld, authorized, captured, capturing }: Payment): number =>
  isHeld ? authorized - captured - capturing : 0;
const refundable = ({ captured, refunded, refunding }: Payment): number => captured - refunded - refunding;

function statusOf({ stage, isHeld, captured, refunded }: Payment): string {
  if (stage !== 'paid') return stage;
  if (isHeld) return captured === 0 ? 'authorized' : 'partially_captured';
  if (captured === 0) return 'canceled';
  return refunded === 0 ? 'succeeded' : refunded < captured ? 'partially_refunded' : 'refunded';
}

/** A payment as its hotel sees it. */
export function viewOf(payment: Payment): View {
  const { amount, authorized, captured, refunded, capturing, refunding, raising } = payment;
  return {
    status: statusOf(payment),
    amount,
    authorized,
    captured,
    refunded,
    pending: capturing + refunding + raising,
  };
}

function answerOf({ state, answer, payment }: Operation): Expected {
  return state === 'unsent'
    ? { refusal: 'provider_unreachable' }
    : { state, view: answer ?? viewOf(payment) };
}
