import { TransactionServiceService } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { TransactionServiceServer } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { listenGrpc, unary } from '@centra/service-kit/grpc.ts';
import type { GrpcListening } from '@centra/service-kit/grpc.ts';
import type { Context } from './context.ts';
import { getPayment } from './payments/get-payment.ts';
import { listPayments } from './payments/list-payments.ts';
import { listRefunds } from './refunds/list-refunds.ts';
import { getRefund } from './refunds/get-refund.ts';
import { getDispute } from './disputes/get-dispute.ts';
import { listDisputes } from './disputes/list-disputes.ts';
import { listUnknownOperations } from './operations/list-unknown-operations.ts';
import { settleUnknownOperation } from './operations/settle-unknown-operation.ts';
import { adjust } from './payments/adjust.ts';
import { capture } from './payments/capture.ts';
import { charge } from './payments/charge.ts';
import { createPayment } from './payments/create-payment.ts';
import { initiate } from './payments/initiate.ts';
import { listPaymentEvents } from './payments/list-payment-events.ts';
import { refund } from './payments/refund.ts';
import { voidPayment } from './payments/void.ts';
import { listProviderEvents } from './provider-events/list-provider-events.ts';
import { receiveProviderEvent } from './provider-events/receive-provider-event.ts';
import { replayProviderEvent } from './provider-events/replay-provider-event.ts';
import { answerSimulatorChallenge } from './providers/simulator/answer-challenge.ts';
import { getSimulatorChallenge } from './providers/simulator/get-challenge.ts';
import { checkProviderCredentials } from './providers/check-credentials.ts';
import { countAccountUse } from './providers/count-account-use.ts';
import { createCaptureSession } from './sessions/create-capture-session.ts';

/** Every RPC with the services that may call it. */
export async function startGrpc(context: Context): Promise<GrpcListening> {
  const { log, metrics } = context;
  const options = (name: string, ...callers: string[]) => ({ log, metrics, name, callers });
  const implementation: TransactionServiceServer = {
    sale: unary(options('Sale', 'payment-api'), async (request) => await charge(context, 'sale', request)),
    authorize: unary(
      options('Authorize', 'payment-api'),
      async (request) => await charge(context, 'authorize', request),
    ),
    createPayment: unary(
      options('CreatePayment', 'payment-api'),
      async (request) => await createPayment(context, request),
    ),
    initiate: unary(options('Initiate', 'payment-api'), async (request) => await initiate(context, request)),
    capture: unary(options('Capture', 'payment-api'), async (request) => await capture(context, request)),
    void: unary(options('Void', 'payment-api'), async (request) => await voidPayment(context, request)),
    refund: unary(options('Refund', 'payment-api'), async (request) => await refund(context, request)),
    adjust: unary(options('Adjust', 'payment-api'), async (request) => await adjust(context, request)),
    getRefund: unary(
      options('GetRefund', 'payment-api'),
      async (request) => await getRefund(context, request),
    ),
    listRefunds: unary(
      options('ListRefunds', 'payment-api'),
      async (request) => await listRefunds(context, request),
    ),
    listPaymentEvents: unary(
      options('ListPaymentEvents', 'payment-api'),
      async (request) => await listPaymentEvents(context, request),
    ),
    getDispute: unary(
      options('GetDispute', 'payment-api'),
      async (request) => await getDispute(context, request),
    ),
    listDisputes: unary(
      options('ListDisputes', 'payment-api'),
      async (request) => await listDisputes(context, request),
    ),
    receiveProviderEvent: unary(
      options('ReceiveProviderEvent', 'payment-api'),
      async (request) => await receiveProviderEvent(context, request),
    ),
    listProviderEvents: unary(
      options('ListProviderEvents', 'payment-api', 'operator'),
      async (request, call) => await listProviderEvents(context, request, call),
    ),
    replayProviderEvent: unary(
      options('ReplayProviderEvent', 'payment-api', 'operator'),
      async (request) => await replayProviderEvent(context, request),
    ),
    listUnknownOperations: unary(
      options('ListUnknownOperations', 'payment-api', 'operator'),
      async (request, call) => await listUnknownOperations(context, request, call),
    ),
    settleUnknownOperation: unary(
      options('SettleUnknownOperation', 'payment-api', 'operator'),
      async (request) => await settleUnknownOperation(context, request),
    ),
    getSimulatorChallenge: unary(
      options('GetSimulatorChallenge', 'payment-api'),
      async (request) => await getSimulatorChallenge(context, request),
    ),
    answerSimulatorChallenge: unary(
      options('AnswerSimulatorChallenge', 'payment-api'),
      async (request) => await answerSimulatorChallenge(context, request),
    ),
    getPayment: unary(
      options('GetPayment', 'payment-api'),
      async (request) => await getPayment(context, request),
    ),
    listPayments: unary(
      options('ListPayments', 'payment-api'),
      async (request) => await listPayments(context, request),
    ),
    createCaptureSession: unary(
      options('CreateCaptureSession', 'payment-api'),
      async (request, { requestId }) => await createCaptureSession(context, request, requestId),
    ),
    checkProviderCredentials: unary(
      options('CheckProviderCredentials', 'merchant'),
      async (request) => await checkProviderCredentials(context, request),
    ),
    countAccountUse: unary(
      options('CountAccountUse', 'merchant'),
      async (request) => await countAccountUse(context, request),
    ),
  };
  return await listenGrpc([{ definition: TransactionServiceService, implementation }], {
    host: context.config.host,
    port: context.config.grpcPort,
    tls: context.tls,
  });
}
