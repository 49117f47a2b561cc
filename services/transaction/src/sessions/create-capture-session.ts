import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  CaptureSession,
  CreateCaptureSessionRequest,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';

/** Opens a one-off session at the merchant's card vault, in which a page may capture one card. */
export async function createCaptureSession(
  context: Context,
  request: CreateCaptureSessionRequest,
  requestId: string,
): Promise<CaptureSession> {
  const mode = request.mode === Mode.MODE_LIVE ? 'live' : 'test';
  const account = await context.accounts.find(request.merchantId, mode, { kind: 'card_vault' }, requestId);
  if (account === undefined)
    throw new AppError('provider_account_missing', { detail: `No card vault is connected in ${mode} mode.` });
  const vault = context.providers.vault(account);
  try {
    return { vault: vault.name, ...(await vault.createSession()) };
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('provider_unreachable', {
      cause: error,
      retryAfterSeconds: 2,
      internal: 'card vault away',
    });
  }
}
