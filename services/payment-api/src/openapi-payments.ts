import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from 'zod-openapi';
import { z } from 'zod';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { json, problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import { declineSchema } from './charges/charge-reply.ts';
import {
  authorized,
  canceled,
  cardDeclined,
  capturePending,
  captured,
  created,
  decline,
  processing,
  raised,
  refused,
  requiresAction,
  succeeded,
} from './openapi-examples.ts';
import { idempotencyHeader, refusals, replayedHeader } from './openapi-parts.ts';
import { adjustSchema } from './payments/adjust-payment.ts';
import { authorizeSchema } from './payments/authorize-payment.ts';
import { cancelSchema } from './payments/cancel-payment.ts';
import { captureSchema } from './payments/capture-payment.ts';
import { paymentStatusAnswerSchema } from './payments/get-payment-status.ts';
import { listEventsQuerySchema, paymentEventListSchema } from './payments/list-payment-events.ts';
import type { paymentEventSchema } from './payments/list-payment-events.ts';
import { listQuerySchema, paymentListSchema } from './payments/list-payments.ts';
import { newPaymentSchema } from './payments/new-payment.ts';
import { paymentSchema } from './payments/payment.ts';
import type { PaymentJson } from './payments/payment.ts';

export const paymentPath = z.object({ id: z.string().meta({ example: succeeded.id }) });

const event: z.infer<typeof paymentEventSchema> = {
  version: 3,
  object: 'payment_event',
  type: 'payment.captured',
  status: 'succeeded',
  at: '2026-03-01T12:00:00.000Z',
  actor: 'api_key:key_01jd4qtq5y8w2s6v0c3x9z1b4d',
  address: '203.0.113.7',
  request_id: 'req_01jd0000000000000000000000',
  operation_id: '0dbca744-f88f-8038-a120-41a1985d5c73',
  details: { amount: '12050', provider_reference: 'pi_3Nq4JvExample' },
  amount_authorized: 12_050,
  amount_captured: 12_050,
  amount_refunded: 0,
};

/** What an operation on a payment may be refused with, beside its own conflicts. */
export const keyedRefusals = (conflicts: readonly ErrorCode[], unprocessable: readonly ErrorCode[]) => ({
  '400': problem(['validation_failed', 'malformed_json', 'idempotency_key_invalid']),
  ...refusals,
  '404': problem(['not_found']),
  '409': problem([...conflicts, 'in_progress', 'idempotency_key_expired'], retryAfter.partial()),
  '413': problem(['payload_too_large']),
  '415': problem(['unsupported_media_type']),
  '422': problem([...unprocessable, 'idempotency_key_reused', 'card_data_not_allowed']),
  '503': problem(['unavailable', 'provider_unreachable'], retryAfter),
});

const paymentBody = (examples: Readonly<Record<string, PaymentJson>>) => ({
  'application/json': {
    schema: paymentSchema,
    examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
  },
});

const ACCOUNT_REFUSALS = [
  'currency_not_supported',
  'amount_not_allowed',
  'provider_account_missing',
  'method_not_accepted',
  'provider_credentials_rejected',
] as const;

const createPayment: ZodOpenApiOperationObject = {
  operationId: 'createPayment',
  summary: 'Create a payment',
  description:
    'With a `card_token` it is paid, or held with `capture_method: manual`, at once. With `hosted` the guest pays on the ' +
    "provider's page, until `expires_in_minutes` are over. With neither it is only created, and `authorize` follows. " +
    'Ask for `extras` where a hold may have to be raised or captured in parts; they cannot be added later.',
  tags: ['Payments'],
  requestParams: { header: idempotencyHeader },
  requestBody: json(newPaymentSchema),
  responses: {
    '201': {
      description: 'Created, held or collected, as its status says',
      headers: z.object({ Location: z.string(), 'Idempotent-Replayed': replayedHeader }),
      content: paymentBody({ succeeded, authorized, created }),
    },
    '202': {
      description:
        'Not over yet. `processing`: the outcome is not known; ask for the payment, or repeat with the same key. ' +
        '`requires_action`: send the guest to `next_action.redirect_url`.',
      headers: z.object({ 'Idempotent-Replayed': replayedHeader }),
      content: paymentBody({ processing, requires_action: requiresAction }),
    },
    '402': declineResponse('Nothing was held or collected', cardDeclined),
    ...keyedRefusals(['quote_expired'], ['quote_mismatch', 'not_supported', ...ACCOUNT_REFUSALS]),
  },
};

const authorizePayment: ZodOpenApiOperationObject = {
  operationId: 'authorizePayment',
  summary: 'Pay a created payment',
  description: 'Holds, or collects by its `capture_method`, a payment that was created without a card.',
  tags: ['Payments'],
  requestParams: { header: idempotencyHeader, path: paymentPath },
  requestBody: json(authorizeSchema),
  responses: {
    '200': done({ authorized, succeeded }),
    '202': open({ processing, requires_action: requiresAction }),
    '402': declineResponse('Nothing was held or collected', cardDeclined),
    ...keyedRefusals(
      ['payment_not_created', 'payment_canceled', 'payment_has_failed', 'state_conflict'],
      ['not_supported', ...ACCOUNT_REFUSALS],
    ),
  },
};

const HOLD_CONFLICTS = [
  'operation_pending',
  'already_captured',
  'payment_not_paid',
  'payment_in_progress',
  'payment_canceled',
  'payment_has_failed',
  'hold_expired',
  'state_conflict',
] as const;
// A cancellation may be asked for before the outcome is known, and of a hold that lapses at this moment.
const CANCEL_CONFLICTS = [
  'operation_pending',
  'already_captured',
  'payment_canceled',
  'payment_has_failed',
  'state_conflict',
] as const;

const capturePayment: ZodOpenApiOperationObject = {
  operationId: 'capturePayment',
  summary: 'Capture a hold',
  description:
    'Collects all or part of a hold; all that is left without `amount`. Unless `keep_open`, the rest is released. What the ' +
    "hold allows (several captures, more than was authorised) stands in the payment's `hold`.",
  tags: ['Payments'],
  requestParams: { header: idempotencyHeader, path: paymentPath },
  requestBody: json(captureSchema),
  responses: {
    '200': done({ captured }),
    '202': open({ pending: capturePending }),
    '402': declineResponse('Nothing was collected by it', decline('capture_declined', refused, authorized)),
    ...keyedRefusals(HOLD_CONFLICTS, [
      'amount_exceeds_hold',
      'currency_mismatch',
      'not_supported',
      'provider_account_missing',
    ]),
  },
};

const cancelPayment: ZodOpenApiOperationObject = {
  operationId: 'cancelPayment',
  summary: 'Cancel a payment',
  description:
    'Releases a hold or what is left of one, or stops a payment that is not over yet; it never gives captured money back. ' +
    'While the outcome of the payment is open the answer is 202, and the cancellation follows it: a hold that comes is ' +
    'released, money that was collected stays. The body may be left out.',
  tags: ['Payments'],
  requestParams: { header: idempotencyHeader, path: paymentPath },
  requestBody: { required: false, content: { 'application/json': { schema: cancelSchema } } },
  responses: {
    '200': done({ canceled }),
    '202': open({ pending: authorized }),
    '402': declineResponse('The hold stays', decline('cancel_declined', refused, authorized)),
    ...keyedRefusals(CANCEL_CONFLICTS, ['provider_account_missing']),
  },
};

const adjustPayment: ZodOpenApiOperationObject = {
  operationId: 'adjustPayment',
  summary: 'Adjust a hold',
  description:
    'Raises or lowers a hold, nothing of which was captured, to a new total. Stripe only raises, and only where `hold` says ' +
    '`incremental`.',
  tags: ['Payments'],
  requestParams: { header: idempotencyHeader, path: paymentPath },
  requestBody: json(adjustSchema),
  responses: {
    '200': done({ raised }),
    '202': open({ pending: { ...authorized, amount_authorize_pending: 7_950 } }),
    '402': declineResponse('The hold stays as it was', decline('adjustment_declined', refused, authorized)),
    ...keyedRefusals(HOLD_CONFLICTS, [
      'amount_unchanged',
      'currency_mismatch',
      'amount_not_allowed',
      'not_supported',
      'provider_account_missing',
    ]),
  },
};

function done(examples: Readonly<Record<string, PaymentJson>>) {
  return {
    description: 'Done; the payment as it left it',
    headers: z.object({ 'Idempotent-Replayed': replayedHeader }),
    content: paymentBody(examples),
  };
}

function open(examples: Readonly<Record<string, PaymentJson>>) {
  return {
    description: 'Not settled yet; ask for the payment, or repeat with the same key',
    headers: z.object({ 'Idempotent-Replayed': replayedHeader }),
    content: paymentBody(examples),
  };
}

function declineResponse(description: string, example: z.infer<typeof declineSchema>) {
  return {
    description,
    headers: z.object({ 'Idempotent-Replayed': replayedHeader }),
    content: { 'application/problem+json': { schema: declineSchema, example } },
  };
}

const listPayments: ZodOpenApiOperationObject = {
  operationId: 'listPayments',
  summary: 'List and search payments',
  description: 'Newest first, those that match every filter.',
  tags: ['Payments'],
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
};

const readRefusals = {
  '400': problem(['validation_failed']),
  ...refusals,
  '404': problem(['not_found']),
  '422': problem(['card_data_not_allowed']),
};

const getPayment: ZodOpenApiOperationObject = {
  operationId: 'getPayment',
  summary: 'Get a payment',
  description: 'Another hotel’s payment is 404, like one that does not exist.',
  tags: ['Payments'],
  requestParams: { path: paymentPath },
  responses: {
    '200': {
      description: 'The payment as it is now',
      content: { 'application/json': { schema: paymentSchema, example: succeeded } },
    },
    ...readRefusals,
  },
};

const getPaymentStatus: ZodOpenApiOperationObject = {
  operationId: 'getPaymentStatus',
  summary: 'Get how far a payment is',
  description: 'The sums and the status, and nothing personal.',
  tags: ['Payments'],
  requestParams: { path: paymentPath },
  responses: {
    '200': {
      description: 'As it is now',
      content: {
        'application/json': {
          schema: paymentStatusAnswerSchema,
          example: paymentStatusAnswerSchema.parse(succeeded),
        },
      },
    },
    ...readRefusals,
  },
};

const listPaymentEvents: ZodOpenApiOperationObject = {
  operationId: 'listPaymentEvents',
  summary: 'List what happened to a payment',
  description: 'Oldest first: who did what, when and from where.',
  tags: ['Payments'],
  requestParams: { path: paymentPath, query: listEventsQuerySchema },
  responses: {
    '200': {
      description: 'One page',
      content: {
        'application/json': {
          schema: paymentEventListSchema,
          example: { data: [event], has_more: false, next_cursor: null },
        },
      },
    },
    ...readRefusals,
  },
};

export const paymentPaths: ZodOpenApiPathsObject = {
  '/v1/payments': { get: listPayments, post: createPayment },
  '/v1/payments/{id}': { get: getPayment },
  '/v1/payments/{id}/status': { get: getPaymentStatus },
  '/v1/payments/{id}/events': { get: listPaymentEvents },
  '/v1/payments/{id}/authorize': { post: authorizePayment },
  '/v1/payments/{id}/capture': { post: capturePayment },
  '/v1/payments/{id}/cancel': { post: cancelPayment },
  '/v1/payments/{id}/adjust': { post: adjustPayment },
};
