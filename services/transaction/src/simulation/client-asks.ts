import { createHash } from 'node:crypto';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { CaptureMethod, Initiation } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type {
  FollowUp,
  PaymentOptions,
  SaleRequest,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { adjust } from '../payments/adjust.ts';
import { capture } from '../payments/capture.ts';
import { charge } from '../payments/charge.ts';
import { createPayment } from '../payments/create-payment.ts';
import { STATUSES, toStatusMessage } from '../payments/payment.ts';
import { refund } from '../payments/refund.ts';
import { voidPayment } from '../payments/void.ts';

/** What a client can ask for; amounts in minor units, undefined: all that is left. */
export type AskKind = 'create' | 'sale' | 'authorize' | 'pay' | 'capture' | 'void' | 'refund' | 'adjust';
export type AskFacts = {
  operationId: string;
  kind: AskKind;
  amountMinor: bigint | undefined;
  keepOpen: boolean;
  /** Of what makes a payment. */
  makes: Making;
};
export type Making = {
  merchantId: string;
  accountId: string;
  isManual: boolean;
  amountMinor: bigint;
  isMerchantInitiated: boolean;
  hasReturnUrl: boolean;
  extras: { multipleCapture: boolean; incremental: boolean; overcapture: boolean; extended: boolean };
};

/** An answer as a client sees it. `view` is all of it that must never differ between two final answers. */
export type Reply = { state: 'succeeded' | 'declined' | 'open'; paymentId: string; view: string };

const CURRENCY = 'EUR';
const ORIGIN = { actor: 'api_key:key_simulation', requestId: 'req_simulation', address: '192.0.2.7' };

/** Asks one instance, as the RPC of that name would. Throws its refusals. */
export async function send(context: Context, asked: AskFacts, paymentId: string): Promise<Reply> {
  const { kind, makes, keepOpen } = asked;
  const amount =
    asked.amountMinor === undefined ? undefined : { amountMinor: asked.amountMinor, currency: CURRENCY };
  const followUp = followUpOf(asked, paymentId);
  switch (kind) {
    case 'create': {
      const captureMethod = makes.isManual
        ? CaptureMethod.CAPTURE_METHOD_MANUAL
        : CaptureMethod.CAPTURE_METHOD_AUTOMATIC;
      const { payment } = await createPayment(context, { ...saleOf(asked), captureMethod });
      return { ...replyOf(payment), state: 'succeeded' };
    }
    case 'sale':
    case 'authorize':
      return replyOf((await charge(context, kind, saleOf(asked))).payment);
    case 'pay':
      return replyOf((await charge(context, 'authorize', { ...saleOf(asked), paymentId })).payment);
    case 'capture':
      return withState(await capture(context, { followUp, amount, keepOpen }));
    case 'void':
      return withState(await voidPayment(context, { followUp, reason: '' }));
    case 'refund':
      return withState(await refund(context, { followUp, amount, reason: '', metadata: {} }));
    case 'adjust':
      return withState(await adjust(context, { followUp, amount }));
    default:
      throw new Error(`no call for ${String(kind satisfies never)}`);
  }
}

function saleOf({ operationId, makes }: AskFacts): SaleRequest {
  return {
    operationId,
    merchantId: makes.merchantId,
    mode: Mode.MODE_TEST,
    requestFingerprint: FINGERPRINT,
    amount: { amountMinor: makes.amountMinor, currency: CURRENCY },
    cardToken: 'card_simulation',
    bookingReference: 'BK-1',
    guest: { name: 'Ada Lovelace', email: 'ada@example.com' },
    description: 'Two nights',
    metadata: {},
    returnUrl: makes.hasReturnUrl ? 'https://hotel.example.com/back' : '',
    providerAccountId: toPublicId('pa', makes.accountId),
    origin: ORIGIN,
    paymentId: '',
    options: optionsOf(makes),
  };
}

const FINGERPRINT = createHash('sha256').update('a request').digest();

function optionsOf({ isMerchantInitiated, extras }: Making): PaymentOptions {
  return {
    initiation: isMerchantInitiated ? Initiation.INITIATION_MERCHANT : Initiation.INITIATION_CUSTOMER,
    originalNetworkTransactionId: '',
    extras,
    allowPartialApproval: false,
    retrySoftDeclines: isMerchantInitiated,
    quoteId: '',
    quoteHash: '',
    routingHints: undefined,
  };
}

function followUpOf({ operationId, makes }: AskFacts, paymentId: string): FollowUp {
  return {
    operationId,
    merchantId: makes.merchantId,
    mode: Mode.MODE_TEST,
    requestFingerprint: FINGERPRINT,
    paymentId,
    origin: ORIGIN,
  };
}

type FollowUpReply = { payment?: Payment | undefined; state: OperationState };

function withState({ payment, state }: FollowUpReply): Reply {
  const { paymentId, view } = replyOf(payment);
  const word =
    state === OperationState.OPERATION_STATE_SUCCEEDED
      ? 'succeeded'
      : state === OperationState.OPERATION_STATE_DECLINED
        ? 'declined'
        : 'open';
  return { paymentId, view: `${word}; ${view}`, state: word };
}

function replyOf(payment: Payment | undefined): Reply {
  if (payment === undefined) throw new Error('the answer holds no payment');
  const status = STATUSES.find((word) => toStatusMessage(word) === payment.status) ?? 'unknown';
  const { version, authorizedMinor, capturedMinor, refundedMinor } = payment;
  const pending = payment.authorizePendingMinor + payment.capturePendingMinor + payment.refundPendingMinor;
  const isOpen = status === 'created' || status === 'processing' || status === 'requires_action';
  return {
    paymentId: payment.paymentId,
    state: isOpen ? 'open' : status === 'failed' || status === 'canceled' ? 'declined' : 'succeeded',
    view:
      `${status} v${version}, held ${authorizedMinor}, collected ${capturedMinor}, given back ${refundedMinor}, ` +
      `pending ${pending}${payment.failure === undefined ? '' : `, ${payment.failure.code}`}`,
  };
}
