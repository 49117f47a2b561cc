import { json, problem } from '@centra/service-kit/openapi-parts.ts';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { z } from 'zod';
import { refusals } from '../openapi-parts.ts';
import { quoteSchema } from './quote.ts';
import type { QuoteJson } from './quote.ts';
import { quoteRequestSchema } from './quote-request.ts';

const line = { quantity: 1, nights: 3, included: false };
const quote: QuoteJson = {
  id: 'quo_01jd4qv8e2f5tb3y9k7m1n6p0r',
  object: 'quote',
  mode: 'test',
  hash: '3b1f0c7a5e9d2846f0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607',
  pricing_version: '2026-01',
  currency: 'EUR',
  amount: 36_750,
  amount_subtotal: 36_000,
  amount_discount: 0,
  amount_tax: 4_023,
  lines: [
    {
      kind: 'item',
      code: 'room.double',
      description: 'Double room',
      unit_amount: 12_000,
      amount: 36_000,
      ...line,
    },
    { kind: 'tax', code: 'city', description: 'City tax', unit_amount: 250, amount: 750, ...line },
    {
      kind: 'tax',
      code: 'vat',
      description: 'VAT 10 %',
      quantity: 1,
      nights: 0,
      unit_amount: 3_273,
      amount: 3_273,
      included: true,
    },
  ],
  items: [{ item: 'room.double', quantity: 1, check_in: '2026-03-01', check_out: '2026-03-04' }],
  discount_codes: [],
  guests: 1,
  expires_at: '2026-03-01T10:00:00.000Z',
  created_at: '2026-03-01T09:30:00.000Z',
};
const content = { 'application/json': { schema: quoteSchema, example: quote } };

/** The routes of quotes, for the OpenAPI document. */
export const quotePaths: ZodOpenApiPathsObject = {
  '/v1/quotes': {
    post: {
      operationId: 'createQuote',
      summary: 'Ask for a price',
      description:
        'Prices items by the hotel’s pricing and promises the price for a while. Give `quote_id` when you create the ' +
        'payment: it is then made at this price, or refused with the new one.',
      tags: ['Quotes'],
      requestBody: json(quoteRequestSchema),
      responses: {
        '201': {
          description: 'The price, which holds until `expires_at`',
          headers: z.object({ Location: z.string() }),
          content,
        },
        '400': problem(['validation_failed', 'malformed_json']),
        ...refusals,
        '413': problem(['payload_too_large']),
        '415': problem(['unsupported_media_type']),
        '422': problem(['quote_not_priced', 'card_data_not_allowed']),
      },
    },
  },
  '/v1/quotes/{id}': {
    get: {
      operationId: 'getQuote',
      summary: 'Get a quote',
      description:
        'Also after it lapsed, for 90 days. Another hotel’s quote is 404, like one that does not exist.',
      tags: ['Quotes'],
      requestParams: { path: z.object({ id: z.string().meta({ example: quote.id }) }) },
      responses: {
        '200': { description: 'The quote as it was made', content },
        '400': problem(['validation_failed']),
        ...refusals,
        '404': problem(['not_found']),
        '422': problem(['card_data_not_allowed']),
      },
    },
  },
};
