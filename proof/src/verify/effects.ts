import type { RunFacts } from '../run-folder.ts';
import { hashOfProviderKey, readProviderKey } from './public-ids.ts';
import type { OperationRow, PaymentRow, SimulatorEffectRow } from './rows.ts';
import type { StripeEffect } from './stripe-journal.ts';

/** One thing that a provider really did, in our words. Money: minor units. */
export type Effect = {
  kind: 'sale' | 'authorize' | 'capture' | 'void' | 'refund' | 'adjust';
  /** Whose account it was done on; empty when no hotel of the run has it. */
  merchantId: string;
  /** From the key it was asked with; that key's text when it is not one of ours. */
  operationId: string;
  paymentReference: string;
  /** Of an adjustment the new total. */
  amountMinor: bigint;
  currency: string;
};

/** Money that moved, by the names of Stripe's simulator (simulators/stripe/README.md, Journal). */
export const KINDS: Readonly<Record<string, Effect['kind']>> = {
  'charge.succeeded': 'sale',
  'authorization.succeeded': 'authorize',
  'capture.succeeded': 'capture',
  'authorization.released': 'void',
  'refund.succeeded': 'refund',
  'authorization.incremented': 'adjust',
};

/** Stripe's journal in our words. */
export function effectsAtStripe(lines: readonly StripeEffect[], hotels: RunFacts['hotels']): Effect[] {
  const owners = ownersOfAccounts(hotels);
  const cameBack = new Set(
    lines.flatMap(({ effect, refund }) => (effect === 'refund.failed' ? [refund] : [])),
  );
  const captures = new Set(
    lines.flatMap(({ effect, account, idempotency_key: key }) =>
      effect === 'capture.succeeded' ? [`${account} ${key}`] : [],
    ),
  );
  return lines.flatMap((line): Effect[] => {
    const kind = KINDS[line.effect];
    const { account, idempotency_key: key = null, currency = '' } = line;
    if (kind === undefined || (kind === 'refund' && cameBack.has(line.refund))) return [];
    // The rest that a last capture lets go of belongs to that capture; a hold that lapses has no key at all.
    if (kind === 'void' && (key === null || captures.has(`${account} ${key}`))) return [];
    return [
      {
        kind,
        merchantId: owners.get(account) ?? '',
        operationId: operationOfStripe(line, kind),
        paymentReference: line.payment_intent ?? '',
        amountMinor: fromStripeUnits(line.amount_new_total ?? line.amount ?? 0n, currency),
        currency: currency.toUpperCase(),
      },
    ];
  });
}

/** Hotels by their accounts at Stripe; those on the built-in simulator have none. */
export function ownersOfAccounts(hotels: RunFacts['hotels']): ReadonlyMap<string, string> {
  return new Map(
    hotels.flatMap(({ stripeAccount, merchantId }) =>
      stripeAccount === '' ? [] : [[stripeAccount, merchantId] as const],
    ),
  );
}

/** After 3-D Secure or a hosted page the key is another's; the metadata still names the operation. */
function operationOfStripe(line: StripeEffect, kind: Effect['kind']): string {
  const key = line.idempotency_key ?? '';
  const ofKey = readProviderKey(key)?.operationId;
  const ofMetadata =
    kind === 'sale' || kind === 'authorize' ? line.metadata?.['centra_operation'] : undefined;
  return ofKey ?? ofMetadata ?? `of key ${key}`;
}

// docs.stripe.com/currencies: written with two decimals that must be 00 although ISO has none; and the other way round.
const STRIPE_HUNDREDTHS_OF_WHOLE = new Set(['ISK']);
const STRIPE_WHOLE_OF_HUNDREDTHS = new Set(['MGA']);

/** Stripe's integer as minor units of ISO 4217. */
function fromStripeUnits(units: bigint, currency: string): bigint {
  const code = currency.toUpperCase();
  if (STRIPE_HUNDREDTHS_OF_WHOLE.has(code)) return units / 100n;
  return STRIPE_WHOLE_OF_HUNDREDTHS.has(code) ? units * 100n : units;
}

/** What the built-in simulator wrote down: all that follows a charge. A late refund counts as what its bank made of it. */
export function followUpsAtSimulator(
  rows: readonly SimulatorEffectRow[],
  ownerOfAccount: ReadonlyMap<string, string>,
  now: number,
): Effect[] {
  // As they happened: a dump is in the order of its primary key, and of adjustments the last one counts.
  const happened = rows.toSorted((a, b) => (a.seq < b.seq ? -1 : 1));
  return happened.flatMap((row): Effect[] => {
    const isOver = row.settles_at !== null && Date.parse(row.settles_at) <= now;
    const state = isOver ? row.settled_state : row.state;
    const kind = FOLLOW_UPS.find((known) => known === row.kind);
    if (state !== 'succeeded' || kind === undefined) return [];
    return [
      {
        kind,
        merchantId: ownerOfAccount.get(row.account_id) ?? '',
        operationId: readProviderKey(row.provider_key)?.operationId ?? `of key ${row.provider_key}`,
        paymentReference: row.reference,
        amountMinor: row.amount_minor,
        currency: REFERENCE.exec(row.reference)?.groups?.['currency'] ?? '',
      },
    ];
  });
}

const FOLLOW_UPS = ['capture', 'void', 'refund', 'adjust'] as const;

// Its charges write no line: what was approved stands in the payment's reference, after a hash of the key it was asked with
// (docs/decisions/0011-simulator-without-store.md).
const REFERENCE =
  /^sim_(?<hash>[0-9a-f]{12}x[0-9a-f]{12})-a(?<method>[ah])m?i?o?-(?<currency>[A-Z]{3})-a(?<amount>[0-9a-z]+)-t(?<time>[0-9a-z]+)-h(?<days>\d+)-/;

/** Charges of the built-in simulator, from the references that it gave out; `open` are those of challenges not approved. */
export function chargesAtSimulator(
  payments: readonly PaymentRow[],
  operations: ReadonlyMap<string, readonly OperationRow[]>,
  open: ReadonlySet<string>,
): Effect[] {
  return payments.flatMap((payment): Effect[] => {
    const reference = payment.provider === 'simulator' ? (payment.provider_reference ?? '') : '';
    const facts = REFERENCE.exec(reference)?.groups;
    if (facts === undefined || open.has(reference)) return [];
    const { hash = '', method, currency = '', amount = '' } = facts;
    const own = operations.get(payment.id) ?? [];
    return [
      {
        kind: method === 'h' ? 'authorize' : 'sale',
        merchantId: payment.merchant_id,
        operationId:
          own.find(({ id }) => hashOfProviderKey(id) === hash.replace('x', ''))?.id ?? `of hash ${hash}`,
        paymentReference: reference,
        amountMinor: fromBase36(amount),
        currency,
      },
    ];
  });
}

/** Until when the built-in simulator holds, in seconds since 1970; undefined when the reference is not of its making. */
export function deadlineAtSimulator(reference: string): number | undefined {
  const facts = REFERENCE.exec(reference)?.groups;
  const { time, days } = facts ?? {};
  return time === undefined || days === undefined
    ? undefined
    : Number(fromBase36(time)) + Number(days) * 24 * 60 * 60;
}

function fromBase36(text: string): bigint {
  let value = 0n;
  for (const letter of text) value = value * 36n + BigInt(Number.parseInt(letter, 36));
  return value;
}
