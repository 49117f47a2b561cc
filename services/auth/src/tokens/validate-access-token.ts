import { Barrier } from '@centra/proto/centra/auth/v1/auth.ts';
import type {
  ValidateAccessTokenRequest,
  ValidateAccessTokenResponse,
} from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { Context } from '../context.ts';
import type { Grant } from '../grants/grant.ts';
import { verifyAccessToken } from './access-token.ts';

type Outcome = 'valid' | 'barred' | 'not_good' | 'ended';

export type TokenValidationCounter = { inc(labels: { outcome: Outcome }): void };

/** Validations by outcome: a rise of `not_good` is somebody forging tokens. */
export function tokenValidationCounter(metrics: Metrics): TokenValidationCounter {
  return metrics.counter('centra_auth_token_validations_total', 'Validations of access tokens by outcome', [
    'outcome',
  ]);
}

/** ValidateAccessToken: whose token it is, and what that person may do at its hotel now. Every refusal is the same. */
export async function validateAccessToken(
  context: Context,
  request: ValidateAccessTokenRequest,
  call: CallContext,
): Promise<ValidateAccessTokenResponse> {
  const claims = await verifyAccessToken(context, request.token).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'unauthenticated') throw error;
    throw refused(context, call, 'not_good', error.message);
  });
  const { userId, sessionId, merchantId } = claims;
  const grant = await context.grants.find({ userId, sessionId, merchantId });
  if (grant === undefined)
    throw refused(context, call, 'ended', `session ${sessionId} has ended, or its person has left the hotel`);
  context.tokenValidations.inc({ outcome: grant.barrier === undefined ? 'valid' : 'barred' });
  return {
    userId: toPublicId('usr', userId),
    sessionId: toPublicId('ses', sessionId),
    merchantId: merchantId ?? '',
    mode: claims.mode === 'live' ? Mode.MODE_LIVE : Mode.MODE_TEST,
    permissions: grant.barrier === undefined ? [...grant.permissions] : [],
    expiresAt: grant.sessionExpiresAt < claims.expiresAt ? grant.sessionExpiresAt : claims.expiresAt,
    barrier: toBarrier(grant.barrier),
  };
}

function refused(context: Context, call: CallContext, outcome: Outcome, internal: string): AppError {
  context.tokenValidations.inc({ outcome });
  const { requestId, caller } = call;
  context.log.info({ outcome, internal, requestId, caller }, 'access token refused');
  return new AppError('unauthenticated', { internal });
}

function toBarrier(barrier: Grant['barrier']): Barrier {
  switch (barrier) {
    case undefined:
      return Barrier.BARRIER_UNSPECIFIED;
    case 'suspended':
      return Barrier.BARRIER_SUSPENDED;
    case 'second_factor':
      return Barrier.BARRIER_SECOND_FACTOR;
    default:
      throw new Error(`unknown barrier ${String(barrier satisfies never)}`);
  }
}
