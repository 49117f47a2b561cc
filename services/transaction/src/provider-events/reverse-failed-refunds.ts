import type { Context } from '../context.ts';
import { findOperation, toFollowUpAttempt } from '../operations/operation.ts';
import { reverseRefund } from '../payments/corrections.ts';
import { originOf } from './pending-event.ts';
import type { Matched } from './reconcile-payment.ts';

/** How many refunds were taken back, or why that is not known yet. */
export type Reversed = { kind: 'reversed'; count: number } | { kind: 'waiting'; reason: string };

// A payment has a handful of refunds, and the newest are those that banks send back.
const REFUNDS_MAX = 20;

/**
 * Asks the provider about refunds that we count as done, and takes back those that it now calls failed: banks return money
 * days later. `refundReference` narrows it to one.
 */
export async function reverseFailedRefunds(
  context: Context,
  matched: Matched,
  refundReference?: string,
): Promise<Reversed> {
  const { payment, provider, account, event } = matched;
  if (!provider.capabilities.lookupByReference) return { kind: 'reversed', count: 0 };
  let count = 0;
  for (const operationId of await settledRefunds(context, matched, refundReference)) {
    const known = await findOperation(context, payment.merchantId, operationId);
    if (known === undefined) continue;
    const found = await provider.lookupFollowUp(
      toFollowUpAttempt({ ...known.operation, kind: 'refund' }, account),
    );
    if (found.kind === 'unknown')
      return { kind: 'waiting', reason: `a refund cannot be asked about: ${found.reason}` };
    if (found.kind !== 'declined') continue;
    const target = { merchantId: payment.merchantId, operationId };
    if ((await reverseRefund(context, target, found.failure, originOf(event))) === 'superseded')
      return { kind: 'waiting', reason: 'the payment changed while the provider was asked' };
    count += 1;
  }
  return { kind: 'reversed', count };
}

async function settledRefunds(
  context: Context,
  { payment, event }: Matched,
  refundReference: string | undefined,
): Promise<string[]> {
  const { rows } = await context.pool.query<{ id: string }>({
    name: 'settled-refunds',
    text: `
      select id from operations
       where merchant_id = $1 and payment_id = $2 and kind = 'refund' and state = 'succeeded'
         and ($3::text is null or provider_reference = $3 or id::text = $4)
       order by created_at desc limit $5`,
    values: [
      payment.merchantId,
      payment.id,
      refundReference ?? null,
      event.fact.operationId ?? null,
      REFUNDS_MAX,
    ],
  });
  return rows.map(({ id }) => id);
}
