import { json, problem } from '@centra/service-kit/openapi-parts.ts';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { z } from 'zod';
import { problemOf, refundFailed, refundPending, refunded, refused } from './openapi-examples.ts';
import { idempotencyHeader, refusals, replayedHeader } from './openapi-parts.ts';
import { keyedRefusals, paymentPath } from './openapi-payments.ts';
import { refundRequestSchema } from './refunds/create-refund.ts';
import {
  listPaymentRefundsQuerySchema,
  listRefundsQuerySchema,
  refundListSchema,
} from './refunds/list-refunds.ts';
import { refundDeclineSchema, refundSchema } from './refunds/refund.ts';

const page = {
  description: 'One page',
  content: {
    'application/json': {
      schema: refundListSchema,
      example: { data: [refunded], has_more: false, next_cursor: null },
    },
  },
};

export const refundPaths: ZodOpenApiPathsObject = {
  '/v1/payments/{id}/refund': {
    post: {
      operationId: 'createRefund',
      summary: 'Refund a payment',
      description:
        'Gives captured money back to the way it came, at once or in several parts; all that is left without `amount`. What ' +
        'is pending counts as given back. A bank may send a refund back days later: it is then `failed`, and the payment’s ' +
        'sums are as before.',
      tags: ['Refunds'],
      requestParams: { header: idempotencyHeader, path: paymentPath },
      requestBody: json(refundRequestSchema),
      responses: {
        '201': {
          description: 'Given back',
          headers: z.object({ Location: z.string(), 'Idempotent-Replayed': replayedHeader }),
          content: { 'application/json': { schema: refundSchema, example: refunded } },
        },
        '202': {
          description: 'Not settled yet; ask for the refund, or repeat with the same key',
          headers: z.object({ 'Idempotent-Replayed': replayedHeader }),
          content: { 'application/json': { schema: refundSchema, example: refundPending } },
        },
        '402': {
          description: 'Nothing was given back',
          headers: z.object({ 'Idempotent-Replayed': replayedHeader }),
          content: {
            'application/problem+json': {
              schema: refundDeclineSchema,
              example: {
                ...problemOf('refund_declined'),
                detail: refused.message,
                decline: refused,
                refund: refundFailed,
              },
            },
          },
        },
        ...keyedRefusals(
          [
            'not_captured',
            'already_refunded',
            'payment_disputed',
            'payment_in_progress',
            'payment_canceled',
            'payment_has_failed',
            'state_conflict',
          ],
          [
            'amount_exceeds_captured',
            'currency_mismatch',
            'refund_window_over',
            'not_supported',
            'provider_account_missing',
          ],
        ),
      },
    },
  },
  '/v1/payments/{id}/refunds': {
    get: {
      operationId: 'listPaymentRefunds',
      summary: 'List the refunds of a payment',
      description: 'Newest first.',
      tags: ['Refunds'],
      requestParams: { path: paymentPath, query: listPaymentRefundsQuerySchema },
      responses: {
        '200': page,
        '400': problem(['validation_failed']),
        ...refusals,
        '404': problem(['not_found']),
        '422': problem(['card_data_not_allowed']),
      },
    },
  },
  '/v1/refunds': {
    get: {
      operationId: 'listRefunds',
      summary: 'List refunds',
      description: 'Newest first.',
      tags: ['Refunds'],
      requestParams: { query: listRefundsQuerySchema },
      responses: {
        '200': page,
        '400': problem(['validation_failed']),
        ...refusals,
        '422': problem(['card_data_not_allowed']),
      },
    },
  },
  '/v1/refunds/{id}': {
    get: {
      operationId: 'getRefund',
      summary: 'Get a refund',
      description: 'Another hotel’s refund is 404.',
      tags: ['Refunds'],
      requestParams: { path: z.object({ id: z.string().meta({ example: refunded.id }) }) },
      responses: {
        '200': {
          description: 'The refund as it is now',
          content: { 'application/json': { schema: refundSchema, example: refunded } },
        },
        '400': problem(['validation_failed']),
        ...refusals,
        '404': problem(['not_found']),
        '422': problem(['card_data_not_allowed']),
      },
    },
  },
};
