import type { Merchant } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { z } from 'zod';
import { MerchantEntity, MerchantOriginEntity } from '../entities.ts';
import { plainText } from '../plain-text.ts';
import type { Transaction } from '../tenant.ts';

/** A merchant's UUID in its one spelling: sealed values are bound to the text. */
export const merchantIdSchema = z.uuid().toLowerCase();

// A hotel has its own site, its booking engine's, and a few languages of each.
const ORIGINS_MAX = 20;

/** What an operator says of a hotel. `isProduction` refuses plain-http origins of the developer's own machine. */
export function merchantSchema(isProduction: boolean) {
  return z.strictObject({
    merchantId: merchantIdSchema,
    name: plainText(200),
    country: z.string().refine(isCountry, 'must be an ISO 3166-1 alpha-2 code in upper case'),
    timeZone: z.string().refine(isTimeZone, 'must be an IANA time zone such as Africa/Casablanca'),
    defaultCurrency: z.string().refine(isCurrency, 'must be an ISO 4217 code in upper case'),
    allowedOrigins: z
      .array(z.string().refine((origin) => isAllowedOrigin(origin, isProduction), ORIGIN_REASON))
      .max(ORIGINS_MAX)
      .refine((origins) => new Set(origins).size === origins.length, 'names an origin twice'),
  });
}

const ORIGIN_REASON =
  'must be an exact https origin such as https://book.example.com, without path or wildcard';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const HOST = /^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])$/;

/** Whether the text is an origin exactly as a browser sends it, and one that may be trusted. */
export function isAllowedOrigin(text: string, isProduction: boolean): boolean {
  if (text.length > 255 || !URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.origin !== text || !HOST.test(url.hostname)) return false;
  return (
    url.protocol === 'https:' || (url.protocol === 'http:' && !isProduction && LOOPBACK.has(url.hostname))
  );
}

const regionNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
// Known to Unicode but no country of ISO 3166-1: reserved codes, groupings and test values.
const NO_COUNTRY = new Set('AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ'.split(' '));

function isCountry(code: string): boolean {
  if (!/^[A-Z]{2}$/.test(code) || NO_COUNTRY.has(code) || regionNames.of(code) === undefined) return false;
  // Withdrawn codes (SU, UK for GB) have another canonical form.
  return new Intl.Locale(`und-${code}`).region === code;
}

// Left out of the charge-able: units of account of a bank group and of the IMF.
const NO_CURRENCY = new Set(['XDR', 'XSU']);
const currencies = new Set(Intl.supportedValuesOf('currency'));

function isCurrency(code: string): boolean {
  return currencies.has(code) && !NO_CURRENCY.has(code);
}

function isTimeZone(name: string): boolean {
  // Offsets such as +01:00 are accepted by Intl but know no daylight saving.
  if (!/^[A-Z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/.test(name)) return false;
  try {
    const known = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
    // Intl ignores case; Postgres and other readers may not.
    return known === name || known.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

/** The hotel as every service sees it, or undefined. */
export async function findMerchant(tx: Transaction, merchantId: string): Promise<Merchant | undefined> {
  const merchant = await tx.findOne(MerchantEntity, { merchantId });
  if (merchant === null) return undefined;
  const origins = await tx.find(MerchantOriginEntity, { merchantId }, { orderBy: { origin: 'asc' } });
  // Read as SQL: written in the same transaction, and the ORM would answer from what it read before.
  const limits = await tx.execute<{ name: string; quota: number }[]>(
    'select name, quota from merchant_limits where merchant_id = ? order by name',
    [merchantId],
  );
  const { name, country, timeZone, defaultCurrency } = merchant;
  const allowedOrigins = origins.map(({ origin }) => origin);
  return {
    merchantId: merchant.merchantId,
    name,
    country,
    timeZone,
    defaultCurrency,
    allowedOrigins,
    limits: limits.map((limit) => ({ name: limit.name, quota: limit.quota })),
  };
}
