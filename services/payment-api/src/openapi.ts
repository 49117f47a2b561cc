import { json, noStore, problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { z } from 'zod';
import { chargeSchema } from './charges/charge.ts';
import { declineSchema } from './charges/charge-reply.ts';
import { checkoutPaths } from './checkout/openapi-checkout.ts';
import { cardDeclined, processing, requiresAction, succeeded } from './openapi-examples.ts';
import { operationsPaths } from './openapi-operations.ts';
import { idempotencyHeader, refusals, replayedHeader } from './openapi-parts.ts';
import { paymentPaths } from './openapi-payments.ts';
import { refundPaths } from './openapi-refunds.ts';
import { paymentSchema } from './payments/payment.ts';
import { quotePaths } from './quotes/quote-paths.ts';
import { sessionSchema } from './sessions/create-session.ts';

const session: z.infer<typeof sessionSchema> = {
  vault: 'vaultera',
  session_token: '7f1d5c2a9b',
  iframe_url: 'https://pci.vaultera.co/api/v1/capture_form?session_token=7f1d5c2a9b',
  iframe_origin: 'https://pci.vaultera.co',
  expires_at: '2026-03-01T09:45:00.000Z',
};

/** The routes of this service, for the OpenAPI document that the gateway serves. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/session': {
    get: {
      operationId: 'createSession',
      summary: 'Open a card capture session',
      description: 'A one-off form of the card vault for the browser.',
      tags: ['Charges'],
      responses: {
        '200': {
          description: 'Show `iframe_url` to the guest',
          headers: noStore,
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
        'Collects an amount from a card token in one call: `POST /v1/payments` with nothing to choose.\n\n' +
        'Repeat a request whose answer you did not get with the same `Idempotency-Key`: it never charges twice, and a ' +
        'finished charge answers with the same bytes for 30 days.',
      tags: ['Charges'],
      requestParams: { header: idempotencyHeader },
      requestBody: json(chargeSchema),
      responses: {
        '201': {
          description: 'The money was collected',
          headers: z.object({ Location: z.string(), 'Idempotent-Replayed': replayedHeader }),
          content: { 'application/json': { schema: paymentSchema, example: succeeded } },
        },
        '202': {
          description:
            'Not over yet. `processing`: the outcome is not known; ask for the payment, or repeat with the same key. ' +
            '`requires_action`: send the guest to `next_action.redirect_url`.',
          headers: z.object({ 'Idempotent-Replayed': replayedHeader }),
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
          headers: z.object({ 'Idempotent-Replayed': replayedHeader }),
          content: { 'application/problem+json': { schema: declineSchema, example: cardDeclined } },
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
          'method_not_accepted',
          'provider_credentials_rejected',
        ]),
        '503': problem(['unavailable', 'provider_unreachable'], retryAfter),
      },
    },
  },
  ...paymentPaths,
  ...refundPaths,
  ...quotePaths,
  ...checkoutPaths,
  ...operationsPaths,
};
