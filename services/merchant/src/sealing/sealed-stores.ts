import type { Context } from '../context.ts';
import { resealCredentials } from '../provider-accounts/reseal-credentials.ts';
import { resealWebhookSecrets } from '../webhook-endpoints/reseal-webhook-secrets.ts';

/** A table of sealed values, with `merchant_id` and `data_key_version` in each row. */
export type SealedStore = {
  table: string;
  /** Seals again, with each hotel's newest data key, a batch of what older ones seal. */
  reseal(context: Context): Promise<{ resealed: number }>;
};

/** Everything that data keys seal: a key is destroyed only when none of these names it. A test holds it against the database. */
export const SEALED_STORES: readonly SealedStore[] = [
  { table: 'provider_account_versions', reseal: resealCredentials },
  { table: 'webhook_endpoint_secrets', reseal: resealWebhookSecrets },
];

/** Seals again what older keys seal, in every store. */
export async function resealAll(context: Context): Promise<{ resealed: number }> {
  let resealed = 0;
  for (const store of SEALED_STORES) resealed += (await store.reseal(context)).resealed;
  return { resealed };
}
