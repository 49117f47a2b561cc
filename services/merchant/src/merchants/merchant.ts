import type { Merchant } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { z } from 'zod';
import { plainText } from '../plain-text.ts';
import type { Transaction } from '../tenant.ts';
import { toStateCode } from './merchant-state.ts';
import type { State } from './merchant-state.ts';

/** A merchant's UUID in its one spelling: sealed values are bound to the text. */
export const merchantIdSchema = z.uuid().toLowerCase();

// A hotel has its own site, its booking engine's, and a few languages of each.
const ORIGINS_MAX = 20;

/** What an operator says of a hotel. `isProduction` refuses plain-http origins of the developer's own machine. */
export function merchantSchema(isProduction: boolean) {
  return z.strictObject({
    merchantId: merchantIdSchema,
    name: nameSchema,
    country: countrySchema,
    timeZone: timeZoneSchema,
    defaultCurrency: currencySchema,
    allowedOrigins: originsSchema(isProduction),
  });
}

export const nameSchema = plainText(200);
export const countrySchema = z
  .string()
  .refine(isCountry, 'must be an ISO 3166-1 alpha-2 code in upper case')
  .meta({ description: 'ISO 3166-1 alpha-2', example: 'MA' });
export const timeZoneSchema = z
  .string()
  .refine(isTimeZone, 'must be an IANA time zone such as Africa/Casablanca')
  .meta({ description: 'IANA name', example: 'Africa/Casablanca' });
export const currencySchema = z
  .string()
  .refine(isCurrency, 'must be an ISO 4217 code in upper case')
  .meta({ description: 'ISO 4217', example: 'MAD' });

/** The browser origins of a hotel. `isProduction` refuses plain-http ones of the developer's own machine. */
export function originsSchema(isProduction: boolean) {
  return z
    .array(z.string().refine((origin) => isAllowedOrigin(origin, isProduction), ORIGIN_REASON))
    .max(ORIGINS_MAX)
    .refine((origins) => new Set(origins).size === origins.length, 'names an origin twice');
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

/** Whether it is a country of ISO 3166-1 alpha-2, in upper case. */
export function isCountry(code: string): boolean {
  if (!/^[A-Z]{2}$/.test(code) || NO_COUNTRY.has(code) || regionNames.of(code) === undefined) return false;
  // Withdrawn codes (SU, UK for GB) have another canonical form.
  return new Intl.Locale(`und-${code}`).region === code;
}

// Left out of the charge-able: units of account of a bank group and of the IMF.
const NO_CURRENCY = new Set(['XDR', 'XSU']);
const currencies = new Set(Intl.supportedValuesOf('currency'));

/** Whether it is a currency of ISO 4217 that anything can be priced in, in upper case. */
export function isCurrency(code: string): boolean {
  return currencies.has(code) && !NO_CURRENCY.has(code);
}

/** Whether it is the name of a time zone of the IANA database, in its own spelling. */
export function isTimeZone(name: string): boolean {
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
  const [row] = await tx.execute<MerchantRow[]>(`${MERCHANT_SELECT} where m.merchant_id = ?`, [merchantId]);
  return row === undefined ? undefined : toMerchant(row);
}

export type MerchantRow = {
  merchant_id: string;
  name: string;
  country: string;
  time_zone: string;
  default_currency: string;
  state: State;
  organisation_id: string | null;
  locale: string;
  statement_descriptor: string | null;
  origins: string;
  limits: string;
};

/** What a Merchant is made of, in one statement, with `m` for its row. */
export const MERCHANT_COLUMNS = `
       m.merchant_id, m.name, m.country, m.time_zone, m.default_currency, m.state, m.organisation_id, m.locale,
       m.statement_descriptor,
       coalesce((select jsonb_agg(o.origin order by o.origin) from merchant_origins as o
                  where o.merchant_id = m.merchant_id), '[]')::text as origins,
       coalesce((select jsonb_agg(jsonb_build_object('name', l.name, 'quota', l.quota) order by l.name)
                   from merchant_limits as l where l.merchant_id = m.merchant_id), '[]')::text as limits`;

const MERCHANT_SELECT = `select ${MERCHANT_COLUMNS} from merchants as m`;

const originListSchema = z.array(z.string());
const limitListSchema = z.array(z.strictObject({ name: z.string(), quota: z.int() }));

/** The row as gRPC says it. */
export function toMerchant(row: MerchantRow): Merchant {
  return {
    merchantId: row.merchant_id,
    name: row.name,
    country: row.country,
    timeZone: row.time_zone,
    defaultCurrency: row.default_currency,
    allowedOrigins: originListSchema.parse(JSON.parse(row.origins)),
    limits: limitListSchema.parse(JSON.parse(row.limits)),
    state: toStateCode(row.state),
    organisationId: row.organisation_id ?? '',
    locale: row.locale,
    statementDescriptor: row.statement_descriptor ?? '',
  };
}
