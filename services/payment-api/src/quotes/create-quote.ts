import type { RequestHandler } from 'express';
import type { GetQuoteRequest, Quote as QuoteMessage } from '@centra/proto/centra/payment/v1/payment.ts';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import type { PoolClient } from '@centra/service-kit/database.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { identityOf, parseWith, refuseQuery } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { authenticateCall } from '../payments/authenticate-call.ts';
import { dayAt } from './calendar-date.ts';
import { price } from './price.ts';
import { pricingOf } from './pricing-file.ts';
import { inTenant, insertQuote, toJson, toMessage } from './quote.ts';
import type { Quote } from './quote.ts';
import { hashOf } from './quote-hash.ts';
import { quoteRequestSchema } from './quote-request.ts';
import type { QuoteRequest } from './quote-request.ts';

/** Whose price it is. */
export type Whose = { merchantId: string; mode: 'test' | 'live' };

/** `POST /v1/quotes`. It takes no Idempotency-Key: a quote moves no money, and one too many only lapses. */
export function createQuote(context: Context): RequestHandler {
  return async (request, response) => {
    refuseQuery(request);
    const asked = parseWith(quoteRequestSchema, request.body);
    const quote = await makeQuote(context, identityOf(request), asked);
    const json = toJson(quote);
    response.status(201).setHeader('location', `/v1/quotes/${json.id}`).json(json);
  };
}

/** `PaymentService.GetQuote` */
export function getQuoteCall(context: Context) {
  return async (request: GetQuoteRequest, call: CallContext): Promise<QuoteMessage> => {
    const identity = await authenticateCall(context, call, 'payments:write');
    const body = toBody(request);
    refuseCardData(body);
    return toMessage(await makeQuote(context, identity, parseWith(quoteRequestSchema, body)));
  };
}

async function makeQuote(context: Context, whose: Whose, asked: QuoteRequest): Promise<Quote> {
  return await inTenant(
    context,
    whose.merchantId,
    async (client, now) => await quoteNow(context, client, whose, asked, now),
  );
}

/** Prices a request as of today and keeps it. `now` is the database's. */
export async function quoteNow(
  context: Context,
  client: PoolClient,
  { merchantId, mode }: Whose,
  request: QuoteRequest,
  now: Date,
): Promise<Quote> {
  const { pricing, quoteLifetimeMinutes } = context.config;
  const hotel = pricingOf(pricing, merchantId);
  const pricedOn = dayAt(now, hotel.time_zone);
  const priced = price(hotel, request, pricedOn);
  const hash = hashOf({ merchantId, mode }, request, priced);
  return await insertQuote(
    client,
    { merchantId, mode, hash, pricingVersion: pricing.version, request, pricedOn, price: priced },
    quoteLifetimeMinutes,
  );
}

/** The request as the HTTP contract writes it: proto3 cannot tell "nothing" from an empty text or 0. */
function toBody(request: GetQuoteRequest): unknown {
  return {
    currency: request.currency,
    items: request.items.map(({ item, quantity, checkIn, checkOut, nights }) => ({
      item,
      quantity: quantity || undefined,
      check_in: checkIn || undefined,
      check_out: checkOut || undefined,
      nights: nights || undefined,
    })),
    discount_codes: request.discountCodes,
    guests: request.guests || undefined,
  };
}
