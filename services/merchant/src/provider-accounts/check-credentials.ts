import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode as ModeCode } from '@centra/proto/centra/money/v1/money.ts';
import { CredentialCheck } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { CheckProviderCredentialsResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { callMetadata, callUnary, isServiceError } from '@centra/service-kit/grpc.ts';
import type { Context } from '../context.ts';
import type { Mode } from '../entities.ts';
import { fieldOfOtherMode, revealAll } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import type { Provider } from './provider-form.ts';

/** What came of asking the provider. */
export type CheckResult = 'ok' | 'rejected' | 'unreachable' | 'wrong_mode' | 'insufficient';
export type CredentialsCheck = {
  result: CheckResult;
  /** Words for hotel staff. */
  message: string;
  /** How the provider names the account, when it told. */
  accountName: string | null;
};

// A provider answers such a question in under a second; 15 s covers a slow day and fits a browser's patience.
const CHECK_DEADLINE_MS = 15_000;
const MESSAGE_MAX = 500;

/**
 * Asks the provider, through the transaction service, whether the credentials work. A key that says itself that it is of
 * the other mode is never sent. Throws `unavailable` (503) when the transaction service cannot be asked.
 */
export async function checkCredentials(
  context: Context,
  requestId: string,
  provider: Provider,
  mode: Mode,
  credentials: Credentials,
): Promise<CredentialsCheck> {
  const check = await ask(context, requestId, provider, mode, credentials);
  context.connectionTests.inc({ provider: provider.name, result: check.result });
  return check;
}

async function ask(
  context: Context,
  requestId: string,
  provider: Provider,
  mode: Mode,
  credentials: Credentials,
): Promise<CredentialsCheck> {
  const wrong = fieldOfOtherMode(provider, mode, credentials);
  if (wrong !== undefined)
    return wrongMode(mode, `The field ${wrong.name} holds`, wrong.options === undefined ? 'key' : 'choice');
  const request = {
    provider: provider.name,
    mode: mode === 'live' ? ModeCode.MODE_LIVE : ModeCode.MODE_TEST,
    credentials: revealAll(credentials),
  };
  try {
    const { transactionClient: client } = context;
    const answer = await callUnary(client.checkProviderCredentials.bind(client), request, {
      metadata: callMetadata(requestId),
      deadlineMs: CHECK_DEADLINE_MS,
    });
    return fromAnswer(provider, mode, answer);
  } catch (error) {
    return afterFailedCall(provider, error);
  }
}

/** Throws the refusal that a check amounts to when the credentials were to be saved. Nothing has been. */
export function refuseUnlessOk(check: CredentialsCheck): void {
  switch (check.result) {
    case 'ok':
      return;
    case 'unreachable':
      throw new AppError('provider_unreachable', { detail: check.message, retryAfterSeconds: 5 });
    case 'rejected':
    case 'wrong_mode':
    case 'insufficient':
      throw new AppError('provider_credentials_rejected', {
        detail: check.message,
        extra: { result: check.result },
      });
    default:
      throw new Error(`no rule for ${String(check.result satisfies never)}`);
  }
}

function wrongMode(mode: Mode, what: string, thing: 'key' | 'choice'): CredentialsCheck {
  const other = mode === 'live' ? 'test' : 'live';
  const message = `${what} a ${other} ${thing}, but this account is for ${mode} mode. Use the ${mode} ${thing}, or connect it in ${other} mode.`;
  return { result: 'wrong_mode', message, accountName: null };
}

function fromAnswer(
  provider: Provider,
  mode: Mode,
  answer: CheckProviderCredentialsResponse,
): CredentialsCheck {
  const { label } = provider;
  const accountName = answer.accountName === '' ? null : answer.accountName.slice(0, MESSAGE_MAX);
  const said = answer.message.slice(0, MESSAGE_MAX);
  const say = (result: CheckResult, fallback: string): CredentialsCheck => ({
    result,
    message: said === '' ? fallback : said,
    accountName,
  });
  switch (answer.result) {
    case CredentialCheck.CREDENTIAL_CHECK_OK:
      return say('ok', `${label} accepted the credentials.`);
    case CredentialCheck.CREDENTIAL_CHECK_REJECTED:
      return say('rejected', `${label} did not accept these credentials.`);
    case CredentialCheck.CREDENTIAL_CHECK_UNREACHABLE:
      return say('unreachable', `${label} could not be reached. Try again in a moment.`);
    case CredentialCheck.CREDENTIAL_CHECK_INSUFFICIENT:
      return say(
        'insufficient',
        `${label} accepted the credentials, but they lack a permission that charging needs.`,
      );
    case CredentialCheck.CREDENTIAL_CHECK_WRONG_MODE:
      return { ...wrongMode(mode, `According to ${label} this is`, 'key'), accountName };
    default:
      // An answer that we do not understand must never count as a yes.
      throw new Error(`the transaction service answered ${answer.result}`);
  }
}

function afterFailedCall(provider: Provider, error: unknown): CredentialsCheck {
  if (!isServiceError(error)) throw error;
  if (error.code === grpcStatus.DEADLINE_EXCEEDED) {
    const message = `${provider.label} did not answer in time. Try again in a moment.`;
    return { result: 'unreachable', message, accountName: null };
  }
  if (error.code === grpcStatus.UNAVAILABLE || error.code === grpcStatus.RESOURCE_EXHAUSTED)
    throw new AppError('unavailable', {
      cause: error,
      retryAfterSeconds: 1,
      internal: 'transaction cannot be asked',
    });
  // Its refusals speak about this service's own call, never about the hotel's request.
  throw new AppError('internal', { cause: error, internal: `credential check failed: ${error.message}` });
}
