import type { Books } from './books.ts';
import type { Effect } from './effects.ts';
import { groupBy } from './group.ts';
import type { Found, Invariant } from './judge.ts';
import { finalAnswers } from './key-uses.ts';
import type { OperationRow, PaymentRow } from './rows.ts';

/** What providers did and what we say they did: I1, I2, I3. */
export const EFFECTS: readonly Invariant[] = [
  {
    number: 'I1',
    rule: 'each effect at a provider has exactly one succeeded operation',
    judge: judgeEffects,
  },
  {
    number: 'I2',
    rule: 'each succeeded operation has one effect of the same amount, currency, payment and account',
    judge: judgeOperations,
  },
  { number: 'I3', rule: 'at most one effect for each hotel, operation and key', judge: judgeKeys },
];

function judgeEffects({ effects, operations }: Books): Found {
  const byId = groupBy(operations, ({ id }) => id);
  const offending = effects.flatMap((effect) => {
    const own = (byId.get(effect.operationId) ?? []).filter(
      ({ merchant_id, kind, state }) =>
        merchant_id === effect.merchantId && kind === effect.kind && state === 'succeeded',
    );
    if (own.length === 1) return [];
    const [stored] = byId.get(effect.operationId) ?? [];
    const seen =
      stored === undefined
        ? 'no operation'
        : `a ${stored.kind} that is ${stored.state} at hotel ${stored.merchant_id}`;
    return [
      `a ${effect.kind} of operation ${effect.operationId} at hotel ${effect.merchantId || '?'} has ${seen}`,
    ];
  });
  return { checked: effects.length, offending };
}

function judgeOperations({ operations, payments, effects }: Books): Found {
  const succeeded = operations.filter(({ kind, state }) => state === 'succeeded' && kind !== 'create');
  const byOperation = groupBy(effects, keyOfEffect);
  const paymentOf = new Map(payments.map((payment) => [`${payment.merchant_id} ${payment.id}`, payment]));
  const held = new Set(
    operations.flatMap(({ kind, state, payment_id }) =>
      kind === 'authorize' && state === 'succeeded' ? [payment_id] : [],
    ),
  );
  const offending = succeeded.flatMap((operation) => {
    const own = byOperation.get(`${operation.merchant_id} ${operation.id}`) ?? [];
    const [effect] = own;
    const name = `${operation.kind} ${operation.id}`;
    // Where nothing was held, a void only ends our own record.
    if (effect === undefined)
      return operation.kind !== 'void' || held.has(operation.payment_id)
        ? [`${name} succeeded and the provider never did it`]
        : [];
    if (own.length > 1) return [`${name} has ${own.length} effects`];
    const payment = paymentOf.get(`${operation.merchant_id} ${operation.payment_id}`);
    return differences(operation, effect, payment).map((difference) => `${name}: ${difference}`);
  });
  return { checked: succeeded.length, offending };
}

function keyOfEffect({ merchantId, operationId }: Effect): string {
  return `${merchantId} ${operationId}`;
}

function differences(operation: OperationRow, effect: Effect, payment: PaymentRow | undefined): string[] {
  const amount = operation.settled_minor ?? operation.amount_minor;
  // A void that was asked for before anything was held did not know how much it would release.
  const isAnyAmount = operation.kind === 'void' && operation.amount_minor === 0n;
  return [
    ...(isAnyAmount || amount === effect.amountMinor
      ? []
      : [`we say ${amount}, the provider did ${effect.amountMinor}`]),
    ...(operation.currency === effect.currency
      ? []
      : [`we say ${operation.currency}, the provider did ${effect.currency}`]),
    ...(operation.kind === effect.kind ? [] : [`the provider did a ${effect.kind}`]),
    ...(payment?.provider_reference === effect.paymentReference
      ? []
      : [
          `it was done on ${effect.paymentReference}, its payment is ${payment?.provider_reference ?? 'unknown'}`,
        ]),
    ...(payment === undefined || payment.provider_account_id === operation.provider_account_id
      ? []
      : ['another account than that of its payment']),
  ];
}

/** At most one effect each for operations, for the taking of a payment, and for what one key was told of. */
function judgeKeys({ effects, uses }: Books): Found {
  const byOperation = groupBy(effects, keyOfEffect);
  const doubled = [...byOperation].flatMap(([key, own]) =>
    own.length > 1
      ? [
          `operation ${key.split(' ')[1]} had ${own.length} effects: ${own.map(({ kind }) => kind).join(', ')}`,
        ]
      : [],
  );
  const taken = groupBy(
    effects.filter(({ kind }) => kind === 'sale' || kind === 'authorize'),
    ({ merchantId, paymentReference }) => `${merchantId} ${paymentReference}`,
  );
  const takenTwice = [...taken].flatMap(([key, own]) =>
    own.length > 1 ? [`payment ${key.split(' ')[1]} was taken ${own.length} times`] : [],
  );
  const told = (uses ?? []).flatMap((use) => {
    const things = new Set(finalAnswers(use).flatMap(({ end }) => toldOf(end)));
    return things.size > 1
      ? [`key ${use.key} of hotel ${use.merchantId} was told of ${[...things].join(' and ')}`]
      : [];
  });
  return { checked: byOperation.size, offending: [...doubled, ...takenTwice, ...told] };
}

/** The payment, and the refund where it is one. */
function toldOf(end: { paymentId: string | null; refundId?: string | null }): string[] {
  const id = end.refundId ?? end.paymentId;
  return id === null ? [] : [id];
}
