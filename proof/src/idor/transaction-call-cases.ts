import { randomBytes, randomUUID } from 'node:crypto';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { CaptureMethod } from '@centra/proto/centra/payment/v1/payment.ts';
import {
  AdjustRequest,
  AnswerSimulatorChallengeRequest,
  AuthorizeRequest,
  CaptureRequest,
  CreatePaymentRequest,
  GetSimulatorChallengeRequest,
  InitiateRequest,
  ListDisputesRequest,
  ListPaymentEventsRequest,
  ListPaymentsRequest,
  ListProviderEventsRequest,
  ListRefundsRequest,
  ListUnknownOperationsRequest,
  ReceiveProviderEventRequest,
  RefundRequest,
  ReplayProviderEventRequest,
  SaleRequest,
  SettleUnknownOperationRequest,
  VoidRequest,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { signatureOf } from '../webhooks/stripe-event.ts';
import { both, ends } from './attempt.ts';
import type { Attempt, Case } from './attempt.ts';
import { asService, asking, between } from './calls.ts';
import { aboutOwner } from './open-route-cases.ts';
import { asked, NOT_FOUND, scoped } from './scoped-calls.ts';
import type { Ask, Scope } from './scoped-calls.ts';
import type { Signing, World } from './world.ts';

// transaction is told the hotel by services that it trusts. The id of somebody else's object under that hotel is not found,
// and no other service may call at all.

const MISSING_ACCOUNT = ends('FAILED_PRECONDITION provider_account_missing');
const ACCOUNT = ends('NOT_FOUND not_found', 'FAILED_PRECONDITION provider_account_missing');
const { MODE_TEST } = Mode;
const eur = (amountMinor: bigint) => ({ amountMinor, currency: 'EUR' });

/** With what a new operation needs beside the hotel. */
const fresh = (scope: Scope) => ({
  ...scope,
  operationId: randomUUID(),
  requestFingerprint: randomBytes(32),
  bookingReference: 'INTRUDER-3',
});
const followUp = (scope: Scope, paymentId: string) => ({
  ...scope,
  paymentId,
  operationId: randomUUID(),
  requestFingerprint: randomBytes(32),
});

/** A new payment under the operation id of one of the owner's: each hotel's ids are its own. */
function underForeignOperation(name: string, ask: Ask): Attempt {
  return {
    name,
    ask: async (world) => {
      const { merchantId } = world.intruder;
      return await asked(world, ask, { merchantId, mode: MODE_TEST });
    },
    judge: both(ends('OK'), ({ text }, { owned }) =>
      [owned.held, owned.sold].some((id) => text.includes(id)) || text.includes('"replayed":true')
        ? `it answered ${text}`
        : undefined,
    ),
    acts: true,
  };
}

const newPayments: readonly Case[] = [
  scoped(
    'Sale',
    async (client, scope, { owned, own }, options) => {
      const request = {
        ...fresh(scope),
        bookingReference: '',
        paymentId: owned.created,
        cardToken: own.cardToken,
      };
      return await asking(client.sale.bind(client), SaleRequest.fromPartial(request), options);
    },
    {},
    [
      underForeignOperation('under an operation id of the owner’s', async (client, scope, world, options) => {
        const operationId = world.owned.heldOperation;
        const paid = { cardToken: world.own.cardToken, amount: eur(4_400n) };
        const request = SaleRequest.fromPartial({ ...fresh(scope), ...paid, operationId });
        return await asking(client.sale.bind(client), request, options);
      }),
      {
        name: 'by the owner’s account',
        ask: async (world) =>
          await asked(
            world,
            async (client, scope, { own, owned }, options) => {
              const paid = {
                cardToken: own.cardToken,
                amount: eur(4_400n),
                providerAccountId: owned.account,
              };
              return await asking(
                client.sale.bind(client),
                SaleRequest.fromPartial({ ...fresh(scope), ...paid }),
                options,
              );
            },
            { merchantId: world.intruder.merchantId, mode: MODE_TEST },
          ),
        judge: MISSING_ACCOUNT,
      },
    ],
  ),
  scoped('Authorize', async (client, scope, { owned, own }, options) => {
    const request = {
      ...fresh(scope),
      bookingReference: '',
      paymentId: owned.created,
      cardToken: own.cardToken,
    };
    return await asking(client.authorize.bind(client), AuthorizeRequest.fromPartial(request), options);
  }),
  scoped(
    'CreatePayment',
    async (client, scope, { owned }, options) => {
      const told = { amount: eur(4_400n), providerAccountId: owned.account };
      const captureMethod = CaptureMethod.CAPTURE_METHOD_AUTOMATIC;
      const request = CreatePaymentRequest.fromPartial({ ...fresh(scope), ...told, captureMethod });
      return await asking(client.createPayment.bind(client), request, options);
    },
    { judge: ACCOUNT },
    [
      underForeignOperation('under an operation id of the owner’s', async (client, scope, world, options) => {
        const operationId = world.owned.soldOperation;
        const captureMethod = CaptureMethod.CAPTURE_METHOD_AUTOMATIC;
        const told = { amount: eur(4_400n), captureMethod, operationId };
        const request = CreatePaymentRequest.fromPartial({ ...fresh(scope), ...told });
        return await asking(client.createPayment.bind(client), request, options);
      }),
    ],
  ),
  scoped(
    'Initiate',
    async (client, scope, { owned }, options) => {
      const request = InitiateRequest.fromPartial({
        ...fresh(scope),
        amount: eur(4_400n),
        providerAccountId: owned.account,
        captureMethod: CaptureMethod.CAPTURE_METHOD_AUTOMATIC,
        successUrl: 'https://intruder.example/paid',
        cancelUrl: 'https://intruder.example/back',
        expiresInMinutes: 60,
      });
      return await asking(client.initiate.bind(client), request, options);
    },
    { judge: ACCOUNT },
  ),
  scoped(
    'CreateCaptureSession',
    async (client, scope, _world, options) =>
      await asking(client.createCaptureSession.bind(client), scope, options),
    // In test mode the intruder has a vault of its own, and gets a session there.
    { judge: ends('OK', 'FAILED_PRECONDITION provider_account_missing'), acts: true },
  ),
];

const followUps: readonly Case[] = [
  scoped('Capture', async (client, scope, { owned }, options) => {
    const request = CaptureRequest.fromPartial({ followUp: followUp(scope, owned.held) });
    return await asking(client.capture.bind(client), request, options);
  }),
  scoped('Void', async (client, scope, { owned }, options) => {
    const request = VoidRequest.fromPartial({ followUp: followUp(scope, owned.held) });
    return await asking(client.void.bind(client), request, options);
  }),
  scoped('Refund', async (client, scope, { owned }, options) => {
    const request = RefundRequest.fromPartial({ followUp: followUp(scope, owned.sold) });
    return await asking(client.refund.bind(client), request, options);
  }),
  scoped('Adjust', async (client, scope, { owned }, options) => {
    const request = AdjustRequest.fromPartial({
      followUp: followUp(scope, owned.held),
      amount: eur(13_000n),
    });
    return await asking(client.adjust.bind(client), request, options);
  }),
];

const PAGE = { limit: 100 };

/** What is listed is the asking hotel's, which the owner's objects are not. */
const LISTED = ends('OK');

const reads: readonly Case[] = [
  scoped('GetPayment', async (client, scope, { owned }, options) => {
    const request = { ...scope, paymentId: owned.sold };
    return await asking(client.getPayment.bind(client), request, options);
  }),
  scoped('GetRefund', async (client, scope, { owned }, options) => {
    const request = { ...scope, refundId: owned.refund };
    return await asking(client.getRefund.bind(client), request, options);
  }),
  scoped('GetDispute', async (client, scope, { owned }, options) => {
    const request = { ...scope, disputeId: owned.dispute };
    return await asking(client.getDispute.bind(client), request, options);
  }),
  scoped('ListPaymentEvents', async (client, scope, { owned }, options) => {
    const request = ListPaymentEventsRequest.fromPartial({ ...scope, ...PAGE, paymentId: owned.sold });
    return await asking(client.listPaymentEvents.bind(client), request, options);
  }),
  scoped(
    'ListPayments',
    async (client, scope, { owned }, options) => {
      const request = ListPaymentsRequest.fromPartial({ ...scope, ...PAGE, query: owned.bookingReference });
      return await asking(client.listPayments.bind(client), request, options);
    },
    { judge: both(LISTED, empty('payments')) },
  ),
  scoped('ListRefunds', async (client, scope, { owned }, options) => {
    const request = ListRefundsRequest.fromPartial({ ...scope, ...PAGE, paymentId: owned.sold });
    return await asking(client.listRefunds.bind(client), request, options);
  }),
  scoped(
    'ListDisputes',
    async (client, scope, { owned }, options) => {
      const request = ListDisputesRequest.fromPartial({ ...scope, ...PAGE, paymentId: owned.disputed });
      return await asking(client.listDisputes.bind(client), request, options);
    },
    { judge: both(LISTED, empty('disputes')) },
  ),
];

/** Nothing of that name came back. */
function empty(field: string): Attempt['judge'] {
  return ({ text }) => (text.includes(`"${field}":[]`) ? undefined : `it lists ${text.slice(0, 300)}`);
}

/** Only the operator looks at all hotels at once. */
function ofAll(ask: Ask): Attempt {
  return {
    name: 'for no hotel, which means all, by a service that is not the operator',
    ask: async (world) => await asked(world, ask, { merchantId: '', mode: MODE_TEST }),
    judge: ends('PERMISSION_DENIED forbidden', 'INVALID_ARGUMENT validation_failed'),
  };
}

const listEvents: Ask = async (client, scope, _world, options) => {
  const request = ListProviderEventsRequest.fromPartial({ ...scope, ...PAGE });
  return await asking(client.listProviderEvents.bind(client), request, options);
};
const listUnknown: Ask = async (client, scope, _world, options) => {
  const request = ListUnknownOperationsRequest.fromPartial({ ...scope, ...PAGE });
  return await asking(client.listUnknownOperations.bind(client), request, options);
};
const queue: readonly Signing[] = ['payment-api', 'operator'];

const queues: readonly Case[] = [
  scoped('ListProviderEvents', listEvents, { judge: LISTED, callers: queue }, [ofAll(listEvents)]),
  scoped('ListUnknownOperations', listUnknown, { judge: LISTED, callers: queue }, [ofAll(listUnknown)]),
  scoped(
    'ReplayProviderEvent',
    async (client, scope, { owned }, options) => {
      const request = ReplayProviderEventRequest.fromPartial({ ...scope, eventId: owned.event });
      return await asking(client.replayProviderEvent.bind(client), request, options);
    },
    { callers: queue },
  ),
  scoped(
    'SettleUnknownOperation',
    async (client, scope, { owned }, options) => {
      const verdict = { happened: false, evidence: 'The dashboard shows no such payment.' };
      const request = SettleUnknownOperationRequest.fromPartial({
        ...scope,
        ...verdict,
        operationId: owned.unknown,
      });
      return await asking(client.settleUnknownOperation.bind(client), request, options);
    },
    { callers: queue },
  ),
];

const TRANSACTION = 'centra.transaction.v1.TransactionService';

function received(name: string, account: (world: World) => string, judge: Attempt['judge']): Attempt {
  return {
    name,
    ask: async (world) => {
      const { transaction } = world.clients('payment-api');
      const body = JSON.stringify(aboutOwner(world, {}));
      const request = ReceiveProviderEventRequest.fromPartial({
        provider: 'stripe',
        providerAccountId: account(world),
        rawBody: Buffer.from(body),
        headers: { 'stripe-signature': signatureOf(body, [world.own.webhookSecret]) },
      });
      const options = asService();
      return await asking(transaction.receiveProviderEvent.bind(transaction), request, options);
    },
    judge,
  };
}

const BAD_SIGNATURE = ends('INVALID_ARGUMENT signature_invalid');
const wrongToken = ({ owned }: World): string => `${owned.challenge.slice(0, -2)}__`;

const open: readonly Case[] = [
  between(
    `${TRANSACTION}/ReceiveProviderEvent`,
    ['payment-api'],
    [
      received('at the owner’s account, signed by the intruder', ({ owned }) => owned.account, BAD_SIGNATURE),
      received('at no account, about the owner’s payment, signed by the intruder', () => '', BAD_SIGNATURE),
      received('at the owner’s account without webhooks', ({ owned }) => owned.simulatorAccount, NOT_FOUND),
    ],
  ),
  // The unguessable token of the page is the credential.
  between(
    `${TRANSACTION}/GetSimulatorChallenge`,
    ['payment-api'],
    [
      {
        name: 'with another token',
        ask: async (world) => {
          const { transaction } = world.clients('payment-api');
          const request = GetSimulatorChallengeRequest.fromPartial({ challengeToken: wrongToken(world) });
          const options = asService();
          return await asking(transaction.getSimulatorChallenge.bind(transaction), request, options);
        },
        judge: NOT_FOUND,
      },
    ],
  ),
  between(
    `${TRANSACTION}/AnswerSimulatorChallenge`,
    ['payment-api'],
    [
      {
        name: 'with another token',
        ask: async (world) => {
          const { transaction } = world.clients('payment-api');
          const request = { challengeToken: wrongToken(world), approve: true };
          const asks = AnswerSimulatorChallengeRequest.fromPartial(request);
          const options = asService();
          return await asking(transaction.answerSimulatorChallenge.bind(transaction), asks, options);
        },
        judge: NOT_FOUND,
      },
    ],
  ),
  // It is given the credentials that it checks, and knows of no hotel.
  between(`${TRANSACTION}/CheckProviderCredentials`, ['merchant'], []),
];

export const transactionCalls: readonly Case[] = [...newPayments, ...followUps, ...reads, ...queues, ...open];
