import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';

export const hotelChoice = {
  merchant_id: z.string().max(64).optional().meta({
    description:
      'The hotel that the tokens are for. Without it: the only one that lets the person in, else none.',
    example: 'mer_01jd0000000000000000000000',
  }),
  mode: z
    .enum(['test', 'live'])
    .optional()
    .meta({ description: 'Whether money really moves', example: 'test' }),
};

export type Chooser = {
  userId: string;
  /** Whether a second factor was proved in the session. */
  factorProved: boolean;
};

type Door = { merchantId: string; suspended: boolean; factorMissing: boolean };

const DOORS = `
  select member.merchant_id as "merchantId",
    member.suspended_at is not null or access.suspended_at is not null as suspended,
    coalesce(access.second_factor_required, false) and not ?::boolean as "factorMissing"
  from members as member left join merchant_access as access using (merchant_id)
  where member.user_id = ?`;

/** The UUID of the hotel that was asked for; `not_found` for what is no id of one, like for a hotel that is not theirs. */
export function hotelIdOf(merchantId: string | undefined): string | undefined {
  if (merchantId === undefined) return undefined;
  const id = fromPublicId('mer', merchantId);
  if (id === undefined) throw new AppError('not_found');
  return id;
}

/**
 * Passes when the hotel lets the person in. `not_found` when they do not belong there, `access_suspended` and
 * `second_factor_required` when they do but may not enter.
 */
export async function enterHotel(tx: EntityManager, chooser: Chooser, merchantId: string): Promise<void> {
  const [door] = await tx.execute<Door[]>(`${DOORS} and member.merchant_id = ?`, [
    chooser.factorProved,
    chooser.userId,
    merchantId,
  ]);
  if (door === undefined) throw new AppError('not_found');
  if (door.suspended) throw new AppError('access_suspended');
  if (door.factorMissing) throw new AppError('second_factor_required');
}

/** The hotel where the person was, if it still lets them in; else the only one that does; else none. */
export async function onlyHotel(
  tx: EntityManager,
  chooser: Chooser,
  current: string | null,
): Promise<string | null> {
  // Two are enough to know that there is not only one.
  const open = await tx.execute<Door[]>(
    `select * from (${DOORS}) as door where not suspended and not "factorMissing"
     order by "merchantId" = ?::uuid desc nulls last limit 2`,
    [chooser.factorProved, chooser.userId, current],
  );
  const [first, second] = open;
  if (first === undefined) return null;
  return second === undefined || first.merchantId === current ? first.merchantId : null;
}
