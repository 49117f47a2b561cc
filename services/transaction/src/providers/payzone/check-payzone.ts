import { createHmac, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { createChecker, noAnswer, tryJson } from '../credential-check.ts';
import type { CheckOptions, CredentialChecker } from '../credential-check.ts';

const LABEL = 'Payzone';

/** Asks the Charges API v3 for a charge that cannot exist: only a caller with the right signature is told so. */
export function createPayzoneCheck(options: CheckOptions): CredentialChecker {
  return createChecker({ ...options, label: LABEL }, async (ask, mode, credentials) => {
    const path = `/api/v3/charges/connection-test-${randomUUID()}`;
    const reply = await ask({ method: 'GET', path, headers: signedHeaders(credentials, path, Date.now()) });
    if (reply.status === 401 || reply.status === 403)
      return {
        result: 'rejected',
        message: `Payzone does not accept this Merchant account with this API caller name and API caller password. Copy all three again from the letter for ${mode === 'live' ? 'the live platform' : 'the sandbox'}: those of the other one do not work in ${mode} mode.`,
        accountName: '',
      };
    // A page in the way may answer 404 too; Payzone's own is JSON with a status.
    const isTheirs = z.object({ status: z.string() }).safeParse(tryJson(reply.body)).success;
    if (reply.status !== 404 || !isTheirs) return noAnswer(LABEL);
    return {
      result: 'ok',
      message:
        'Payzone accepts the Merchant account and the API caller. The Paywall secret key and the Notification key are proven by the first payment.',
      accountName: '',
    };
  });
}

/** Vendor rule: HMAC-SHA256 over caller, account, time in seconds, path and body without separators, in capitals. */
function signedHeaders(
  credentials: ReadonlyMap<string, string>,
  path: string,
  nowMs: number,
): Record<string, string> {
  const merchantAccount = credentials.get('merchant_account') ?? '';
  const callerName = credentials.get('caller_name') ?? '';
  const timestamp = String(Math.floor(nowMs / 1000));
  const signature = createHmac('sha256', credentials.get('caller_password') ?? '')
    .update(`${callerName}${merchantAccount}${timestamp}${path}`)
    .digest('hex')
    .toUpperCase();
  return {
    accept: 'application/json',
    'content-type': 'application/json',
    'x-merchantaccount': merchantAccount,
    'x-callername': callerName,
    'x-hmac-timestamp': timestamp,
    'x-hmac-signature': signature,
  };
}
