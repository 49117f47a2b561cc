import { maskKey, type Account, type AccountKey } from '../accounts/account.ts';
import { hashSecretKey } from '../instance-key.ts';
import type { Store } from '../store/store.ts';
import { StripeError } from './stripe-error.ts';

export type Caller = { account: Account; key: AccountKey; maskedKey: string };

/** Whose key this is, from a Bearer or a Basic header. Throws 401 in Stripe's words. */
export function authenticate(store: Store, authorization: string | undefined): Caller {
  const secretKey = keyFrom(authorization);
  if (!secretKey) {
    const message =
      'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. ' +
      "'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at " +
      'https://support.stripe.com/.';
    throw new StripeError(401, { type: 'invalid_request_error', message });
  }
  const maskedKey = maskKey(secretKey);
  const found = store.keyOf(hashSecretKey(secretKey));
  if (!found)
    throw new StripeError(401, {
      type: 'invalid_request_error',
      message: `Invalid API Key provided: ${maskedKey}`,
    });
  if (found.key.revoked) throw expiredKey(maskedKey);
  return { ...found, maskedKey };
}

export function expiredKey(maskedKey: string): StripeError {
  return new StripeError(401, {
    type: 'invalid_request_error',
    code: 'api_key_expired',
    message: `Expired API Key provided: ${maskedKey}`,
  });
}

/** What the key may not do. */
export function permissionError({ account, maskedKey }: Caller, permission: string): StripeError {
  const message =
    `The provided key '${maskedKey}' does not have the required permissions for this endpoint on account '${account.id}'. Having the ` +
    `'${permission}' permission would allow this request to continue.`;
  return new StripeError(403, { type: 'invalid_request_error', message });
}

/** Acting for another account needs a Connect platform, which these accounts are not. */
export function checkActingAccount({ account, maskedKey }: Caller, actingFor: string | undefined): void {
  if (actingFor === undefined || actingFor === account.id) return;
  const message =
    `The provided key '${maskedKey}' does not have access to account '${actingFor.slice(0, 100)}' (or that account does not exist). ` +
    'Application access may have been revoked.';
  throw new StripeError(403, { type: 'invalid_request_error', code: 'account_invalid', message });
}

/** Longer than any key; keeps a hostile header from being hashed at length. */
const KEY_LENGTH_MAX = 255;

function keyFrom(authorization: string | undefined): string | undefined {
  const [scheme = '', value = ''] = (authorization ?? '').split(' ', 2);
  const key =
    scheme.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString('utf8').split(':', 1)[0] : value;
  const isKnownScheme = /^(basic|bearer)$/i.test(scheme);
  return isKnownScheme && key ? key.slice(0, KEY_LENGTH_MAX) : undefined;
}
