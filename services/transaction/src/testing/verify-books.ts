import type { Books, Effect, OperationBook, PaymentBook } from './books.ts';

/** What a caller was told of an operation that it asked for with an id of its own. */
export type Told = {
  operationId: string;
  answer: 'succeeded' | 'declined' | 'open' | 'refused';
  /** What it was told to have been done. */
  amountMinor?: bigint | undefined;
};

// A copy on purpose: what the service allows itself is not what it is measured by.
const MOVES: Readonly<Record<string, readonly string[]>> = {
  created: ['created', 'processing', 'canceled'],
  processing: ['processing', 'requires_action', 'authorized', 'succeeded', 'failed', 'canceled'],
  requires_action: ['requires_action', 'authorized', 'succeeded', 'failed', 'canceled'],
  authorized: ['authorized', 'partially_captured', 'succeeded', 'canceled'],
  partially_captured: ['partially_captured', 'succeeded', 'partially_refunded', 'refunded'],
  succeeded: ['succeeded', 'partially_refunded', 'refunded'],
  partially_refunded: ['partially_refunded', 'refunded', 'succeeded'],
  refunded: ['refunded', 'partially_refunded', 'succeeded'],
  canceled: ['canceled', 'authorized', 'succeeded'],
  failed: ['failed', 'authorized', 'succeeded'],
};

/**
 * Every violation of the invariants I1 to I9 and I12 (reliability.md §5) in books that are at rest, each with its number and
 * the row it is about; empty when all hold. Rows and journals only.
 */
export function violations(books: Books, told: readonly Told[] = []): string[] {
  const operations = groupBy(books.operations, ({ payment_id }) => payment_id);
  const events = groupBy(books.events, ({ payment_id }) => payment_id);
  const outbox = groupBy(books.outbox, ({ payment_id }) => payment_id);
  const effects = groupBy(books.effects, ({ paymentReference }) => paymentReference);
  return [
    ...effectsOf(books),
    ...answers(books, told),
    ...books.payments.flatMap((payment) => {
      const own = operations.get(payment.id) ?? [];
      const atProvider = effects.get(payment.provider_reference ?? '') ?? [];
      return [
        ...openOf(payment, own),
        ...limits(payment),
        ...outcomes(payment, atProvider),
        ...totals(payment, own, atProvider),
        ...historyOf(payment, events.get(payment.id) ?? [], outbox.get(payment.id) ?? []),
      ].map((violation) => `${violation} (payment ${payment.id})`);
    }),
  ];
}

/** I1, I2, I3: one effect for each succeeded operation and one succeeded operation for each effect, of the same amount. */
function effectsOf({ operations, payments, effects }: Books): string[] {
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  const byOperation = groupBy(effects, ({ operationId }) => operationId);
  const references = new Map(payments.map(({ id, provider_reference }) => [id, provider_reference]));
  const held = new Set(
    operations.flatMap(({ kind, state, payment_id }) =>
      kind === 'authorize' && state === 'succeeded' ? [payment_id] : [],
    ),
  );
  const found: string[] = [];
  for (const effect of effects) {
    const operation = byId.get(effect.operationId);
    if (operation?.state !== 'succeeded' || operation.kind !== effect.kind)
      found.push(
        `I1 the provider did a ${effect.kind} that is ${operation?.state ?? 'unknown to us'}: ${effect.operationId}`,
      );
  }
  for (const operation of operations) {
    const own = byOperation.get(operation.id) ?? [];
    if (own.length > 1) found.push(`I3 ${own.length} effects of operation ${operation.id}`);
    if (operation.state !== 'succeeded' || operation.kind === 'create') continue;
    // Where nothing was held, a void only ends our own record.
    const [effect] = own;
    if (effect === undefined) {
      if (operation.kind !== 'void' || held.has(operation.payment_id))
        found.push(`I2 a ${operation.kind} succeeded that the provider never did: ${operation.id}`);
    } else if (!isSame(operation, effect) || effect.paymentReference !== references.get(operation.payment_id))
      found.push(`I2 ${operation.kind} ${operation.id} differs from what the provider did`);
  }
  return found;
}

function isSame(operation: OperationBook, effect: Effect): boolean {
  // A void that was asked for before anything was held did not know how much it would release.
  if (operation.kind === 'void' && operation.amount_minor === 0n)
    return operation.currency === effect.currency;
  const amount = operation.settled_minor ?? operation.amount_minor;
  return amount === effect.amountMinor && operation.currency === effect.currency;
}

/** I4: what callers were told is what is stored; whom we refused caused nothing. */
function answers({ operations, effects }: Books, told: readonly Told[]): string[] {
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  const done = new Set(effects.map(({ operationId }) => operationId));
  return told.flatMap(({ operationId, answer, amountMinor }) => {
    const operation = byId.get(operationId);
    const wrong = (why: string): string[] => [`I4 ${why}: ${operationId}`];
    if (answer === 'refused')
      return operation !== undefined || done.has(operationId)
        ? wrong('a refused call left something behind')
        : [];
    if (operation === undefined) return wrong(`told ${answer}, and nothing is stored`);
    if (answer === 'open') return [];
    if (operation.state !== answer) return wrong(`told ${answer}, stored ${operation.state}`);
    const stored = operation.settled_minor ?? operation.amount_minor;
    return amountMinor !== undefined && answer === 'succeeded' && amountMinor !== stored
      ? wrong(`told ${amountMinor}, stored ${stored}`)
      : [];
  });
}

