import type { RequestHandler } from 'express';
import { z } from 'zod';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, readBody, refuseQuery } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { askTransaction } from '../ask-transaction.ts';
import type { Context } from '../context.ts';

// One look at the account's secret and one insert. Stripe waits 10 s or more before it counts a delivery as failed.
const RECEIVE_DEADLINE_MS = 8_000;
const SIGNATURE_HEADER = 'stripe-signature';

export const receivedSchema = z
  .object({ received: z.literal(true) })
  .meta({ id: 'EventReceived', description: 'The event is stored; what it says is looked into afterwards' });

/**
 * `POST /v1/webhooks/stripe/:account` and `POST /v1/stripe/events`: hands the bytes on as they came, since the signature
 * is over them, and answers 200 only when they are stored. Every other answer makes Stripe send the event again: 400
 * when the signature is not the account's, 404 for an unknown account, 503 when it could not be stored.
 */
export function receiveStripeEvent(context: Context): RequestHandler<{ account?: string }> {
  return async (request, response) => {
    refuseQuery(request);
    const { account } = request.params;
    if (account !== undefined && fromPublicId('pa', account) === undefined) throw new AppError('not_found');
    const rawBody = await readBody(request);
    const signature = request.headers[SIGNATURE_HEADER];
    // Asking about the secret would tell nothing more.
    if (typeof signature !== 'string') throw new AppError('signature_invalid');
    const { requestId, address } = contextOf(request);
    await askTransaction(
      context.transaction.receiveProviderEvent.bind(context.transaction),
      {
        provider: 'stripe',
        providerAccountId: account ?? '',
        rawBody,
        headers: { [SIGNATURE_HEADER]: signature },
        origin: { actor: 'provider:stripe', requestId, address },
      },
      { requestId, deadlineMs: RECEIVE_DEADLINE_MS },
    );
    const json: z.infer<typeof receivedSchema> = { received: true };
    response.json(json);
  };
}
