import { CaptureMethod, Initiation } from '@centra/proto/centra/payment/v1/payment.ts';
import type {
  CreatePaymentRequest,
  HoldExtras,
  InitiatePaymentRequest,
  PaymentTerms,
} from '@centra/proto/centra/payment/v1/payment.ts';
import { toBodyAmount, withoutEmpty } from './message-body.ts';

/** A new payment as it comes over gRPC, as the body of `POST /v1/payments`: one set of rules and fingerprints for both. */
export function bodyOfCreate(request: CreatePaymentRequest): Record<string, unknown> {
  const { cardToken, returnUrl } = request;
  return { ...termsBody(request.terms), ...withoutEmpty({ card_token: cardToken, return_url: returnUrl }) };
}

/** The same for a payment on the provider's page. */
export function bodyOfInitiate(request: InitiatePaymentRequest): Record<string, unknown> {
  const hosted = {
    success_url: request.successUrl,
    cancel_url: request.cancelUrl,
    ...(request.expiresInMinutes === 0 ? {} : { expires_in_minutes: request.expiresInMinutes }),
  };
  return { ...termsBody(request.terms), hosted };
}

function termsBody(terms: PaymentTerms | undefined): Record<string, unknown> {
  if (terms === undefined) return {};
  return {
    ...toBodyAmount(terms.amount),
    ...withoutEmpty({
      booking_reference: terms.bookingReference,
      description: terms.description,
      provider_account: terms.providerAccountId,
      original_network_transaction_id: terms.originalNetworkTransactionId,
      quote_id: terms.quoteId,
      guest: withoutEmpty({ name: terms.guest?.name, email: terms.guest?.email }),
      metadata: { ...terms.metadata },
      capture_method: captureMethodWord(terms.captureMethod),
      initiation: initiationWord(terms.initiation),
      extras: terms.extras === undefined ? undefined : extrasBody(terms.extras),
      allow_partial_approval: terms.allowPartialApproval,
      retry_soft_declines: terms.retrySoftDeclines,
    }),
  };
}

// A number that the contract does not know is left for the schema to refuse by name, not read as the default.
function captureMethodWord(method: CaptureMethod): string {
  if (method === CaptureMethod.CAPTURE_METHOD_UNSPECIFIED) return '';
  if (method === CaptureMethod.CAPTURE_METHOD_AUTOMATIC) return 'automatic';
  return method === CaptureMethod.CAPTURE_METHOD_MANUAL ? 'manual' : String(method);
}

function initiationWord(initiation: Initiation): string {
  if (initiation === Initiation.INITIATION_UNSPECIFIED) return '';
  if (initiation === Initiation.INITIATION_CUSTOMER) return 'customer';
  if (initiation === Initiation.INITIATION_MERCHANT) return 'merchant';
  return initiation === Initiation.INITIATION_MOTO ? 'moto' : String(initiation);
}

function extrasBody(extras: HoldExtras): Record<string, unknown> {
  return withoutEmpty({
    multiple_capture: extras.multipleCapture,
    incremental: extras.incremental,
    overcapture: extras.overcapture,
    extended: extras.extended,
  });
}
