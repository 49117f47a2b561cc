import { z } from 'zod';
import { createChecker, noAnswer, tryJson } from '../credential-check.ts';
import type { Ask, CheckOptions, CheckReply, CredentialChecker } from '../credential-check.ts';
import type { CredentialResult } from '../provider.ts';

const LABEL = 'PayPal';

// What orders, holds with their captures, and refunds ask for (PayPal's own OpenAPI files name them with each call).
const NEEDED_SCOPES = [
  'https://uri.paypal.com/services/payments/realtimepayment',
  'https://uri.paypal.com/services/payments/payment/authcapture',
  'https://uri.paypal.com/services/payments/refund',
];

/** Asks PayPal for a token and, with it, for a payment that cannot exist. */
export function createPaypalCheck(options: CheckOptions): CredentialChecker {
  return createChecker({ ...options, label: LABEL }, async (ask, mode, credentials) => {
    const reply = await askToken(
      ask,
      credentials.get('client_id') ?? '',
      credentials.get('client_secret') ?? '',
    );
    if (reply.status !== 200) return refused(mode, reply);
    const token = tokenSchema.safeParse(tryJson(reply.body)).data;
    if (token === undefined) return noAnswer(LABEL);
    const scopes = new Set(token.scope.split(' '));
    if (!NEEDED_SCOPES.every((scope) => scopes.has(scope))) return mayNotPay();
    return await tryPayments(ask, token);
  });
}

const tokenSchema = z.object({
  access_token: z.string().min(1).max(4_096),
  scope: z.string(),
  app_id: z.string().max(100).optional(),
});

async function askToken(ask: Ask, clientId: string, clientSecret: string): Promise<CheckReply> {
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  return await ask({
    method: 'POST',
    path: '/v1/oauth2/token',
    headers: {
      authorization: `Basic ${basic}`,
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: 'grant_type=client_credentials',
  });
}

function refused(mode: 'test' | 'live', { status, body }: CheckReply): CredentialResult {
  const error = z.object({ error: z.string() }).safeParse(tryJson(body)).data?.error;
  const tab = mode === 'live' ? 'Live' : 'Sandbox';
  if (status === 401)
    return {
      result: 'rejected',
      message: `PayPal does not accept this Client ID with this Secret. Copy both again from the ${tab} tab of Apps & Credentials: those of the other tab do not work in ${mode} mode.`,
      accountName: '',
    };
  if (status === 403 || (status === 400 && error === 'unauthorized_client')) return mayNotPay();
  return noAnswer(LABEL);
}

function mayNotPay(): CredentialResult {
  return {
    result: 'insufficient',
    message:
      'PayPal knows this app, but it may not take payments. Check that the business account is confirmed and that the app has the features for payments, captures and refunds.',
    accountName: '',
  };
}

// Seventeen characters like every id of PayPal's, and none it gives.
const NO_AUTHORIZATION = '00000000000000000';

/** Nothing is found under an id that nothing has; an account that PayPal restricted is refused before it looks. */
async function tryPayments(ask: Ask, token: z.infer<typeof tokenSchema>): Promise<CredentialResult> {
  const reply = await ask({
    method: 'GET',
    path: `/v2/payments/authorizations/${NO_AUTHORIZATION}`,
    headers: { authorization: `Bearer ${token.access_token}`, accept: 'application/json' },
  });
  if (reply.status === 401 || reply.status === 403) return mayNotPay();
  const name = z.object({ name: z.string() }).safeParse(tryJson(reply.body)).data?.name;
  if (reply.status !== 404 || name !== 'RESOURCE_NOT_FOUND') return noAnswer(LABEL);
  return { result: 'ok', message: 'PayPal accepts this app for payments.', accountName: token.app_id ?? '' };
}
