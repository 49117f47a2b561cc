import { timingSafeEqual } from 'node:crypto';
import type { ValidateApiKeyRequest, ValidateApiKeyResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { Context } from '../context.ts';
import { hashKeyText, idOfKeyText } from './key-text.ts';

type Outcome = 'valid' | 'malformed' | 'unknown' | 'wrong_secret' | 'revoked' | 'expired';

export type ValidationCounter = { inc(labels: { outcome: Outcome }): void };

/** Validations by outcome: a rise of `unknown` or `wrong_secret` is somebody trying keys. */
export function validationCounter(metrics: Metrics): ValidationCounter {
  return metrics.counter('centra_auth_api_key_validations_total', 'Validations of API keys by outcome', [
    'outcome',
  ]);
}

// Looked up in place of an id that could not be read; no key has it, since ours are version 7.
const NO_ID = '00000000-0000-0000-0000-000000000000';
// Compared with when there is no row, so that a missing key takes the same steps as a wrong secret.
const NO_HASH = hashKeyText('');

/**
 * ValidateApiKey: whose key it is. Every refusal is the same `unauthenticated`, after the same work: one hash, one
 * lookup, one comparison. Which of them it was is for the log and the metrics.
 */
export async function validateApiKey(
  context: Context,
  request: ValidateApiKeyRequest,
  call: CallContext,
): Promise<ValidateApiKeyResponse> {
  const id = idOfKeyText(request.secret);
  // Anything but the text of a key may be megabytes long: a fixed text is hashed in its place.
  const hash = hashKeyText(id === undefined ? NO_ID : request.secret);
  const row = await findKey(context, id ?? NO_ID);
  const matches = timingSafeEqual(hash, row?.secret_hash ?? NO_HASH);
  const outcome = outcomeOf(id, row, matches);
  context.validations.inc({ outcome });
  if (row === undefined || outcome !== 'valid') {
    context.log.info(
      { outcome, keyId: row?.id, requestId: call.requestId, caller: call.caller },
      'API key refused',
    );
    throw new AppError('unauthenticated', { internal: `API key ${outcome}` });
  }
  context.usage.note({ merchantId: row.merchant_id, keyId: row.id, at: row.asked_at });
  return {
    apiKeyId: toPublicId('key', row.id),
    merchantId: row.merchant_id,
    mode: row.mode === 'live' ? Mode.MODE_LIVE : Mode.MODE_TEST,
    scopes: row.scopes,
    expiresAt: row.expires_at ?? undefined,
    allowedAddresses: row.allowed_addresses,
    suspended: row.suspended,
  };
}

type KeyRow = {
  merchant_id: string;
  id: string;
  mode: string;
  scopes: string[];
  secret_hash: Buffer;
  expires_at: Date | null;
  revoked: boolean;
  expired: boolean;
  allowed_addresses: string[];
  suspended: boolean;
  asked_at: Date;
};

async function findKey(context: Context, id: string): Promise<KeyRow | undefined> {
  const { rows } = await context.pool.query<KeyRow>({
    name: 'validate-api-key',
    text: `select merchant_id, id, mode, scopes, secret_hash, expires_at, revoked_at is not null as revoked,
             coalesce(expires_at <= now(), false) as expired, now() as asked_at, allowed_addresses,
             exists (select from merchant_access as access
                     where access.merchant_id = api_keys.merchant_id and access.suspended_at is not null) as suspended
           from api_keys where id = $1`,
    values: [id],
  });
  return rows[0];
}

function outcomeOf(id: string | undefined, row: KeyRow | undefined, matches: boolean): Outcome {
  if (id === undefined) return 'malformed';
  if (row === undefined) return 'unknown';
  if (!matches) return 'wrong_secret';
  if (row.revoked) return 'revoked';
  return row.expired ? 'expired' : 'valid';
}
