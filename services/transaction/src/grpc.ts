import { TransactionServiceService } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { TransactionServiceServer } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { listenGrpc, unary } from '@centra/service-kit/grpc.ts';
import type { GrpcListening } from '@centra/service-kit/grpc.ts';
import type { Context } from './context.ts';
import { getPayment } from './payments/get-payment.ts';
import { listPayments } from './payments/list-payments.ts';
import { sale } from './payments/sale.ts';
import { checkProviderCredentials } from './providers/check-credentials.ts';
import { createCaptureSession } from './sessions/create-capture-session.ts';

/** Every RPC with the services that may call it. */
export async function startGrpc(context: Context): Promise<GrpcListening> {
  const { log, metrics, verifier } = context;
  const options = (name: string, ...callers: string[]) => ({ log, metrics, verifier, name, callers });
  const implementation: TransactionServiceServer = {
    sale: unary(options('Sale', 'payment-api'), async (request) => await sale(context, request)),
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
  };
  return await listenGrpc([{ definition: TransactionServiceService, implementation }], {
    host: context.config.host,
    port: context.config.grpcPort,
  });
}
