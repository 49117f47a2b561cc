import type { Dice } from './dice.ts';
import type { AskFacts, AskKind, Making, Reply } from './client-asks.ts';
import type { ProviderName } from './simulated-provider.ts';

/** How a call ended for its client; `lost`: the instance died, or its answer never came. */
export type CallEnd =
  | { kind: 'running' }
  | { kind: 'lost' }
  | { kind: 'refused'; code: string }
  | { kind: 'answered'; reply: Reply };
export type Call = { instance: string; end: CallEnd };

/** One thing a client wants, with its key, and all calls it made for it. */
export type Ask = AskFacts & { name: string; journey: Journey; calls: Call[] };

/** One payment and what its hotel does with it, in order. */
export type Journey = { provider: ProviderName; asks: Ask[]; paymentId: string | undefined };

export type HotelFacts = { merchantId: string; accounts: Readonly<Record<ProviderName, string>> };

// Few and short: a short story is understood, and what needs a long one is found by another seed.
const PAYMENTS_MIN = 2;
const PAYMENTS_MAX = 4;
const FOLLOW_UPS_MAX = 3;

/** Everything the clients of a run will ask for. */
export function planJourneys(dice: Dice, hotel: HotelFacts): Journey[] {
  let asks = 0;
  return Array.from({ length: dice.between(PAYMENTS_MIN, PAYMENTS_MAX) }, () => {
    const provider = dice.weighted<ProviderName>([
      [3, 'keyed'],
      [1, 'bare'],
    ]);
    const journey: Journey = { provider, asks: [], paymentId: undefined };
    const makes = planMaking(dice, hotel, provider);
    for (const [kind, amountMinor, keepOpen] of planKinds(dice, makes)) {
      asks += 1;
      const facts = { operationId: newOperationId(dice), kind, amountMinor, keepOpen, makes };
      journey.asks.push({ ...facts, name: `op#${asks}`, journey, calls: [] });
    }
    return journey;
  });
}

function planMaking(dice: Dice, { merchantId, accounts }: HotelFacts, provider: ProviderName): Making {
  return {
    merchantId,
    accountId: accounts[provider],
    isManual: dice.chance(0.6),
    amountMinor: BigInt(dice.between(10, 500)) * 100n,
    isMerchantInitiated: dice.chance(0.3),
    hasReturnUrl: provider === 'keyed' && dice.chance(0.3),
    extras: {
      multipleCapture: dice.chance(0.5),
      incremental: dice.chance(0.5),
      overcapture: dice.chance(0.3),
      extended: false,
    },
  };
}

type Planned = readonly [kind: AskKind, amountMinor: bigint | undefined, keepOpen: boolean];

function planKinds(dice: Dice, { isManual, amountMinor, extras }: Making): Planned[] {
  const first: Planned[] = dice.chance(0.2)
    ? [
        ['create', undefined, false],
        ['pay', undefined, false],
      ]
    : [[isManual ? 'authorize' : 'sale', undefined, false]];
  const part = (): bigint | undefined =>
    dice.chance(0.3) ? undefined : (amountMinor * BigInt(dice.between(1, 12))) / 10n;
  const followUps = Array.from({ length: dice.between(1, FOLLOW_UPS_MAX) }, (): Planned => {
    const kind = dice.weighted<AskKind>([
      [isManual ? 5 : 0, 'capture'],
      [isManual ? 3 : 1, 'void'],
      [4, 'refund'],
      [isManual && extras.incremental ? 3 : 0, 'adjust'],
    ]);
    if (kind === 'void') return [kind, undefined, false];
    if (kind === 'adjust') return [kind, amountMinor + BigInt(dice.between(1, 9)) * 100n, false];
    return [kind, part(), kind === 'capture' && extras.multipleCapture && dice.chance(0.6)];
  });
  return [...first, ...followUps];
}

/** A UUID of version 8, as payment-api derives them from keys; here the dice are the key. */
function newOperationId(dice: Dice): string {
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => dice.between(0, 15).toString(16)).join('');
  return `${hex(8)}-${hex(4)}-8${hex(3)}-8${hex(3)}-${hex(12)}`;
}

/** Whether a client may ask this now: it needs the payment, and waits for the answer before, or is impatient. */
export function mayAsk({ journey, calls, kind }: Ask, isImpatient: boolean): boolean {
  if (calls.length > 0) return false;
  const isFirst = kind === 'create' || kind === 'sale' || kind === 'authorize';
  if (isFirst) return true;
  const index = journey.asks.findIndex((ask) => ask.calls.length === 0);
  const before = journey.asks[index - 1];
  if (journey.paymentId === undefined || journey.asks[index]?.kind !== kind) return false;
  return isImpatient || (before !== undefined && isAnswered(before));
}

export function isAnswered({ calls }: Ask): boolean {
  return calls.some(({ end }) => end.kind === 'answered' || end.kind === 'refused');
}

// What a client is told to come back after, with the same key; and what tells it nothing.
const COME_BACK: ReadonlySet<string> = new Set([
  'in_progress',
  'unavailable',
  'provider_unreachable',
  'internal',
]);

/** Whether that is the last word for a client: it will not come back with this key. */
export function isRefusedForGood(end: CallEnd | undefined): boolean {
  return end?.kind === 'refused' && !COME_BACK.has(end.code);
}

/** Whether a client asked and still does not know what became of it, not even that it is under way. */
export function wantsAnswer({ calls }: Ask): boolean {
  const last = calls.at(-1)?.end;
  return last !== undefined && last.kind !== 'answered' && !isRefusedForGood(last);
}
