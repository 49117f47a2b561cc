import { startLoop } from '@centra/service-kit/loop.ts';
import type { Loop } from '@centra/service-kit/loop.ts';
import type { Context } from '../context.ts';

const BATCH = 16;
const INTERVAL_MS = 1_000;
// A vault that is away is asked again after this; the card was charged, so nobody waits for it.
const RETRY_MS = 30_000;

type Due = {
  merchant_id: string;
  id: string;
  mode: 'test' | 'live';
  card_token: string;
  vault_account_id: string;
  vault_account_version: number;
  request_id: string;
};

/** Tells the card vault to forget the security code of every card that was charged (PCI DSS 3.3.1). */
export function startServiceCodeWiper(context: Context): Loop {
  const options = { name: 'wipe-service-codes', intervalMs: INTERVAL_MS, log: context.log };
  return startLoop(options, async () => ({ more: (await wipeServiceCodes(context)) === BATCH }));
}

/** One round; answers how many cards it took. */
export async function wipeServiceCodes(context: Context): Promise<number> {
  // due_at is free for this use once an operation is finished, and keeps other sweepers off meanwhile.
  const { rows } = await context.pool.query<Due>({
    name: 'claim-service-codes',
    text: `
      with due as (
        select merchant_id, id from operations where service_code_wipe = 'due' and due_at <= now()
         order by due_at limit $1 for update skip locked
      )
      update operations o set due_at = now() + make_interval(secs => $2::float8 / 1000)
        from due, payments p
       where o.merchant_id = due.merchant_id and o.id = due.id and p.merchant_id = o.merchant_id and p.id = o.payment_id
      returning o.merchant_id, o.id, p.mode, o.card_token, o.vault_account_id, o.vault_account_version, o.request_id`,
    values: [BATCH, RETRY_MS],
  });
  await Promise.all(rows.map(async (due) => await wipe(context, due)));
  return rows.length;
}

async function wipe(context: Context, due: Due): Promise<void> {
  try {
    const selector = { id: due.vault_account_id, version: due.vault_account_version };
    const account = await context.accounts.find(due.merchant_id, due.mode, selector, due.request_id);
    // An account whose secrets are destroyed can reach no card any more; nor can the wipe.
    const isGone =
      account === undefined || (await context.providers.vault(account).wipeServiceCode(due.card_token));
    if (isGone)
      await context.pool.query(
        `update operations set service_code_wipe = 'done' where merchant_id = $1 and id = $2`,
        [due.merchant_id, due.id],
      );
  } catch (error) {
    context.log.warn({ err: error, operationId: due.id }, 'a security code is not wiped yet');
  }
}
