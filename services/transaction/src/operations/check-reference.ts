import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { isFirst } from '../payments/outcome-transition.ts';
import { reopenAccounts } from '../providers/choose-accounts.ts';
import type { HoldTerms, PaymentStanding } from '../providers/provider.ts';
import type { Operation } from './operation.ts';

/** What the provider tells of an object that a person named. */
export type SeenThere = { hold?: HoldTerms; amountMinor?: bigint };

/**
 * Holds a reference that a person typed against what is known: no other payment may have it, and where the provider can be
 * asked it must hold or have collected money under it. Of a hold it tells the terms, without which nobody would ever end it.
 * Refuses with validation_failed or state_conflict.
 */
export async function checkReference(
  context: Context,
  operation: Operation,
  providerReference: string,
): Promise<SeenThere> {
  const { rowCount } = await context.pool.query({
    name: 'reference-of-another',
    text: `
      select from provider_references r join payments p on p.merchant_id = r.merchant_id and p.id = r.payment_id
       where r.provider_reference = $3 and p.provider_account_id = $4 and (p.merchant_id, p.id) <> ($1, $2)
      union all
      select from operations where provider_reference = $3 and provider_account_id = $4 and kind = 'refund'
                               and (merchant_id, id) <> ($1, $5)`,
    values: [
      operation.merchantId,
      operation.payment.id,
      providerReference,
      operation.providerAccountId,
      operation.id,
    ],
  });
  if (rowCount !== 0)
    throw new AppError('validation_failed', {
      errors: [{ field: 'provider_reference', reason: 'belongs to another payment or refund' }],
    });
  // What follows a payment is a step of it, or an object that only its own lookup finds; the sweeper has tried that.
  if (!isFirst(operation)) return {};
  const standing = await ask(context, operation, providerReference);
  return standing === undefined ? {} : seen(operation, standing);
}

async function ask(
  context: Context,
  operation: Operation,
  reference: string,
): Promise<PaymentStanding | undefined> {
  const { provider: account } = await reopenAccounts(context, operation).catch(() => ({
    // Gone, or not to be had now: then only the person can tell.
    provider: undefined,
  }));
  if (account === undefined) return undefined;
  const provider = context.providers.choose(account.provider);
  return await provider.standing(account, reference, operation.payment.money.currency);
}

function seen(operation: Operation, standing: PaymentStanding): SeenThere {
  const expected = operation.kind === 'sale' ? 'captured' : 'held';
  if (standing.state !== expected)
    throw new AppError('state_conflict', {
      detail: `The provider says that this payment is ${standing.state}, not ${expected}.`,
    });
  const amountMinor = operation.kind === 'sale' ? standing.capturedMinor : standing.authorizedMinor;
  const isLess = amountMinor < operation.money.amountMinor;
  if (
    amountMinor > operation.money.amountMinor ||
    (isLess && operation.options.allowPartialApproval !== true)
  )
    throw new AppError('state_conflict', { detail: 'The provider names another amount for this payment.' });
  return { amountMinor, ...(standing.hold === undefined ? {} : { hold: standing.hold }) };
}
