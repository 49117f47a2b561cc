import type { Money } from '@centra/money/money.ts';
import type { Context } from '../context.ts';
import { redeemQuote } from '../quotes/redeem-quote.ts';
import type { ReplyKey } from '../replies/reply-writer.ts';

/** What a payment costs, and by which quote; empty texts without one. */
export type Price = { money: Money; quoteId: string; quoteHash: string };

type Asked = {
  quote_id?: string | undefined;
  amount?: number | undefined;
  currency?: string | undefined;
};

/**
 * What the payment costs. `quote_expired` (409, with the new quote) when the quote no longer holds and `quote_mismatch`
 * (422) when amount or currency are given and are not the quote's. A repeated request gets the price of the first one,
 * also after the quote lapsed: whether it may still be paid was decided then, and transaction knows how it ended.
 */
export async function priceOf(context: Context, key: ReplyKey, asked: Asked): Promise<Price> {
  const { quote_id: quoteId } = asked;
  if (quoteId === undefined) return plainPrice(asked);
  const known = await readPrice(context, key);
  if (known !== undefined) return known;
  const { merchantId, mode } = key;
  const amountMinor = asked.amount === undefined ? undefined : BigInt(asked.amount);
  const amount = { amountMinor, currency: asked.currency };
  const { money, hash } = await redeemQuote(context, { merchantId, mode, quoteId, amount });
  const price = { money, quoteId, quoteHash: hash };
  if (await keepPrice(context, key, price)) return price;
  // An equal request was first; its price is the one that transaction knows.
  return (await readPrice(context, key)) ?? price;
}

function plainPrice({ amount, currency }: Asked): Price {
  if (amount === undefined || currency === undefined)
    throw new Error('a payment without a quote was let through without amount and currency');
  return { money: { amountMinor: BigInt(amount), currency }, quoteId: '', quoteHash: '' };
}

type PriceRow = { quote_id: string; amount_minor: bigint; currency: string; quote_hash: string };

async function readPrice(context: Context, key: ReplyKey): Promise<Price | undefined> {
  const { rows } = await context.pool.query<PriceRow>({
    name: 'read_quoted_price',
    text: `select quote_id, amount_minor, currency, quote_hash from quoted_operations
            where merchant_id = $1 and operation_id = $2 and fingerprint = $3`,
    values: [key.merchantId, key.operationId, key.fingerprint],
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  const money = { amountMinor: row.amount_minor, currency: row.currency };
  return { money, quoteId: row.quote_id, quoteHash: row.quote_hash };
}

/** Whether this price is the first that was kept for the operation. */
async function keepPrice(context: Context, key: ReplyKey, price: Price): Promise<boolean> {
  const { rowCount } = await context.pool.query({
    name: 'keep_quoted_price',
    // Unlike a stored reply it cannot be derived again, so this commit is durable although the pool's are not.
    text: `with durable as materialized (select set_config('synchronous_commit', 'on', true))
           insert into quoted_operations
             (merchant_id, operation_id, fingerprint, quote_id, amount_minor, currency, quote_hash)
           select $1, $2, $3, $4, $5, $6, $7 from durable
           on conflict do nothing`,
    values: [
      key.merchantId,
      key.operationId,
      key.fingerprint,
      price.quoteId,
      price.money.amountMinor,
      price.money.currency,
      price.quoteHash,
    ],
  });
  return rowCount === 1;
}
