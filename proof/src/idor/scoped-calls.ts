import { randomUUID } from 'node:crypto';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { TransactionServiceClient } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { CertifiedName } from '@centra/testkit/certificates.ts';
import { ends } from './attempt.ts';
import type { Attempt, Case, Seen } from './attempt.ts';
import { asService, between } from './calls.ts';
import type { asking } from './calls.ts';
import type { World } from './world.ts';

export const NOT_FOUND = ends('NOT_FOUND not_found');
const { MODE_TEST, MODE_LIVE } = Mode;

/** The hotel and mode that the calling service says it asks for. */
export type Scope = { merchantId: string; mode: Mode };
type Options = Parameters<typeof asking>[2];
export type Ask = (
  client: TransactionServiceClient,
  scope: Scope,
  world: World,
  options: Options,
) => Promise<Seen>;

type Told = { judge?: Attempt['judge']; callers?: readonly CertifiedName[]; acts?: true };

/** Asked for the intruder in both modes, for the owner in the other mode, and for a hotel that is none. */
export function scoped(
  method: string,
  ask: Ask,
  { judge = NOT_FOUND, callers = ['payment-api'], acts }: Told = {},
  more: readonly Attempt[] = [],
): Case {
  const scopes: readonly [string, (world: World) => Scope][] = [
    ['for another hotel', ({ intruder }) => ({ merchantId: intruder.merchantId, mode: MODE_TEST })],
    [
      'for another hotel in live mode',
      ({ intruder }) => ({ merchantId: intruder.merchantId, mode: MODE_LIVE }),
    ],
    ['for the owner in the other mode', ({ owner }) => ({ merchantId: owner.merchantId, mode: MODE_LIVE })],
    ['for a hotel that is none', () => ({ merchantId: randomUUID(), mode: MODE_TEST })],
  ];
  const attempts = scopes.map(([name, scope]): Attempt => ({
    name,
    ask: async (world) => await asked(world, ask, scope(world)),
    judge,
    ...(acts === true ? { acts } : {}),
  }));
  return between(`centra.transaction.v1.TransactionService/${method}`, callers, [...attempts, ...more]);
}

/** Asked for that hotel by that service. */
export async function asked(
  world: World,
  ask: Ask,
  scope: Scope,
  caller: CertifiedName = 'payment-api',
): Promise<Seen> {
  return await ask(world.clients(caller).transaction, scope, world, asService());
}
