import { AppError } from '@centra/service-kit/errors.ts';
import type { Mode } from '../entities.ts';
import type { Transaction } from '../tenant.ts';

// Whoever needs more has a table of exceptions, not rules; and each payment looks at all of them.
export const RULES_MAX = 100;

/** The ids of the mode's rules in their order. The caller holds the hotel's lock. */
export async function orderedIds(tx: Transaction, merchantId: string, mode: Mode): Promise<string[]> {
  const rows = await tx.execute<{ id: string }[]>(
    'select id from routing_rules where merchant_id = ? and mode = ? order by position',
    [merchantId, mode],
  );
  return rows.map(({ id }) => id);
}

/** The ids with one of them at that place, counted from 1; a place past the end is the end. */
export function placedAt(ids: readonly string[], id: string, position: number | undefined): string[] {
  const others = ids.filter((other) => other !== id);
  return others.toSpliced((position ?? others.length + 1) - 1, 0, id);
}

/** Writes the order: the first id gets 1. Rules that keep their place are not touched. */
export async function writeOrder(
  tx: Transaction,
  merchantId: string,
  mode: Mode,
  ids: readonly string[],
): Promise<void> {
  await tx.execute(
    `update routing_rules as r set position = o.position, updated_at = now()
       from (select id::uuid, ordinality::integer as position
               from jsonb_array_elements_text(?::jsonb) with ordinality as listed (id, ordinality)) as o
      where r.merchant_id = ? and r.mode = ? and r.id = o.id and r.position <> o.position`,
    [JSON.stringify(ids), merchantId, mode],
  );
}

/** 409 when the mode has as many rules as it may. */
export function requireRoom(ids: readonly string[]): void {
  if (ids.length >= RULES_MAX)
    throw new AppError('state_conflict', { detail: `A mode has at most ${RULES_MAX} routing rules.` });
}
