import type { Stripe } from 'stripe';
import { z } from 'zod';
import type { CredentialResult } from '../provider.ts';
import { createClient, withinDeadline } from './stripe-client.ts';
import type { StripeApi } from './stripe-client.ts';
import { errorFacts } from './stripe-errors.ts';

const accountSchema = z.object({ object: z.literal('account'), id: z.string().min(1) });

// What can stand in a header at all; Stripe's own keys are letters, digits and underscores of up to 255 characters.
const KEY = /^[\x21-\x7e]{1,255}$/;

/** Whether Stripe takes this key in this mode and the key may do what charging needs. Moves no money, creates nothing. */
export async function checkKey(
  options: StripeApi,
  mode: 'test' | 'live',
  secretKey: string,
): Promise<CredentialResult> {
  const keyMode = /^(?:sk|rk)_(test|live)_/.exec(secretKey)?.[1];
  if (keyMode !== undefined && keyMode !== mode)
    return {
      result: 'wrong_mode',
      message:
        mode === 'test'
          ? 'This is a live key, which moves real money. In test mode enter the key that begins with sk_test_ or rk_test_.'
          : 'This is a test key, which moves no money. In live mode enter the key that begins with sk_live_ or rk_live_.',
      accountName: '',
    };
  if (!KEY.test(secretKey)) return checkFailure(401);
  const client = createClient(options, secretKey);
  try {
    const account = await withinDeadline(options.timeoutMs, client.accounts.retrieveCurrent());
    // The SDK takes any JSON without an error in it for an answer, whatever its HTTP status.
    if (account.lastResponse.statusCode !== 200 || !accountSchema.safeParse(account).success)
      return checkFailure(undefined);
    if (secretKey.startsWith('rk_')) await probePermissions(client, options.timeoutMs);
    const accountName = account.settings?.dashboard?.display_name ?? account.id;
    return { result: 'ok', message: 'Stripe accepts this key.', accountName };
  } catch (error) {
    return checkFailure(errorFacts(error).status);
  }
}

/**
 * Asks for what charging needs in a way that cannot be granted: a payment method of no type, a charge of nothing, a refund
 * of no payment. A key without the permission is refused with 403 before Stripe looks at the rest, and only that counts.
 */
async function probePermissions(client: Stripe, timeoutMs: number): Promise<void> {
  const probes: (() => Promise<unknown>)[] = [
    () => client.paymentMethods.create({}),
    () => client.paymentIntents.create({ amount: 0, currency: 'eur' }),
    () => client.refunds.create({}),
  ];
  for (const probe of probes)
    try {
      await withinDeadline(timeoutMs, probe());
    } catch (error) {
      if (errorFacts(error).status !== 400) throw error;
    }
}

function checkFailure(status: number | undefined): CredentialResult {
  if (status === 401)
    return {
      result: 'rejected',
      message:
        'Stripe does not know this key. Copy it again from Developers → API keys in your Stripe dashboard.',
      accountName: '',
    };
  if (status === 403)
    return {
      result: 'insufficient',
      message:
        'Stripe knows this restricted key, but it may not do all that charging needs: read the account, write payment methods, payment intents and refunds. Give it these permissions or use the secret key.',
      accountName: '',
    };
  return {
    result: 'unreachable',
    message: 'Stripe could not be reached. Nothing was saved; please try again in a few minutes.',
    accountName: '',
  };
}
