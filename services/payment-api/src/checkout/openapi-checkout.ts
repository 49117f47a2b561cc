import { noStore, problem } from '@centra/service-kit/openapi-parts.ts';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { z } from 'zod';
import { requiresAction } from '../openapi-examples.ts';
import { refusals } from '../openapi-parts.ts';
import { clientSecretSchema } from './create-client-secret.ts';
import { checkoutPaymentSchema } from './get-checkout-payment.ts';

const path = z.object({ id: z.string().meta({ example: requiresAction.id }) });

const clientSecret: z.infer<typeof clientSecretSchema> = {
  client_secret: 'cs_test_eyJhbGciOiJFUzI1NiIsInR5cCI6ImNoZWNrb3V0K2p3dCJ9.…',
  expires_at: '2026-03-01T10:30:00.000Z',
};
const { id, status, amount, currency, booking_reference, description, next_action } = requiresAction;
const checkoutPayment: z.infer<typeof checkoutPaymentSchema> = {
  id,
  status,
  amount,
  currency,
  booking_reference,
  description,
  next_action,
};

// A client secret opens its payment or nothing: it never lacks a permission, so 403 is the hotel's alone.
const { '403': _forbidden, ...guestRefusals } = refusals;
const ownRefusals = {
  '400': problem(['validation_failed']),
  ...guestRefusals,
  '404': problem(['not_found']),
  '422': problem(['card_data_not_allowed']),
};

/** The routes for the browser of a guest. */
export const checkoutPaths: ZodOpenApiPathsObject = {
  '/v1/payments/{id}/client-secret': {
    post: {
      operationId: 'createClientSecret',
      summary: 'Let the guest of a payment see it',
      description:
        'A client secret for the page that this guest pays on. It opens this payment, to look at, for an hour. It is not ' +
        'stored and cannot be taken back; ask for another at any time.',
      tags: ['Checkout'],
      requestParams: { path },
      responses: {
        '201': {
          description: 'Hand it to the guest’s page',
          headers: noStore,
          content: { 'application/json': { schema: clientSecretSchema, example: clientSecret } },
        },
        ...ownRefusals,
        '403': refusals['403'],
      },
    },
  },
  '/v1/checkout/payments/{id}': {
    get: {
      operationId: 'getCheckoutPayment',
      summary: 'A guest looks at their payment',
      description:
        'For the guest’s browser, with the client secret of this payment; any other payment is 404. While it is ' +
        '`requires_action`, send the guest to `next_action.redirect_url`, and ask again when they are back.',
      tags: ['Checkout'],
      requestParams: { path },
      responses: {
        '200': {
          description: 'The payment as it is now',
          headers: noStore,
          content: { 'application/json': { schema: checkoutPaymentSchema, example: checkoutPayment } },
        },
        ...ownRefusals,
      },
    },
  },
};
