import type { CreateApiKeyRequest, CreateApiKeyResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { createFirstApiKeySchema } from './api-key.ts';
import { issueApiKey } from './issue-api-key.ts';

/** CreateApiKey: the operator gives a merchant the key from which it makes its others. */
export async function createFirstApiKey(
  context: Context,
  request: CreateApiKeyRequest,
  call: CallContext,
): Promise<CreateApiKeyResponse> {
  refuseCardData({ name: request.name });
  const { merchantId, ...wanted } = parseWith(createFirstApiKeySchema, {
    ...request,
    mode: modeWord(request.mode),
  });
  const source = { merchantId, actor: call.caller, requestId: call.requestId, address: call.address };
  const first = { ...wanted, expiresAt: wanted.expiresAt, allowedAddresses: [], rotatedFrom: undefined };
  const { key, text } = await context.orm.em.fork().transactional((tx) => issueApiKey(tx, source, first));
  return { apiKeyId: toPublicId('key', key.id), secret: text.reveal() };
}

/** A mode that is not given stays unknown and is refused: guessing it could hand out a live key for a test one. */
function modeWord(mode: Mode): string | undefined {
  if (mode === Mode.MODE_TEST) return 'test';
  return mode === Mode.MODE_LIVE ? 'live' : undefined;
}
