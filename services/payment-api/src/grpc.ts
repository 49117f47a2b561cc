import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { PaymentServiceService } from '@centra/proto/centra/payment/v1/payment.ts';
import type { PaymentServiceServer } from '@centra/proto/centra/payment/v1/payment.ts';
import { unary } from '@centra/service-kit/grpc.ts';
import type { Context } from './context.ts';
import { getPaymentCall } from './payments/get-payment.ts';
import { getPaymentStatusCall } from './payments/get-payment-status.ts';

/** The gRPC side: one line per RPC. */
export function grpcServices(
  context: Context,
): { definition: ServiceDefinition; implementation: UntypedServiceImplementation }[] {
  const { log, metrics, verifier } = context;
  const implementation: PaymentServiceServer = {
    getPayment: unary({ log, metrics, verifier, name: 'GetPayment' }, getPaymentCall(context)),
    getPaymentStatus: unary(
      { log, metrics, verifier, name: 'GetPaymentStatus' },
      getPaymentStatusCall(context),
    ),
  };
  return [{ definition: PaymentServiceService, implementation }];
}
