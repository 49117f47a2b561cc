import { FAILPOINTS } from '@centra/service-kit/failpoint.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';

/** What a provider is asked for. */
export const KINDS = ['sale', 'authorize', 'capture', 'void', 'refund', 'adjust'] as const;
export type Kind = (typeof KINDS)[number];
export const PROVIDERS = ['stripe', 'simulator'] as const;
export type ProviderName = (typeof PROVIDERS)[number];
export type ArmedService = keyof typeof FAILPOINTS;

/** One death: a process of `service` at `failpoint`, in the middle of an operation of that kind at that provider. */
export type CrashCase = { service: ArmedService; failpoint: string; kind: Kind; provider: ProviderName };

/** The part of a name that does not depend on the kind: `after-provider` of `sale.after-provider`. */
export function stepOf(failpoint: string): string {
  return ownKindOf(failpoint) === undefined ? failpoint : failpoint.slice(failpoint.indexOf('.') + 1);
}

function ownKindOf(failpoint: string): Kind | undefined {
  return KINDS.find((kind) => failpoint.startsWith(`${kind}.`));
}

export type Plan = {
  cases: CrashCase[];
  /** What cannot happen, and why, in one line for each failpoint. */
  impossible: string[];
};

/** Every failpoint with every operation and adapter that can meet it. */
export function planCases(): Plan {
  const cases: CrashCase[] = [];
  const impossible = new Map<string, string[]>();
  for (const service of SERVICES)
    for (const failpoint of FAILPOINTS[service])
      for (const kind of KINDS.filter((each) => (ownKindOf(failpoint) ?? each) === each))
        for (const provider of PROVIDERS) {
          const reason = whyImpossible(failpoint, kind, provider);
          if (reason === undefined) cases.push({ service, failpoint, kind, provider });
          else {
            const line = `${failpoint} cannot happen (${reason})`;
            impossible.set(line, [...(impossible.get(line) ?? []), `${kind} at ${provider}`]);
          }
        }
  return { cases, impossible: [...impossible].map(([line, where]) => `${line}: ${where.join(', ')}`) };
}

const SERVICES: readonly ArmedService[] = ['api-gateway', 'payment-api', 'transaction'];

function whyImpossible(failpoint: string, kind: Kind, provider: ProviderName): string | undefined {
  if (failpoint === 'stripe.after-payment-method') {
    if (provider !== 'stripe') return 'a step inside the Stripe adapter';
    return kind === 'sale' || kind === 'authorize' ? undefined : 'only a charge carries a card';
  }
  if (failpoint.startsWith('provider-event.') && provider === 'simulator')
    return 'the built-in simulator sends no events';
  return undefined;
}

/**
 * The built-in simulator declares no window for its keys, so what may have been sent is looked up, and that it was not there
 * counts when it was seen twice, a minute apart (row 6). Then a release is sent, and anything else ends as not done.
 */
export function waitsForAbsence({ failpoint, kind, provider }: CrashCase): boolean {
  const step = stepOf(failpoint);
  return (
    provider === 'simulator' &&
    kind !== 'sale' &&
    kind !== 'authorize' &&
    (step === 'after-write-1' || step === 'before-provider')
  );
}

/** Whether the only honest end is "it was not done": nothing was sent, and nothing may be sent again unasked. */
export function endsUndone(crash: CrashCase): boolean {
  return waitsForAbsence(crash) && crash.kind !== 'void';
}

// Each step that every kind passes is met by two kinds.
const OF_KIND_STEP = 2;

/** Each step at least once, with operations and adapters drawn so that all of them occur; none that takes a minute. */
export function drawCases(cases: readonly CrashCase[], random: Seeded): CrashCase[] {
  const bySteps = Map.groupBy(
    cases.filter((crash) => !waitsForAbsence(crash)),
    ({ failpoint }) => stepOf(failpoint),
  );
  const drawn: CrashCase[] = [];
  const used = (of: (crash: CrashCase) => boolean): number => drawn.filter(of).length;
  for (const [step, candidates] of bySteps) {
    const wanted = candidates.some(({ failpoint }) => failpoint !== step) ? OF_KIND_STEP : 1;
    for (let nth = 0; nth < wanted; nth += 1) {
      const rank = (crash: CrashCase): number =>
        2 * used(({ kind }) => kind === crash.kind) + used(({ provider }) => provider === crash.provider);
      const left = shuffled(
        candidates.filter((each) => !drawn.includes(each)),
        random,
      );
      const [next] = left.toSorted((a, b) => rank(a) - rank(b));
      if (next !== undefined) drawn.push(next);
    }
  }
  return drawn;
}

/** Fisher–Yates. */
export function shuffled<T>(things: readonly T[], random: Seeded): T[] {
  const left = [...things];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(random.between(0, left.length - 1), 1));
  return order;
}

/** For people: what died where. */
export function nameOf({ failpoint, kind, provider }: CrashCase): string {
  return failpoint.startsWith(`${kind}.`)
    ? `${failpoint} at ${provider}`
    : `${failpoint}, ${kind} at ${provider}`;
}
