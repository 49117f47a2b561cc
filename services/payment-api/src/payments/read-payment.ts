import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { askTransaction } from '../ask-transaction.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';

// One row by primary key; what takes longer is a fault, and a booking page waits for the answer.
const READ_DEADLINE_MS = 5_000;

/** The caller's payment of that id. Malformed, unknown, another hotel's or of the other mode: all the same 404. */
export async function readPayment(
  context: Context,
  identity: Identity,
  paymentId: string,
  requestId: string,
): Promise<Payment> {
  if (fromPublicId('pay', paymentId) === undefined) throw new AppError('not_found');
  return await askTransaction(
    context.transaction.getPayment.bind(context.transaction),
    { merchantId: identity.merchantId, mode: toMode(identity.mode), paymentId },
    { requestId, deadlineMs: READ_DEADLINE_MS },
  );
}
