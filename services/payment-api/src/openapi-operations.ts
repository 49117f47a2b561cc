import { answer, problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import type { ZodOpenApiPathsObject, ZodOpenApiResponseObject } from 'zod-openapi';
import { z } from 'zod';
import { disputeSchema } from './disputes/dispute.ts';
import { disputeListSchema, listDisputesSchema } from './disputes/list-disputes.ts';
import { refusals } from './openapi-parts.ts';
import {
  listUnknownOperationsSchema,
  unknownOperationListSchema,
} from './operations/list-unknown-operations.ts';
import { settlementSchema, settleUnknownOperationSchema } from './operations/settle-unknown-operation.ts';
import { listProviderEventsSchema, providerEventListSchema } from './provider-events/list-provider-events.ts';
import { providerEventSchema } from './provider-events/provider-event.ts';
import { receivedSchema } from './provider-events/receive-provider-event.ts';
import { replayProviderEventSchema } from './provider-events/replay-provider-event.ts';
import { challengeAnswerSchema } from './simulator/challenge-page.ts';

const idOf = (what: string, example: string) => ({
  path: z.object({ id: z.string().meta({ description: what, example }) }),
});
const page = (description: string): ZodOpenApiResponseObject => ({
  description,
  content: { 'text/html': { schema: z.string() } },
});
/** A page, or the gateway's own refusal of a token that cannot be one. */
const pageOrProblem = (description: string): ZodOpenApiResponseObject => ({
  description,
  content: { ...page(description).content, ...problem(['not_found']).content },
});

const listRefusals = {
  '400': problem(['validation_failed']),
  ...refusals,
  '422': problem(['card_data_not_allowed']),
};
const objectRefusals = { ...listRefusals, '404': problem(['not_found']) };
const bodyRefusals = {
  ...objectRefusals,
  '400': problem(['validation_failed', 'malformed_json']),
  '413': problem(['payload_too_large']),
  '415': problem(['unsupported_media_type']),
};
// No credential, so neither 401 nor 403.
const publicRefusals = {
  '405': refusals['405'],
  '422': problem(['card_data_not_allowed']),
  '429': refusals['429'],
  '500': refusals['500'],
  '503': refusals['503'],
};

const stripeEvent = {
  tags: ['Webhooks'],
  requestBody: {
    required: true,
    description: 'The event as Stripe signed it, byte for byte; at most 256 KiB',
    content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } },
  },
  responses: {
    '200': answer('Stored. What it says is looked into afterwards', receivedSchema),
    '400': problem(['signature_invalid', 'validation_failed', 'malformed_request']),
    '404': problem(['not_found']),
    ...publicRefusals,
    '413': problem(['payload_too_large']),
    '415': problem(['unsupported_media_type']),
  },
};
const signature = z.object({
  'Stripe-Signature': z.string().meta({ description: 'Stripe’s own', example: 't=1772357400,v1=…' }),
});
const token = {
  path: z.object({ token: z.string().meta({ description: 'From `next_action.redirect_url`' }) }),
};

