import type { Context } from '../context.ts';
import { rewrapDataKeys } from '../sealing/rewrap-data-keys.ts';
import { destroyUnusedDataKeys, rotateDataKeys } from '../sealing/rotate-data-keys.ts';
import { resealAll } from '../sealing/sealed-stores.ts';

/**
 * One round of the loop: replace keys that are due, seal again what old ones seal, destroy those that seal nothing, and wrap again
 * those that are left and that an older master key wraps.
 */
export async function maintainDataKeys(context: Context): Promise<{ more: boolean }> {
  const { rotated } = await rotateDataKeys(context);
  const { resealed } = await resealAll(context);
  const { destroyed } = await destroyUnusedDataKeys(context);
  const { rewrapped } = await rewrapDataKeys(context);
  const changed = rotated + resealed + destroyed + rewrapped;
  if (changed > 0) context.log.info({ rotated, resealed, destroyed, rewrapped }, 'data keys maintained');
  return { more: changed > 0 };
}
