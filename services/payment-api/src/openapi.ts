import type { ZodOpenApiPathsObject, ZodOpenApiResponseObject } from 'zod-openapi';
import { z } from 'zod';
import { ERRORS, toProblem, AppError } from '@centra/service-kit/errors.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { problemSchema } from '@centra/service-kit/problem-schema.ts';
import { chargeSchema } from './charges/charge.ts';
import { declineSchema } from './charges/charge-reply.ts';
import { listQuerySchema, paymentListSchema } from './payments/list-payments.ts';
import { paymentSchema } from './payments/payment.ts';
import type { PaymentJson } from './payments/payment.ts';
import { sessionSchema } from './sessions/create-session.ts';

const EXAMPLE_REQUEST_ID = 'req_01jd0000000000000000000000';

const succeeded: PaymentJson = {
  id: 'pay_01jd4qv8e2f5tb3y9k7m1n6p0r',
  object: 'payment',
  mode: 'test',
  status: 'succeeded',
  amount: 12_050,
  currency: 'EUR',
  amount_captured: 12_050,
  amount_refunded: 0,
  provider: 'stripe',
  provider_account: 'pa_01jd4qtq5y8w2s6v0c3x9z1b4d',
  provider_reference: 'pi_3Nq4JvExample',
  card: { brand: 'visa', last4: '4242', expiry_month: 12, expiry_year: 2030 },
  booking_reference: 'BK-20931',
  guest: { name: 'Ada Lovelace', email: 'ada@example.com' },
  description: 'Two nights, half board',
  metadata: { room: '204' },
  failure: null,
  next_action: null,
  created_at: '2026-03-01T09:30:00.000Z',
  updated_at: '2026-03-01T09:30:01.000Z',
};
const open = {
  ...succeeded,
  amount_captured: 0,
  provider_reference: null,
  card: null,
  updated_at: succeeded.created_at,
};
const processing: PaymentJson = { ...open, status: 'processing' };
const requiresAction: PaymentJson = {
  ...open,
  status: 'requires_action',
  next_action: { type: 'redirect', redirect_url: 'https://hooks.stripe.example/3ds/1' },
};
const failure = { code: 'insufficient_funds', message: 'The card has insufficient funds.', retryable: true };
const failed: PaymentJson = { ...succeeded, status: 'failed', amount_captured: 0, failure };

const session: z.infer<typeof sessionSchema> = {
  vault: 'vaultera',
  session_token: '7f1d5c2a9b',
  iframe_url: 'https://pci.vaultera.co/api/v1/capture_form?session_token=7f1d5c2a9b',
  iframe_origin: 'https://pci.vaultera.co',
  expires_at: '2026-03-01T09:45:00.000Z',
};

/** A refusal that several codes share one status for; the first is the example. */
function problem(
  codes: readonly ErrorCode[],
  headers?: ZodOpenApiResponseObject['headers'],
): ZodOpenApiResponseObject {
  const [first] = codes;
  if (first === undefined) throw new Error('a problem response needs a code');
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('\n\n'),
    ...(headers === undefined ? {} : { headers }),
    content: {
      'application/problem+json': {
        schema: problemSchema,
        example: toProblem(new AppError(first), EXAMPLE_REQUEST_ID),
      },
    },
  };
}

const retryAfter = z.object({ 'Retry-After': z.int().meta({ description: 'Seconds to wait' }) });
const replayed = z
  .literal('true')
  .optional()
  .meta({ description: 'Present when this key was used before: nothing ran now' });
const noStore = z.literal('no-store');

/** What every route may refuse with; 400, 404 and 409 differ. */
const refusals = {
  '401': problem(['unauthenticated']),
  '403': problem(['forbidden']),
  '405': problem(['method_not_allowed'], z.object({ Allow: z.string() })),
  '429': problem(['too_many_requests'], retryAfter),
  '500': problem(['internal']),
  '503': problem(['unavailable'], retryAfter),
};
const security = [{ apiKey: [] }];