/** I5: nothing is left open, but for what stands before a person with a reason. */
function openOf(payment: PaymentBook, operations: readonly OperationBook[]): string[] {
  const open = operations.filter(({ state }) => state !== 'succeeded' && state !== 'declined');
  const pending =
    payment.authorize_pending_minor + payment.capture_pending_minor + payment.refund_pending_minor;
  return [
    ...open.flatMap(({ id, state, kind, escalated_at, unknown_reason }) =>
      escalated_at !== null && unknown_reason !== null ? [] : [`I5 ${kind} ${id} is still ${state}`],
    ),
    ...(open.length === 0 && pending !== 0n ? ['I5 something is reserved for nobody'] : []),
    ...(open.length === 0 && payment.hold_open && payment.busy_operation_id !== null
      ? ['I5 its hold is busy with nothing']
      : []),
    ...(open.length === 0 && payment.hold_open && payment.captured_minor >= payment.authorized_minor
      ? ['I5 a hold of nothing is open']
      : []),
  ];
}

/** I6, I7: never collected beyond the hold and its allowance, never given back beyond what was collected. */
function limits(payment: PaymentBook): string[] {
  const captured = payment.captured_minor + payment.capture_pending_minor;
  const refunded = payment.refunded_minor + payment.refund_pending_minor;
  return [
    ...(payment.captured_minor >= 0n && captured <= payment.authorized_minor + payment.overcapture_minor
      ? []
      : ['I6 more is collected than was held']),
    ...(payment.refunded_minor >= 0n && refunded <= payment.captured_minor
      ? []
      : ['I7 more is given back than was collected']),
  ];
}

/** I8: canceled and failed mean that the provider collected nothing. */
function outcomes({ status, captured_minor }: PaymentBook, effects: readonly Effect[]): string[] {
  const isEmpty = status === 'canceled' || status === 'failed';
  const taken = effects.some(({ kind }) => kind === 'sale' || kind === 'capture');
  return isEmpty && (taken || captured_minor !== 0n) ? [`I8 it is ${status} and money was taken`] : [];
}

/** I9: the stored totals are the sum of the operations, and of what the provider did. */
function totals(
  payment: PaymentBook,
  operations: readonly OperationBook[],
  effects: readonly Effect[],
): string[] {
  const done = operations.filter(({ state }) => state === 'succeeded');
  const ours = done.map(({ kind, settled_minor, amount_minor }) => ({
    kind,
    amountMinor: settled_minor ?? amount_minor,
  }));
  return [['our operations', ours] as const, ["the provider's journal", effects] as const]
    .flatMap(([whose, list]) => {
      const sum = (...kinds: string[]): bigint =>
        list.reduce(
          (total, { kind, amountMinor }) => (kinds.includes(kind) ? total + amountMinor : total),
          0n,
        );
      const captured = sum('sale', 'capture');
      const refunded = sum('refund');
      return captured === payment.captured_minor && refunded === payment.refunded_minor
        ? []
        : [
            `I9 ${whose} say ${captured} collected and ${refunded} given back, the payment ` +
              `${payment.captured_minor} and ${payment.refunded_minor}`,
          ];
    })
    .concat(holdOf(payment, done, effects));
}

/** The hold is what was authorised, or what the last adjustment made of it; the totals of both sides agree. */
function holdOf(payment: PaymentBook, done: readonly OperationBook[], effects: readonly Effect[]): string[] {
  const adjusted = effects.findLast(({ kind }) => kind === 'adjust');
  const first = effects.find(({ kind }) => kind === 'sale' || kind === 'authorize');
  const authorized = (adjusted ?? first)?.amountMinor ?? 0n;
  const isHeldByUs = done.some(({ kind }) => kind === 'sale' || kind === 'authorize');
  return isHeldByUs && authorized !== payment.authorized_minor
    ? [`I9 the provider authorised ${authorized}, the payment says ${payment.authorized_minor}`]
    : [];
}

/** I12: an unbroken history of legal moves that ends where the payment is, and one outgoing event for each step. */
function historyOf(payment: PaymentBook, events: Books['events'], outbox: Books['outbox']): string[] {
  const found: string[] = [];
  for (const [index, event] of events.entries()) {
    const from = events[index - 1]?.to_status ?? null;
    if (event.version !== index + 1) found.push(`I12 step ${index + 1} is missing`);
    if (event.from_status !== from) found.push(`I12 step ${event.version} begins at ${event.from_status}`);
    if (from !== null && MOVES[from]?.includes(event.to_status) !== true)
      found.push(`I12 ${from} became ${event.to_status}`);
    if (event.operation_id === null) found.push(`I12 step ${event.version} has no source`);
  }
  const last = events.at(-1);
  if (last?.version !== payment.version || last.to_status !== payment.status)
    found.push('I12 the history ends elsewhere');
  if (
    last?.captured_minor !== payment.captured_minor ||
    last.refunded_minor !== payment.refunded_minor ||
    last.authorized_minor !== payment.authorized_minor
  )
    found.push('I9 the last step of the history has other sums');
  const steps = events.map(({ version, type }) => `${version} ${type}`).toSorted();
  const sent = outbox.map(({ version, type }) => `${version} ${type}`).toSorted();
  if (steps.join() !== sent.join()) found.push('I12 steps and outgoing events differ');
  return found;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
