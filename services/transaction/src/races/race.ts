import { randomUUID } from 'node:crypto';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { FollowUp } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { fromServiceError, isServiceError } from '@centra/service-kit/grpc.ts';
import { ALL_EXTRAS, ask, paymentOptions } from '../testing/follow-ups.ts';
import type { FollowUpKind } from '../testing/follow-ups.ts';
import { eur, followUpOf, paymentOf, saleRequest } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import type { Told } from '../testing/verify-books.ts';
import type { Hotel } from '../testing/world.ts';
import { CONTESTS, SHED, STAKE_MINOR } from './contests.ts';
import type { Call, Contest, Ending } from './contests.ts';
import { seeded } from '@centra/testkit/seeded.ts';

export type RaceOptions = {
  op: FollowUpKind;
  /** Decides every amount; the order of callers is the machine's. */
  seed: number;
  payments: number;
  /** At once on each payment. */
  callers: number;
};

export type RaceResult = {
  /** Payments on which everything was as it must be. */
  clean: number;
  /** One line for each payment on which it was not. */
  faults: string[];
  told: Told[];
  /** How many calls ended how. */
  endings: Record<string, number>;
};

// So many payments are raced for at the same time: enough that several instances always have work, few enough that no
// call waits for its turn longer than its deadline on a slow machine.
const PAYMENTS_AT_ONCE = 4;
// One caller in so many repeats the key of the one before.
const REPEATS_EVERY = 8;

/**
 * Lets many callers ask for operations of one kind on each payment at the same moment, through several instances of the
 * service. Never throws for what they answer: every wrong ending is a fault of its payment.
 */
export async function race(
  services: readonly TestService[],
  hotel: Hotel,
  cardOf: () => Promise<string>,
  options: RaceOptions,
): Promise<RaceResult> {
  const result: RaceResult = { clean: 0, faults: [], told: [], endings: {} };
  for (let first = 0; first < options.payments; first += PAYMENTS_AT_ONCE) {
    const group = Array.from(
      { length: Math.min(PAYMENTS_AT_ONCE, options.payments - first) },
      async (_, nth) => {
        const contests = CONTESTS[options.op];
        const contest = contests[(first + nth) % contests.length];
        if (contest === undefined) throw new Error(`no contest for ${options.op}`);
        await raceOnce(
          services,
          hotel,
          await cardOf(),
          contest,
          { ...options, seed: options.seed + first + nth },
          result,
        );
      },
    );
    await Promise.all(group);
  }
  return result;
}

async function raceOnce(
  services: readonly TestService[],
  hotel: Hotel,
  cardToken: string,
  contest: Contest,
  { seed, callers }: RaceOptions,
  result: RaceResult,
): Promise<void> {
  const [service] = services;
  if (service === undefined) throw new Error('nobody to ask');
  const { paymentId } = await prepare(service, hotel, cardToken, contest.on);
  const calls = withRepeats(contest.calls(seeded(seed), callers), hotel, paymentId);
  const endings = await Promise.all(
    calls.map(async ({ call, followUp }, nth) => {
      const instance = services[nth % services.length] ?? service;
      return { ...(await end(instance, call, followUp)), operationId: followUp.operationId };
    }),
  );
  const payment = await service.get(hotel, paymentId);
  for (const { kind, code } of endings)
    result.endings[code ?? kind] = (result.endings[code ?? kind] ?? 0) + 1;
  result.told.push(...toldOf(endings));
  const fault = strange(contest, endings) ?? contest.fault(endings, payment);
  if (fault === undefined) result.clean += 1;
  else result.faults.push(`${contest.name}, seed ${seed}, payment ${paymentId}: ${fault}`);
}

/** An ending that no loser of this contest may have. */
function strange(contest: Contest, endings: readonly Ending[]): string | undefined {
  const refused = endings.find(
    ({ kind, code }) => kind === 'refused' && code !== SHED && !contest.refusals.has(code ?? ''),
  );
  if (refused !== undefined) return `refused with ${refused.code}, which is no loss`;
  const declined = endings.find(({ kind }) => kind === 'declined');
  return declined === undefined || contest.mayDecline === true
    ? undefined
    : `the provider was asked for ${declined.call.amountMinor ?? 'the rest'} in vain`;
}

async function prepare(
  service: TestService,
  hotel: Hotel,
  cardToken: string,
  on: Contest['on'],
): Promise<Payment> {
  const options = paymentOptions({ extras: { ...ALL_EXTRAS, overcapture: false } });
  const request = saleRequest(hotel, cardToken, { amount: eur(STAKE_MINOR), options });
  return paymentOf(on === 'sale' ? await service.sale(request) : await service.authorize(request));
}

/** Each call with its key; some repeat the key, and so the request, of the call before. */
function withRepeats(
  calls: readonly Call[],
  hotel: Hotel,
  paymentId: string,
): { call: Call; followUp: FollowUp }[] {
  let last: { call: Call; followUp: FollowUp } | undefined;
  return calls.map((call, nth) => {
    if (last !== undefined && nth % REPEATS_EVERY === REPEATS_EVERY - 1) return last;
    last = { call, followUp: followUpOf(hotel, paymentId, { operationId: randomUUID() }) };
    return last;
  });
}

async function end(service: TestService, call: Call, followUp: FollowUp): Promise<Ending> {
  try {
    const { state, replayed } = await ask(service, call.kind, followUp, {
      amount: eur(call.amountMinor),
      keepOpen: call.keepOpen,
    });
    return { call, kind: KINDS[state] ?? 'open', code: undefined, replayed };
  } catch (error) {
    if (!isServiceError(error)) throw error;
    return { call, kind: 'refused', code: fromServiceError(error).code, replayed: false };
  }
}

const KINDS: Readonly<Partial<Record<OperationState, Ending['kind']>>> = {
  [OperationState.OPERATION_STATE_SUCCEEDED]: 'succeeded',
  [OperationState.OPERATION_STATE_DECLINED]: 'declined',
};

/** What each key was told: whoever was told an outcome counts, since a repeated key may be told "in progress". */
function toldOf(endings: readonly (Ending & { operationId: string })[]): Told[] {
  const byKey = Map.groupBy(endings, ({ operationId }) => operationId);
  return [...byKey].flatMap(([operationId, own]): Told[] => {
    const answered = own.filter(({ kind }) => kind !== 'refused');
    // In progress with nobody to finish it would be a loss; the books show whether it was begun.
    if (answered.length === 0)
      return own.some(({ code }) => code === 'in_progress')
        ? [{ operationId, answer: 'open' }]
        : [{ operationId, answer: 'refused' }];
    return answered.map(({ kind, call: { amountMinor } }) => ({ operationId, answer: kind, amountMinor }));
  });
}
