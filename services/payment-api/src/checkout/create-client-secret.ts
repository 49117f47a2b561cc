import type { RequestHandler } from 'express';
import { z } from 'zod';
import { contextOf, identityOf, refuseQuery } from '@centra/service-kit/http.ts';
import type { Context } from '../context.ts';
import { pathIdOf } from '../path-id.ts';
import { readPayment } from '../payments/read-payment.ts';

// As long as the gateway takes one: a guest who needs longer than an hour gets another with the next page (product.md P4).
const LIFETIME_S = 3_600;

export const clientSecretSchema = z
  .object({
    client_secret: z.string().meta({
      description:
        'For the browser of this one guest. Hand it over in the page and never in an address, which browsers send on and ' +
        'servers write down',
    }),
    expires_at: z.string().meta({ description: 'ISO 8601, UTC' }),
  })
  .meta({ id: 'ClientSecret', description: 'Opens one payment to the guest who pays it, for an hour' });

/** `POST /v1/payments/:id/client-secret`. Nothing is stored: the signature is all there is, and none is like another. */
export function createClientSecret(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    refuseQuery(request);
    const id = pathIdOf(request, 'pay');
    const identity = identityOf(request);
    const { paymentId } = await readPayment(context, identity, id, contextOf(request).requestId);
    // Before it is signed, so that it is never said to be good for longer than it is.
    const expiresAt = new Date((Math.floor(Date.now() / 1_000) + LIFETIME_S) * 1_000);
    const { merchantId, mode } = identity;
    const token = context.signer.checkoutToken({ merchantId, mode, objectId: paymentId }, LIFETIME_S);
    const answer: z.infer<typeof clientSecretSchema> = {
      client_secret: `cs_${mode}_${token}`,
      expires_at: expiresAt.toISOString(),
    };
    response.status(201).json(answer);
  };
}
