import type { Money } from '@centra/money/money.ts';
import type { PoolClient } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { quoteNow } from './create-quote.ts';
import type { Whose } from './create-quote.ts';
import { price } from './price.ts';
import { pricingOf } from './pricing-file.ts';
import { inTenant, selectQuote, toJson } from './quote.ts';
import type { Quote } from './quote.ts';
import { hashOf } from './quote-hash.ts';

type Redemption = Whose & {
  /** `quo_…`, as the client sent it. */
  quoteId: string;
  /** What the client says it pays, where it says so. */
  amount?: { amountMinor?: bigint | undefined; currency?: string | undefined };
};

/** What a payment by this quote costs, and the hash that is kept with the payment. */
export type Redeemed = { money: Money; hash: string };

/**
 * Holds a quote to its word: the price, if it was promised until now (by the database's clock) and the pricing that runs
 * here still gives it. Changes nothing, so it may be repeated, and a quote may be paid for in several tries. Throws AppError:
 * - `not_found`: no quote of this hotel in this mode, or no id of one
 * - `quote_expired`: lapsed, or the pricing changed; `quote` is the new one, or null when that can no longer be priced
 * - `quote_mismatch`: the given amount or currency is not the quote's
 * - `amount_not_allowed`: there is nothing to pay
 */
export async function redeemQuote(context: Context, redemption: Redemption): Promise<Redeemed> {
  const { merchantId, mode, quoteId, amount = {} } = redemption;
  const id = fromPublicId('quo', quoteId);
  if (id === undefined) throw new AppError('not_found', { detail: 'There is no such quote.' });
  const outcome = await inTenant(context, merchantId, async (client, now) => {
    const quote = await selectQuote(client, { merchantId, mode, id });
    if (quote === undefined) return new AppError('not_found', { detail: 'There is no such quote.' });
    if (quote.holds && stillCosts(context, quote)) return quote;
    // Returned, not thrown: a throw would roll the new quote back.
    return await refuseWithNew(context, client, quote, now);
  });
  if (outcome instanceof AppError) throw outcome;
  requireMatch(outcome, amount);
  return { money: { amountMinor: outcome.totalMinor, currency: outcome.currency }, hash: outcome.hash };
}

/**
 * Whether the pricing of this process gives the same price as when it was promised. Codes count as of the day of the quote:
 * midnight does not break a promise of half an hour.
 */
function stillCosts(context: Context, quote: Quote): boolean {
  const hotel = pricingOf(context.config.pricing, quote.merchantId);
  try {
    return hashOf(quote, quote.request, price(hotel, quote.request, quote.pricedOn)) === quote.hash;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}

async function refuseWithNew(
  context: Context,
  client: PoolClient,
  quote: Quote,
  now: Date,
): Promise<AppError> {
  try {
    const renewed = await quoteNow(context, client, quote, quote.request, now);
    return new AppError('quote_expired', { extra: { quote: toJson(renewed) } });
  } catch (error) {
    // An item or a code that is gone: there is no new price, and the client is told which.
    if (!(error instanceof AppError)) throw error;
    return new AppError('quote_expired', {
      detail: error.detail ?? 'What the quote was for can no longer be priced.',
      errors: error.errors,
      extra: { quote: null },
      cause: error,
    });
  }
}

function requireMatch(quote: Quote, { amountMinor, currency }: NonNullable<Redemption['amount']>): void {
  if (currency !== undefined && currency !== quote.currency) throw new AppError('quote_mismatch');
  if (amountMinor !== undefined && amountMinor !== quote.totalMinor) throw new AppError('quote_mismatch');
  if (quote.totalMinor === 0n)
    throw new AppError('amount_not_allowed', {
      detail: 'The quote comes to nothing; there is nothing to pay.',
    });
}
