import type { Books } from './books.ts';
import type { Effect } from './effects.ts';
import { groupBy, sumOf } from './group.ts';
import type { Found, Invariant } from './judge.ts';
import type { OperationRow, PaymentEventRow, PaymentRow } from './rows.ts';

/** Sums and limits of payments: I6 to I9. */
export const SUMS: readonly Invariant[] = [
  {
    number: 'I6',
    rule: '0 <= captured + pending <= authorised + allowance, with us and at the provider',
    judge: (books) => eachPayment(books, capturedWithin),
  },
  {
    number: 'I7',
    rule: '0 <= refunded + pending <= captured, with us and at the provider',
    judge: (books) => eachPayment(books, refundedWithin),
  },
  {
    number: 'I8',
    rule: 'canceled and failed mean nothing captured at the provider; captured never becomes either',
    judge: (books) => eachPayment(books, endedEmpty),
  },
  {
    number: 'I9',
    rule: 'stored totals = sum of operations = what the provider did = the last step (no ledger yet)',
    judge: (books) => eachPayment(books, totalsAgree),
  },
];

/** A payment with all that is known of it. */
type Account = {
  payment: PaymentRow;
  operations: readonly OperationRow[];
  steps: readonly PaymentEventRow[];
  effects: readonly Effect[];
};

function eachPayment(books: Books, judge: (account: Account) => string[]): Found {
  const operations = groupBy(books.operations, (row) => `${row.merchant_id} ${row.payment_id}`);
  const steps = groupBy(books.events, (row) => `${row.merchant_id} ${row.payment_id}`);
  const effects = groupBy(
    books.effects,
    ({ merchantId, paymentReference }) => `${merchantId} ${paymentReference}`,
  );
  const offending = books.payments.flatMap((payment) => {
    const key = `${payment.merchant_id} ${payment.id}`;
    const account: Account = {
      payment,
      operations: operations.get(key) ?? [],
      steps: steps.get(key) ?? [],
      effects: effects.get(`${payment.merchant_id} ${payment.provider_reference}`) ?? [],
    };
    return judge(account).map((wrong) => `payment ${payment.id}: ${wrong}`);
  });
  return { checked: books.payments.length, offending };
}

function capturedWithin({ payment, effects, steps }: Account): string[] {
  const captured = payment.captured_minor + payment.capture_pending_minor;
  const limit = payment.authorized_minor + payment.overcapture_minor;
  const atProvider = totalOf(effects, 'sale', 'capture');
  const held = heldAt(effects);
  return [
    ...(payment.captured_minor >= 0n && payment.capture_pending_minor >= 0n && captured <= limit
      ? []
      : [`captured ${captured} of ${limit}`]),
    ...(atProvider <= held + payment.overcapture_minor
      ? []
      : [`the provider captured ${atProvider} of ${held}`]),
    ...steps.flatMap(({ version, captured_minor, authorized_minor }) =>
      captured_minor >= 0n && captured_minor <= authorized_minor + payment.overcapture_minor
        ? []
        : [`step ${version} captured ${captured_minor} of ${authorized_minor}`],
    ),
  ];
}

function refundedWithin({ payment, effects, steps }: Account): string[] {
  const refunded = payment.refunded_minor + payment.refund_pending_minor;
  const [taken, givenBack] = [totalOf(effects, 'sale', 'capture'), totalOf(effects, 'refund')];
  return [
    ...(payment.refunded_minor >= 0n &&
    payment.refund_pending_minor >= 0n &&
    refunded <= payment.captured_minor
      ? []
      : [`refunded ${refunded} of ${payment.captured_minor}`]),
    ...(givenBack <= taken ? [] : [`the provider gave back ${givenBack} of ${taken}`]),
    ...steps.flatMap(({ version, refunded_minor, captured_minor }) =>
      refunded_minor >= 0n && refunded_minor <= captured_minor
        ? []
        : [`step ${version} refunded ${refunded_minor} of ${captured_minor}`],
    ),
  ];
}

function endedEmpty({ payment, effects, steps }: Account): string[] {
  const taken = totalOf(effects, 'sale', 'capture');
  const captured = steps.find(({ captured_minor }) => captured_minor > 0n);
  const after = steps.find(
    (step) => captured !== undefined && step.version > captured.version && isEmpty(step.to_status),
  );
  return [
    ...(isEmpty(payment.status) && (taken > 0n || payment.captured_minor !== 0n)
      ? [`it is ${payment.status}, and ${taken} was taken`]
      : []),
    ...(after === undefined
      ? []
      : [`captured in step ${captured?.version}, ${after.to_status} in step ${after.version}`]),
    // A release ends the hold: whatever is captured after it was never held.
    ...(isCapturedAfterVoid(effects) ? ['the provider captured after it had let go'] : []),
  ];
}

function isEmpty(status: string): boolean {
  return status === 'canceled' || status === 'failed';
}

function isCapturedAfterVoid(effects: readonly Effect[]): boolean {
  const released = effects.findIndex(({ kind }) => kind === 'void');
  return released >= 0 && effects.slice(released + 1).some(({ kind }) => kind === 'capture');
}

function totalsAgree({ payment, operations, steps, effects }: Account): string[] {
  const ours = operations
    .filter(({ state }) => state === 'succeeded')
    .map(({ kind, settled_minor, amount_minor }) => ({ kind, amountMinor: settled_minor ?? amount_minor }));
  const last = steps.at(-1);
  const sums = [
    ['our operations', totalOf(ours, 'sale', 'capture'), totalOf(ours, 'refund')],
    ['the provider', totalOf(effects, 'sale', 'capture'), totalOf(effects, 'refund')],
    ['the last step', last?.captured_minor ?? 0n, last?.refunded_minor ?? 0n],
  ] as const;
  const isHeld = ours.some(({ kind }) => kind === 'sale' || kind === 'authorize');
  const held = heldAt(effects);
  return [
    ...sums.flatMap(([whose, captured, refunded]) =>
      captured === payment.captured_minor && refunded === payment.refunded_minor
        ? []
        : [
            `captured ${payment.captured_minor} and refunded ${payment.refunded_minor}, ` +
              `${whose} say ${captured} and ${refunded}`,
          ],
    ),
    ...(isHeld && held !== payment.authorized_minor
      ? [`authorised ${payment.authorized_minor}, the provider says ${held}`]
      : []),
    ...(!isHeld && payment.authorized_minor !== 0n
      ? [`authorised ${payment.authorized_minor} by no operation`]
      : []),
    ...(last === undefined || last.authorized_minor === payment.authorized_minor
      ? []
      : [`authorised ${payment.authorized_minor}, the last step says ${last.authorized_minor}`]),
  ];
}

function totalOf(things: readonly { kind: string; amountMinor: bigint }[], ...kinds: string[]): bigint {
  return sumOf(
    things.filter(({ kind }) => kinds.includes(kind)),
    ({ amountMinor }) => amountMinor,
  );
}

/** What the provider holds or held: what was approved, or what the last adjustment made of it. */
function heldAt(effects: readonly Effect[]): bigint {
  const adjusted = effects.findLast(({ kind }) => kind === 'adjust');
  const first = effects.find(({ kind }) => kind === 'sale' || kind === 'authorize');
  return (adjusted ?? first)?.amountMinor ?? 0n;
}
