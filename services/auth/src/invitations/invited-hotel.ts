import { AppError } from '@centra/service-kit/errors.ts';
import { callMetadata, callUnary, fromServiceError } from '@centra/service-kit/grpc.ts';
import { LOCALES } from '../accounts/user.ts';
import type { Locale } from '../accounts/user.ts';
import type { Context } from '../context.ts';

// Somebody waits before a screen, and inviting again is easy.
const DEADLINE_MS = 1_500;
// What a service needs to come back after a restart.
const RETRY_AFTER_S = 2;

/** What the merchant service calls the hotel, for the mail; 503 while it does not say. */
export async function readHotel(
  context: Context,
  merchantId: string,
  requestId: string,
): Promise<{ name: string; locale: Locale | undefined }> {
  const client = context.merchantClient;
  try {
    const { name, locale } = await callUnary(
      client.getMerchant.bind(client),
      { merchantId },
      { metadata: callMetadata(requestId), deadlineMs: DEADLINE_MS },
    );
    return { name, locale: LOCALES.find((each) => each === locale) };
  } catch (error) {
    const refusal = fromServiceError(error);
    if (refusal.code === 'not_found') throw refusal;
    throw new AppError('unavailable', {
      retryAfterSeconds: RETRY_AFTER_S,
      internal: `the merchant service did not name the hotel: ${refusal.message}`,
      cause: error,
    });
  }
}
