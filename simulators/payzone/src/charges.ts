import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import type { PayzoneAccount } from './account.ts';
import type { Context } from './context.ts';

// Not published; the same as is taken for the launch of the page.
const TOLERANCE_SECONDS = 15 * 60;

/** GET /api/v3/charges/:id. No charge is made here yet, so with a right signature the answer is always 404. */
export function getCharge(
  context: Context,
  mode: PayzoneAccount['mode'],
  request: Request,
  response: Response,
): void {
  const header = (name: string): string => request.get(name) ?? '';
  const missing = ['X-MerchantAccount', 'X-CallerName', 'X-HMAC-Timestamp', 'X-HMAC-Signature'].find(
    (name) => header(name) === '',
  );
  if (missing !== undefined)
    return void response.status(400).json({ status: 'KO', message: `Missing header ${missing}` });
  const account = context.accounts.find(
    (each): each is PayzoneAccount =>
      each.provider === 'payzone' &&
      each.mode === mode &&
      each.merchant_account === header('x-merchantaccount'),
  );
  const isGood =
    account !== undefined &&
    account.state === 'valid' &&
    account.caller_name === header('x-callername') &&
    isFresh(header('x-hmac-timestamp')) &&
    isSigned(account, request.path, header('x-hmac-timestamp'), header('x-hmac-signature'));
  if (!isGood) return void response.status(401).json({ status: 'KO', message: 'Invalid signature' });
  response.status(404).json({ status: 'KO', message: 'Charge not found' });
}

function isFresh(timestamp: string): boolean {
  return /^\d{1,12}$/.test(timestamp) && Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS;
}

/** Hex in either case: integrations differ, and both are known to work. */
function isSigned(account: PayzoneAccount, path: string, timestamp: string, signature: string): boolean {
  const expected = createHmac('sha256', account.caller_password)
    .update(`${account.caller_name}${account.merchant_account}${timestamp}${path}`)
    .digest();
  const given = Buffer.from(/^[0-9a-f]{64}$/i.test(signature) ? signature : '', 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
