import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { PaymentServiceClient, PaymentServiceService } from '@centra/proto/centra/payment/v1/payment.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { callUnary, fromServiceError, listenGrpc, unary } from '@centra/service-kit/grpc.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import { createContext } from '../context.ts';
import type { Context } from '../context.ts';
import { clientAs, testTls } from '@centra/testkit/test-tls.ts';
import { newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';
import { dayAt } from './calendar-date.ts';
import { SHIPPED_PRICING_FILE, parsePricing } from './pricing-file.ts';
import { quoteSchema } from './quote.ts';
import { redeemQuote } from './redeem-quote.ts';

const SHIPPED = readFileSync(SHIPPED_PRICING_FILE, 'utf8');
const BODY = {
  currency: 'EUR',
  items: [{ item: 'room.double', check_in: '2026-11-01', check_out: '2026-11-04' }],
};
const hotel = newMerchant();
const whose = { merchantId: hotel.merchantId, mode: hotel.mode };

let stand: Stand;
const contexts: Context[] = [];
let context: Context;
before(async () => {
  stand = await startWithDoubles();
  context = contextWith();
});
after(async () => {
  await Promise.all(contexts.map((each) => each.close()));
  await stand.close();
});

/** Another process of the service, whose pricing file has one text replaced by another. */
function contextWith(from = '', to = ''): Context {
  assert.ok(SHIPPED.includes(from), from);
  return contextOfFile(SHIPPED.replace(from, to));
}

function contextOfFile(text: string): Context {
  const pricing = parsePricing(Buffer.from(text));
  const made = createContext({ ...stand.config, pricing }, { log: createLog('payment-api', 'silent') });
  contexts.push(made);
  return made;
}

async function newQuote(body: unknown = BODY) {
  const answer = await stand.call('/v1/quotes', { method: 'POST', as: hotel, body });
  assert.equal(answer.status, 201, answer.bytes.toString());
  return quoteSchema.parse(answer.json());
}

/** Lets the quote lapse: its times are moved, since the database's clock cannot be. */
async function age(id: string, by: string): Promise<void> {
  const { rowCount } = await stand.database.query(
    `update quotes set created_at = created_at - $2::interval, expires_at = expires_at - $2::interval where id = $1`,
    [fromPublicId('quo', id), by],
  );
  assert.equal(rowCount, 1);
}

async function refusalOf(call: Promise<unknown>): Promise<AppError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'the quote was redeemed' });
}

test('a quote that holds gives its amount and hash, as often as it is asked', async () => {
  const quote = await newQuote();
  const expected = { money: { amountMinor: 36_750n, currency: 'EUR' }, hash: quote.hash };
  const amount = { amountMinor: 36_750n, currency: 'EUR' };
  for (const given of [{}, { amount: {} }, { amount }, { amount: { currency: 'EUR' } }])
    assert.deepEqual(await redeemQuote(context, { ...whose, quoteId: quote.id, ...given }), expected);
});

test('quote_mismatch: another amount or currency than the quote’s', async () => {
  const { id: quoteId } = await newQuote();
  for (const amount of [
    { amountMinor: 36_749n },
    { amountMinor: 36_751n, currency: 'EUR' },
    { amountMinor: 36_750n, currency: 'MAD' },
  ])
    assert.equal(
      (await refusalOf(redeemQuote(context, { ...whose, quoteId, amount }))).code,
      'quote_mismatch',
    );
});

test('not_found: another hotel’s, the other mode’s, an unknown and a malformed id', async () => {
  const { id: quoteId } = await newQuote();
  for (const asked of [
    { ...whose, merchantId: newUuid(), quoteId },
    { ...whose, mode: 'live' as const, quoteId },
    { ...whose, quoteId: toPublicId('quo', newUuid()) },
    { ...whose, quoteId: 'quo_1' },
  ]) {
    const refusal = await refusalOf(redeemQuote(context, asked));
    assert.deepEqual([refusal.code, refusal.extra], ['not_found', {}]);
  }
});

test('quote_expired by the database’s clock: refused with a new quote at the same price, which holds', async () => {
  const quote = await newQuote();
  await age(quote.id, '29 minutes');
  await redeemQuote(context, { ...whose, quoteId: quote.id });
  await age(quote.id, '1 minute');
  const refusal = await refusalOf(redeemQuote(context, { ...whose, quoteId: quote.id }));
  assert.equal(refusal.code, 'quote_expired');
  const renewed = quoteSchema.strict().parse(refusal.extra['quote']);
  assert.notEqual(renewed.id, quote.id);
  assert.deepEqual([renewed.amount, renewed.hash], [quote.amount, quote.hash]);
  const { hash } = await redeemQuote(context, { ...whose, quoteId: renewed.id });
  assert.equal(hash, quote.hash);
  const read = await stand.call(`/v1/quotes/${renewed.id}`, { as: hotel });
  assert.deepEqual(read.json(), { ...renewed });
});

test('a pricing that changed meanwhile: refused with the new price, also when it only moved between lines', async () => {
  const quote = await newQuote();
  const dearer = contextWith("EUR: '120.00'", "EUR: '125.00'");
  const refusal = await refusalOf(redeemQuote(dearer, { ...whose, quoteId: quote.id }));
  assert.equal(refusal.code, 'quote_expired');
  const renewed = quoteSchema.parse(refusal.extra['quote']);
  assert.equal(renewed.amount, 3 * 12_500 + 3 * 250);
  assert.notEqual(renewed.hash, quote.hash);
  assert.equal((await redeemQuote(dearer, { ...whose, quoteId: renewed.id })).money.amountMinor, 38_250n);
  // The other way round: this process still has the old file, and does not take the new price for its own.
  assert.equal(
    (await refusalOf(redeemQuote(context, { ...whose, quoteId: renewed.id }))).code,
    'quote_expired',
  );

  const otherTax = contextWith(
    'basis_points: 1000\n      included: true',
    'basis_points: 900\n      included: true',
  );
  assert.equal(
    (await refusalOf(redeemQuote(otherTax, { ...whose, quoteId: quote.id }))).code,
    'quote_expired',
  );
});

