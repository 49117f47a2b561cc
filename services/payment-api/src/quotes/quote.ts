import { z } from 'zod';
import { toJsonAmount } from '@centra/money/money.ts';
import type { Quote as QuoteMessage } from '@centra/proto/centra/payment/v1/payment.ts';
import type { PoolClient } from '@centra/service-kit/database.ts';
import { inTransaction } from '@centra/service-kit/database.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import type { Price } from './price.ts';
import { quoteRequestSchema } from './quote-request.ts';
import type { QuoteRequest } from './quote-request.ts';

const amount = z.int().meta({ description: 'In minor units of `currency`' });

const lineSchema = z.object({
  kind: z.enum(['item', 'discount', 'tax']),
  code: z.string().meta({ description: 'Of the item, discount or tax in the pricing' }),
  description: z.string(),
  quantity: z.int(),
  nights: z.int().meta({ description: 'Nights that the line counts; 0 where it counts none' }),
  unit_amount: amount,
  amount: amount.meta({ description: 'In minor units of `currency`; negative for discounts' }),
  included: z
    .boolean()
    .meta({ description: 'Contained in the prices already, such as a VAT: adds nothing to the total' }),
});

/** The public form of a quote; `toJson` makes it and OpenAPI describes it. */
export const quoteSchema = z
  .object({
    id: z.string(),
    object: z.literal('quote'),
    mode: z.enum(['test', 'live']),
    hash: z
      .string()
      .meta({ description: 'SHA-256 over everything that makes the price; kept with the payment' }),
    pricing_version: z.string(),
    currency: z.string().meta({ description: 'ISO 4217' }),
    amount: amount.meta({
      description: 'What there is to pay: the sum of the lines that are not `included`',
    }),
    amount_subtotal: amount.meta({ description: 'The items before discounts' }),
    amount_discount: amount.meta({ description: 'What discounts take off; not negative' }),
    amount_tax: amount.meta({ description: 'All taxes within `amount`, included and added' }),
    lines: z.array(lineSchema),
    items: z.array(
      z.object({
        item: z.string(),
        quantity: z.int(),
        check_in: z.string().optional(),
        check_out: z.string().optional(),
        nights: z.int().optional(),
      }),
    ),
    discount_codes: z.array(z.string()),
    guests: z.int(),
    expires_at: z.string().meta({ description: 'ISO 8601, UTC; the price holds until then' }),
    created_at: z.string().meta({ description: 'ISO 8601, UTC' }),
  })
  .meta({ id: 'Quote', description: 'A price that holds for a while' });

export type QuoteJson = z.infer<typeof quoteSchema>;

/** A stored quote. */
export type Quote = {
  /** UUID. */
  id: string;
  merchantId: string;
  mode: 'test' | 'live';
  /** Hexadecimal. */
  hash: string;
  pricingVersion: string;
  request: QuoteRequest;
  /** YYYY-MM-DD. */
  pricedOn: string;
  currency: string;
  subtotalMinor: bigint;
  discountMinor: bigint;
  taxMinor: bigint;
  totalMinor: bigint;
  lines: QuoteJson['lines'];
  createdAt: Date;
  expiresAt: Date;
  /** Whether the price is still promised, by the database's clock as it was read. */
  holds: boolean;
};

/**
 * An atomic phase in which only this hotel's quotes exist: row level security is forced, so a statement that forgets the
 * hotel finds nothing. Its commit is durable, although the pool's are not: a promised price cannot be derived again.
 */
export async function inTenant<T>(
  context: Context,
  merchantId: string,
  phase: (client: PoolClient, now: Date) => Promise<T>,
): Promise<T> {
  return await inTransaction(context.pool, async (client) => {
    const { rows } = await client.query<{ now: Date }>({
      name: 'scope_quotes',
      text: `select set_config('centra.merchant_id', $1, true), set_config('synchronous_commit', 'on', true), now() as now`,
      values: [merchantId],
    });
    const now = rows[0]?.now;
    if (now === undefined) throw new Error('the database did not say what time it is');
    return await phase(client, now);
  });
}

const COLUMNS = `id, merchant_id, mode, encode(hash, 'hex') as hash, pricing_version, request, priced_on::text as priced_on,
  currency, subtotal_minor, discount_minor, tax_minor, total_minor, lines, created_at, expires_at, expires_at > now() as holds`;

type NewQuote = Pick<Quote, 'merchantId' | 'mode' | 'hash' | 'pricingVersion' | 'request' | 'pricedOn'> & {
  price: Price;
};

