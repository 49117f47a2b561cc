import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { PaymentServiceService } from '@centra/proto/centra/payment/v1/payment.ts';
import type { PaymentServiceServer } from '@centra/proto/centra/payment/v1/payment.ts';
import { unary } from '@centra/service-kit/grpc.ts';
import type { Context } from './context.ts';
import { adjustPaymentCall } from './payments/adjust-payment.ts';
import { authorizePaymentCall } from './payments/authorize-payment.ts';
import { cancelPaymentCall } from './payments/cancel-payment.ts';
import { capturePaymentCall } from './payments/capture-payment.ts';
import { createPaymentCall, initiatePaymentCall } from './payments/create-payment.ts';
import { getPaymentStatusCall } from './payments/get-payment-status.ts';
import { getPaymentCall } from './payments/get-payment.ts';
import { getQuoteCall } from './quotes/create-quote.ts';
import { refundPaymentCall } from './refunds/create-refund.ts';

// The hotel platform's booking API. It acts for hotels, each by the hotel's own API key.
const CALLERS = ['booking-api'];

/** The gRPC side: one line per RPC. */
export function grpcServices(
  context: Context,
): { definition: ServiceDefinition; implementation: UntypedServiceImplementation }[] {
  const { log, metrics } = context;
  const named = (name: string) => ({ log, metrics, name, callers: CALLERS });
  const implementation: PaymentServiceServer = {
    createPayment: unary(named('CreatePayment'), createPaymentCall(context)),
    authorizePayment: unary(named('AuthorizePayment'), authorizePaymentCall(context)),
    capturePayment: unary(named('CapturePayment'), capturePaymentCall(context)),
    cancelPayment: unary(named('CancelPayment'), cancelPaymentCall(context)),
    adjustPayment: unary(named('AdjustPayment'), adjustPaymentCall(context)),
    refundPayment: unary(named('RefundPayment'), refundPaymentCall(context)),
    initiatePayment: unary(named('InitiatePayment'), initiatePaymentCall(context)),
    getPayment: unary(named('GetPayment'), getPaymentCall(context)),
    getPaymentStatus: unary(named('GetPaymentStatus'), getPaymentStatusCall(context)),
    getQuote: unary(named('GetQuote'), getQuoteCall(context)),
  };
  return [{ definition: PaymentServiceService, implementation }];
}