/** The routes for staff, for providers and for the simulator's guests. */
export const operationsPaths: ZodOpenApiPathsObject = {
  '/v1/disputes': {
    get: {
      operationId: 'listDisputes',
      summary: 'List disputes',
      description: 'What guests object to at their banks, newest first.',
      tags: ['Disputes'],
      requestParams: { query: listDisputesSchema },
      responses: { '200': answer('One page', disputeListSchema), ...listRefusals },
    },
  },
  '/v1/disputes/{id}': {
    get: {
      operationId: 'getDispute',
      summary: 'Get a dispute',
      description: 'It is answered in the provider’s own dashboard.',
      tags: ['Disputes'],
      requestParams: idOf('The dispute', 'dis_01jd4qv8e2f5tb3y9k7m1n6p0r'),
      responses: { '200': answer('The dispute as it is now', disputeSchema), ...objectRefusals },
    },
  },
  '/v1/unknown-operations': {
    get: {
      operationId: 'listUnknownOperations',
      summary: 'List operations whose outcome is not known',
      description:
        'Oldest first, with all that a person needs to ask the provider. Most settle by themselves within minutes.',
      tags: ['Operations'],
      requestParams: { query: listUnknownOperationsSchema },
      responses: { '200': answer('One page', unknownOperationListSchema), ...listRefusals },
    },
  },
  '/v1/unknown-operations/{id}/settle': {
    post: {
      operationId: 'settleUnknownOperation',
      summary: 'Settle an operation by what was found at the provider',
      description:
        'For people, after they looked in the provider’s dashboard: the payment follows what they say, so a wrong word ' +
        'makes wrong books. Kept for ever with who said it. `in_progress`: we ask the provider ourselves at this moment; try ' +
        'again.',
      tags: ['Operations'],
      requestParams: idOf('The operation', 'op_01jd4qv8e2f5tb3y9k7m1n6p0r'),
      requestBody: {
        required: true,
        content: { 'application/json': { schema: settleUnknownOperationSchema } },
      },
      responses: {
        '200': answer('Settled', settlementSchema),
        ...bodyRefusals,
        '409': problem(['state_conflict', 'in_progress'], retryAfter.partial()),
      },
    },
  },
  '/v1/provider-events': {
    get: {
      operationId: 'listProviderEvents',
      summary: 'List what providers told us',
      description: 'Newest first. What speaks of no payment of ours, or contradicts us, waits here.',
      tags: ['Operations'],
      requestParams: { query: listProviderEventsSchema },
      responses: { '200': answer('One page', providerEventListSchema), ...listRefusals },
    },
  },
  '/v1/provider-events/{id}/replay': {
    post: {
      operationId: 'replayProviderEvent',
      summary: 'Have a stored event processed again',
      description:
        'It waits for its turn again, then the provider is asked how things stand. Safe to repeat: what it says counts ' +
        'once.',
      tags: ['Operations'],
      requestParams: idOf('The event', 'pev_01jd4qv8e2f5tb3y9k7m1n6p0r'),
      requestBody: {
        required: false,
        content: { 'application/json': { schema: replayProviderEventSchema } },
      },
      responses: { '202': answer('It waits for its turn', providerEventSchema), ...bodyRefusals },
    },
  },
  '/v1/webhooks/stripe/{account}': {
    post: {
      operationId: 'receiveStripeWebhook',
      summary: 'Receive Stripe’s events of one provider account',
      description:
        'For Stripe, which proves itself by its signature. The address is the account’s `webhook_path`, and ' +
        'the secret its `webhook_secret`. Every answer but 200 makes Stripe send the event again. It moves no money by itself: ' +
        'Stripe is asked how things stand.',
      ...stripeEvent,
      requestParams: {
        header: signature,
        path: z.object({
          account: z
            .string()
            .meta({ description: 'The provider account', example: 'pa_01jd4qtq5y8w2s6v0c3x9z1b4d' }),
        }),
      },
    },
  },
  '/v1/stripe/events': {
    post: {
      operationId: 'receiveStripeEvent',
      summary: 'Receive Stripe’s events of all provider accounts at one address',
      description:
        'As the address of one account, for an endpoint that names none: the event’s own payment says whose secret must ' +
        'fit. 404 for an event that speaks of no payment of ours.',
      ...stripeEvent,
      requestParams: { header: signature },
    },
  },
  '/v1/simulator/challenges/{token}': {
    get: {
      operationId: 'showSimulatorChallenge',
      summary: 'The built-in simulator’s bank asks the guest',
      description: 'A page for a browser; whoever has its address is the guest. Moves no money.',
      tags: ['Simulator'],
      requestParams: token,
      responses: {
        '200': page('The question, or that it is over'),
        '400': problem(['validation_failed']),
        ...publicRefusals,
        '404': pageOrProblem('There is no such challenge'),
        '503': page('Not possible right now'),
      },
    },
    post: {
      operationId: 'answerSimulatorChallenge',
      summary: 'The guest answers the simulated bank',
      description: 'What the page’s form sends. Moves no money.',
      tags: ['Simulator'],
      requestParams: token,
      requestBody: {
        required: true,
        content: { 'application/x-www-form-urlencoded': { schema: challengeAnswerSchema } },
      },
      responses: {
        '303': {
          description: 'On to the `return_url` of the payment',
          headers: z.object({ Location: z.string() }),
        },
        '400': problem(['validation_failed']),
        ...publicRefusals,
        '404': pageOrProblem('There is no such challenge'),
        '409': page('It was answered before, or its time ran out'),
        '413': problem(['payload_too_large']),
        '415': problem(['unsupported_media_type']),
        '503': { ...page('Nothing was changed'), headers: retryAfter },
      },
    },
  },
};