test('a new version of the pricing in which this costs the same keeps the promise', async () => {
  const quote = await newQuote();
  const next = contextWith("version: '2026-01'", "version: '2026-02'");
  assert.equal((await redeemQuote(next, { ...whose, quoteId: quote.id })).hash, quote.hash);
  const elsewhere = contextWith("EUR: '90.00'", "EUR: '95.00'");
  assert.equal((await redeemQuote(elsewhere, { ...whose, quoteId: quote.id })).hash, quote.hash);
});

test('what can no longer be priced is refused without a new quote, naming what is gone', async () => {
  const quote = await newQuote({ ...BODY, discount_codes: ['WELCOME'] });
  const without = contextWith('WELCOME', 'GOODBYE');
  const refusal = await refusalOf(redeemQuote(without, { ...whose, quoteId: quote.id }));
  assert.equal(refusal.code, 'quote_expired');
  assert.deepEqual(refusal.extra, { quote: null });
  assert.deepEqual(refusal.errors, [
    { field: 'discount_codes.0', reason: 'is not a discount of the pricing' },
  ]);
  assert.equal(await countOf(quote.hash), 1);
});

test('a code that ends at midnight does not break the promise made before; once that lapsed it is gone', async () => {
  // Two hotels of the same prices whose calendars are always a day apart: where it is still today, and already tomorrow.
  const [today, tomorrow] = ['Etc/GMT+12', 'Pacific/Kiritimati'].map((zone) =>
    SHIPPED.replace('time_zone: Africa/Casablanca', `time_zone: ${zone}`).replace(
      "valid_to: '2026-05-31'",
      `valid_to: '${dayAt(new Date(), 'Etc/GMT+12')}'`,
    ),
  );
  const west = await stand.startAnother({ pricing: parsePricing(Buffer.from(today ?? '')) });
  try {
    const body = { ...BODY, discount_codes: ['SPRING26'] };
    const answer = await stand.call('/v1/quotes', { method: 'POST', as: hotel, body, port: west.httpPort });
    assert.equal(answer.status, 201, answer.bytes.toString());
    const { id: quoteId, hash } = quoteSchema.parse(answer.json());
    const east = contextOfFile(tomorrow ?? '');
    assert.equal((await redeemQuote(east, { ...whose, quoteId })).hash, hash);
    await age(quoteId, '31 minutes');
    const refusal = await refusalOf(redeemQuote(east, { ...whose, quoteId }));
    assert.deepEqual([refusal.code, refusal.extra], ['quote_expired', { quote: null }]);
    assert.equal(refusal.errors[0]?.field, 'discount_codes.0');
  } finally {
    await west.close();
  }
});

test('amount_not_allowed: a quote that comes to nothing cannot be paid', async () => {
  const quote = await newQuote({
    currency: 'EUR',
    items: [{ item: 'breakfast', nights: 1 }],
    discount_codes: ['WELCOME'],
  });
  assert.equal(quote.amount, 0);
  const refusal = await refusalOf(redeemQuote(context, { ...whose, quoteId: quote.id }));
  assert.equal(refusal.code, 'amount_not_allowed');
});

test('the largest refusal still arrives in the trailers of a gRPC call', async () => {
  const items = Array.from({ length: 20 }, (_, index) => ({
    item: 'room.double',
    quantity: 1_000,
    check_in: `2026-06-${String(index + 10)}`,
    check_out: '2027-01-10',
  }));
  const quote = await newQuote({ ...BODY, items });
  assert.equal(quote.lines.length, 63);
  // As many as a pricing with more seasons may make of it.
  const lines = [...quote.lines, ...quote.lines].slice(0, 100);
  const refusing = await listenGrpc(
    [
      {
        definition: PaymentServiceService,
        implementation: {
          getQuote: unary(
            {
              log: context.log,
              metrics: createMetrics('test'),
              name: 'GetQuote',
              callers: ['booking-api'],
            },
            async () => {
              throw new AppError('quote_expired', { extra: { quote: { ...quote, lines } } });
            },
          ),
        },
      },
    ],
    { host: '127.0.0.1', port: 0, tls: testTls('payment-api') },
  );
  const address = `127.0.0.1:${refusing.port}`;
  const client = clientAs('booking-api', PaymentServiceClient, address, 'payment-api');
  try {
    const asked = callUnary(
      client.getQuote.bind(client),
      { currency: 'EUR', items: [], discountCodes: [], guests: 0 },
      { metadata: new Metadata(), deadlineMs: 20_000 },
    );
    const error = fromServiceError(await asked.catch((thrown: unknown) => thrown));
    assert.equal(error.code, 'quote_expired');
    assert.deepEqual(quoteSchema.parse(error.extra['quote']).lines, lines);
  } finally {
    client.close();
    await refusing.close();
  }
});

async function countOf(hash: string): Promise<number> {
  const { rows } = await stand.database.query<{ count: string }>(
    `select count(*) from quotes where hash = decode($1, 'hex')`,
    [hash],
  );
  return Number(rows[0]?.count);
}