/** Keeps a new quote, which holds from now on for so many minutes. */
export async function insertQuote(
  client: PoolClient,
  quote: NewQuote,
  lifetimeMinutes: number,
): Promise<Quote> {
  const { price } = quote;
  const { rows } = await client.query<QuoteRow>({
    name: 'insert_quote',
    text: `insert into quotes (id, merchant_id, mode, hash, pricing_version, request, priced_on, currency, subtotal_minor,
             discount_minor, tax_minor, total_minor, lines, expires_at)
           values ($1, $2, $3, decode($4, 'hex'), $5, $6, $7, $8, $9, $10, $11, $12, $13, now() + make_interval(mins => $14))
           returning ${COLUMNS}`,
    values: [
      newUuid(),
      quote.merchantId,
      quote.mode,
      quote.hash,
      quote.pricingVersion,
      JSON.stringify(quote.request),
      quote.pricedOn,
      quote.request.currency,
      price.subtotalMinor,
      price.discountMinor,
      price.taxMinor,
      price.totalMinor,
      JSON.stringify(price.lines.map(toLineJson)),
      lifetimeMinutes,
    ],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('a quote was not inserted');
  return toQuote(row);
}

/** The hotel's quote in this mode; undefined when it has none of that id. */
export async function selectQuote(
  client: PoolClient,
  key: { merchantId: string; mode: string; id: string },
): Promise<Quote | undefined> {
  const { rows } = await client.query<QuoteRow>({
    name: 'select_quote',
    text: `select ${COLUMNS} from quotes where merchant_id = $1 and id = $2 and mode = $3`,
    values: [key.merchantId, key.id, key.mode],
  });
  return rows[0] === undefined ? undefined : toQuote(rows[0]);
}

type QuoteRow = {
  id: string;
  merchant_id: string;
  mode: 'test' | 'live';
  hash: string;
  pricing_version: string;
  request: unknown;
  priced_on: string;
  currency: string;
  subtotal_minor: bigint;
  discount_minor: bigint;
  tax_minor: bigint;
  total_minor: bigint;
  lines: unknown;
  created_at: Date;
  expires_at: Date;
  holds: boolean;
};

function toQuote(row: QuoteRow): Quote {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    mode: row.mode,
    hash: row.hash,
    pricingVersion: row.pricing_version,
    request: quoteRequestSchema.parse(row.request),
    pricedOn: row.priced_on,
    currency: row.currency,
    subtotalMinor: row.subtotal_minor,
    discountMinor: row.discount_minor,
    taxMinor: row.tax_minor,
    totalMinor: row.total_minor,
    lines: z.array(lineSchema).parse(row.lines),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    holds: row.holds,
  };
}

function toLineJson(line: Price['lines'][number]): QuoteJson['lines'][number] {
  const { kind, code, description, quantity, nights, unitMinor, amountMinor, included } = line;
  return {
    kind,
    code,
    description,
    quantity,
    nights,
    unit_amount: toJsonAmount(unitMinor),
    amount: toJsonAmount(amountMinor),
    included,
  };
}

/** A quote in its public form. */
export function toJson(quote: Quote): QuoteJson {
  const { items, discount_codes, guests } = quote.request;
  return {
    id: toPublicId('quo', quote.id),
    object: 'quote',
    mode: quote.mode,
    hash: quote.hash,
    pricing_version: quote.pricingVersion,
    currency: quote.currency,
    amount: toJsonAmount(quote.totalMinor),
    amount_subtotal: toJsonAmount(quote.subtotalMinor),
    amount_discount: toJsonAmount(quote.discountMinor),
    amount_tax: toJsonAmount(quote.taxMinor),
    lines: quote.lines,
    items,
    discount_codes,
    guests,
    expires_at: quote.expiresAt.toISOString(),
    created_at: quote.createdAt.toISOString(),
  };
}

/** The same for gRPC. */
export function toMessage(quote: Quote): QuoteMessage {
  return {
    quoteId: toPublicId('quo', quote.id),
    hash: quote.hash,
    pricingVersion: quote.pricingVersion,
    total: { amountMinor: quote.totalMinor, currency: quote.currency },
    subtotalMinor: quote.subtotalMinor,
    discountMinor: quote.discountMinor,
    taxMinor: quote.taxMinor,
    lines: quote.lines.map(({ unit_amount: unit, amount: whole, ...line }) => ({
      ...line,
      unitMinor: BigInt(unit),
      amountMinor: BigInt(whole),
    })),
    expiresAt: quote.expiresAt,
    createdAt: quote.createdAt,
  };
}
