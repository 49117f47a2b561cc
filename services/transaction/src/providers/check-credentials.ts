import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { CredentialCheck } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type {
  CheckProviderCredentialsRequest,
  CheckProviderCredentialsResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Context } from '../context.ts';
import type { CredentialResult } from './provider.ts';

const RESULTS = {
  ok: CredentialCheck.CREDENTIAL_CHECK_OK,
  rejected: CredentialCheck.CREDENTIAL_CHECK_REJECTED,
  unreachable: CredentialCheck.CREDENTIAL_CHECK_UNREACHABLE,
  wrong_mode: CredentialCheck.CREDENTIAL_CHECK_WRONG_MODE,
  insufficient: CredentialCheck.CREDENTIAL_CHECK_INSUFFICIENT,
} as const satisfies Record<CredentialResult['result'], CredentialCheck>;

/** Really asks the provider whether credentials work. Moves no money and stores nothing. */
export async function checkProviderCredentials(
  context: Context,
  request: CheckProviderCredentialsRequest,
): Promise<CheckProviderCredentialsResponse> {
  const mode = request.mode === Mode.MODE_LIVE ? 'live' : 'test';
  const credentials = new Map(Object.entries(request.credentials));
  const { result, message, accountName } = await context.providers.checkCredentials(
    request.provider,
    mode,
    credentials,
  );
  return { result: RESULTS[result], message, accountName };
}