/** The routes of this service, for the OpenAPI document that the gateway serves. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/session': {
    get: {
      operationId: 'createSession',
      summary: 'Open a card capture session',
      description: 'A one-off form of the card vault for the browser. Needs the scope `payments:write`.',
      tags: ['Charges'],
      security,
      responses: {
        '200': {
          description: 'Show `iframe_url` to the guest',
          headers: z.object({ 'Cache-Control': noStore }),
          content: { 'application/json': { schema: sessionSchema, example: session } },
        },
        '400': problem(['validation_failed']),
        ...refusals,
        '422': problem([
          'provider_account_missing',
          'provider_credentials_rejected',
          'card_data_not_allowed',
        ]),
        '503': problem(['unavailable', 'provider_unreachable'], retryAfter),
      },
    },
  },
  '/v1/charge': {
    post: {
      operationId: 'createCharge',
      summary: 'Charge a captured card',
      description:
        'Collects an amount from a card token in one call. Needs the scope `payments:write`.\n\n' +
        'Repeat a request whose answer you did not get with the same `Idempotency-Key`: it never charges twice, and a ' +
        'finished charge answers with the same bytes for 30 days.',
      tags: ['Charges'],
      security,
      requestParams: {
        header: z.object({
          'Idempotency-Key': z.string().min(1).max(255).meta({
            description: 'Your own unique name of this charge: 1 to 255 printable ASCII characters',
            example: 'booking-20931-deposit-1',
          }),
        }),
      },
      requestBody: { required: true, content: { 'application/json': { schema: chargeSchema } } },
      responses: {
        '201': {
          description: 'The money was collected',
          headers: z.object({ Location: z.string(), 'Idempotent-Replayed': replayed }),
          content: { 'application/json': { schema: paymentSchema, example: succeeded } },
        },
        '202': {
          description:
            'Not over yet. `processing`: the outcome is not known; ask for the payment, or repeat with the same key. ' +
            '`requires_action`: send the guest to `next_action.redirect_url`.',
          headers: z.object({ 'Idempotent-Replayed': replayed }),
          content: {
            'application/json': {
              schema: paymentSchema,
              examples: { processing: { value: processing }, requires_action: { value: requiresAction } },
            },
          },
        },
        '400': problem(['validation_failed', 'malformed_json', 'idempotency_key_invalid']),
        ...refusals,
        '402': {
          description:
            'Nothing was collected. `card_declined`: the card or its bank said no; another card may work. ' +
            '`payment_failed`: it failed for another reason.',
          headers: z.object({ 'Idempotent-Replayed': replayed }),
          content: { 'application/problem+json': { schema: declineSchema, example: declineExample() } },
        },
        '409': problem(['in_progress', 'idempotency_key_expired'], retryAfter.partial()),
        '413': problem(['payload_too_large']),
        '415': problem(['unsupported_media_type']),
        '422': problem([
          'idempotency_key_reused',
          'card_data_not_allowed',
          'currency_not_supported',
          'amount_not_allowed',
          'provider_account_missing',
          'provider_credentials_rejected',
        ]),
        '503': problem(['unavailable', 'provider_unreachable'], retryAfter),
      },
    },
  },
  '/v1/payments': {
    get: {
      operationId: 'listPayments',
      summary: 'List payments',
      description: 'Newest first. Needs the scope `payments:read`.',
      tags: ['Payments'],
      security,
      requestParams: { query: listQuerySchema },
      responses: {
        '200': {
          description: 'One page',
          content: {
            'application/json': {
              schema: paymentListSchema,
              example: { data: [succeeded], has_more: false, next_cursor: null },
            },
          },
        },
        '400': problem(['validation_failed']),
        ...refusals,
        '422': problem(['card_data_not_allowed']),
      },
    },
  },
  '/v1/payments/{id}': {
    get: {
      operationId: 'getPayment',
      summary: 'Get a payment',
      description:
        'Needs the scope `payments:read`. Another hotel’s payment is 404, like one that does not exist.',
      tags: ['Payments'],
      security,
      requestParams: { path: z.object({ id: z.string().meta({ example: succeeded.id }) }) },
      responses: {
        '200': {
          description: 'The payment as it is now',
          content: { 'application/json': { schema: paymentSchema, example: succeeded } },
        },
        '400': problem(['validation_failed']),
        ...refusals,
        '404': problem(['not_found']),
        '422': problem(['card_data_not_allowed']),
      },
    },
  },
};

function declineExample(): z.infer<typeof declineSchema> {
  return {
    type: 'urn:centra-payments:error:card_declined',
    title: ERRORS.card_declined.title,
    status: 402,
    code: 'card_declined',
    detail: failure.message,
    decline: failure,
    payment: failed,
  };
}
