import { createHash } from 'node:crypto';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import type { CorrectionOrigin } from '../payments/corrections.ts';
import { runFollowUp } from '../payments/follow-up.ts';
import type { Payment } from '../payments/payment.ts';
import { VOID_RULE } from '../payments/void.ts';

/**
 * Lets go of a hold that its provider should have let go of: a void of our own, an operation like any other, so that a
 * capture and it can never both win. What is not released is only logged: the next look decides.
 */
export async function releaseHold(
  context: Context,
  payment: Payment,
  origin: CorrectionOrigin,
): Promise<void> {
  const { merchantId, mode, id: paymentId } = payment;
  // A step of the payment for a step of ours: the same look begins one void, a look after a refused one begins another.
  const digest = createHash('sha256').update(`release ${paymentId} ${payment.version}`).digest();
  const facts = { merchantId, paymentId };
  try {
    const { operation } = await runFollowUp(
      context,
      {
        kind: 'void',
        operationId: toUuid(digest),
        merchantId,
        mode,
        fingerprint: digest,
        paymentId,
        money: undefined,
        isFinal: true,
        reason: 'expired',
        options: {},
        ...origin,
      },
      VOID_RULE,
    );
    if (operation.state === 'declined')
      context.log.error(
        { ...facts, operationId: operation.id, failure: operation.failure?.code },
        'the provider keeps a hold past its deadline and refuses to release it',
      );
  } catch (error) {
    // Something else is under way on it, or the provider is away.
    if (!(error instanceof AppError)) throw error;
    context.log.warn({ ...facts, err: error }, 'a hold past its deadline is not released yet');
  }
}

/** A UUID of version 8 (RFC 9562 §5.8) of the digest's first half. */
function toUuid(digest: Buffer): string {
  const bytes = Buffer.from(digest.subarray(0, 16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
