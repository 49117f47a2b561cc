import type { Context } from '../context.ts';
import { destroyUnusedDataKeys, rotateDataKeys } from '../sealing/rotate-data-keys.ts';
import { resealCredentials } from './reseal-credentials.ts';

/** One round of the loop: replace keys that are due, seal again what old ones seal, destroy those that seal nothing. */
export async function maintainDataKeys(context: Context): Promise<{ more: boolean }> {
  const { rotated } = await rotateDataKeys(context);
  const { resealed } = await resealCredentials(context);
  const { destroyed } = await destroyUnusedDataKeys(context);
  if (rotated + resealed + destroyed > 0)
    context.log.info({ rotated, resealed, destroyed }, 'data keys maintained');
  return { more: rotated + resealed + destroyed > 0 };
}
