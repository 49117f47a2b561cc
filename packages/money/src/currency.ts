import { MoneyError } from './money-error.ts';

/**
 * The currencies a guest can be charged in: ISO 4217 list one as published on 2026-01-01 by its maintenance
 * agency (SIX), with the three-digit numeric code and the exponent (decimals of the minor unit).
 *
 * Left out because nobody pays with them: codes without a minor unit (metals, XXX, XTS, XDR, XSU, XUA, bond units),
 * funds codes (BOV CHE CHW CLF COU MXV USN UYI), and the units of account UYW and XAD.
 *
 * Exponents are never taken from Intl: its data answers 0 decimals for HUF, IQD, IDR, COP and MGA.
 * Numeric codes are text, since 048 and 012 lose their zero as numbers.
 */
export const CURRENCIES = {
  AED: { numeric: '784', exponent: 2 },
  AFN: { numeric: '971', exponent: 2 },
  ALL: { numeric: '008', exponent: 2 },
  AMD: { numeric: '051', exponent: 2 },
  AOA: { numeric: '973', exponent: 2 },
  ARS: { numeric: '032', exponent: 2 },
  AUD: { numeric: '036', exponent: 2 },
  AWG: { numeric: '533', exponent: 2 },
  AZN: { numeric: '944', exponent: 2 },
  BAM: { numeric: '977', exponent: 2 },
  BBD: { numeric: '052', exponent: 2 },
  BDT: { numeric: '050', exponent: 2 },
  BHD: { numeric: '048', exponent: 3 },
  BIF: { numeric: '108', exponent: 0 },
  BMD: { numeric: '060', exponent: 2 },
  BND: { numeric: '096', exponent: 2 },
  BOB: { numeric: '068', exponent: 2 },
  BRL: { numeric: '986', exponent: 2 },
  BSD: { numeric: '044', exponent: 2 },
  BTN: { numeric: '064', exponent: 2 },
  BWP: { numeric: '072', exponent: 2 },
  BYN: { numeric: '933', exponent: 2 },
  BZD: { numeric: '084', exponent: 2 },
  CAD: { numeric: '124', exponent: 2 },
  CDF: { numeric: '976', exponent: 2 },
  CHF: { numeric: '756', exponent: 2 },
  CLP: { numeric: '152', exponent: 0 },
  CNY: { numeric: '156', exponent: 2 },
  COP: { numeric: '170', exponent: 2 },
  CRC: { numeric: '188', exponent: 2 },
  CUP: { numeric: '192', exponent: 2 },
  CVE: { numeric: '132', exponent: 2 },
  CZK: { numeric: '203', exponent: 2 },
  DJF: { numeric: '262', exponent: 0 },
  DKK: { numeric: '208', exponent: 2 },
  DOP: { numeric: '214', exponent: 2 },
  DZD: { numeric: '012', exponent: 2 },
  EGP: { numeric: '818', exponent: 2 },
  ERN: { numeric: '232', exponent: 2 },
  ETB: { numeric: '230', exponent: 2 },
  EUR: { numeric: '978', exponent: 2 },
  FJD: { numeric: '242', exponent: 2 },
  FKP: { numeric: '238', exponent: 2 },
  GBP: { numeric: '826', exponent: 2 },
  GEL: { numeric: '981', exponent: 2 },
  GHS: { numeric: '936', exponent: 2 },
  GIP: { numeric: '292', exponent: 2 },
  GMD: { numeric: '270', exponent: 2 },
  GNF: { numeric: '324', exponent: 0 },
  GTQ: { numeric: '320', exponent: 2 },
  GYD: { numeric: '328', exponent: 2 },
  HKD: { numeric: '344', exponent: 2 },
  HNL: { numeric: '340', exponent: 2 },
  HTG: { numeric: '332', exponent: 2 },
  HUF: { numeric: '348', exponent: 2 },
  IDR: { numeric: '360', exponent: 2 },
  ILS: { numeric: '376', exponent: 2 },
  INR: { numeric: '356', exponent: 2 },
  IQD: { numeric: '368', exponent: 3 },
  IRR: { numeric: '364', exponent: 2 },
  ISK: { numeric: '352', exponent: 0 },
  JMD: { numeric: '388', exponent: 2 },
  JOD: { numeric: '400', exponent: 3 },
  JPY: { numeric: '392', exponent: 0 },
  KES: { numeric: '404', exponent: 2 },
  KGS: { numeric: '417', exponent: 2 },
  KHR: { numeric: '116', exponent: 2 },
  KMF: { numeric: '174', exponent: 0 },
  KPW: { numeric: '408', exponent: 2 },
  KRW: { numeric: '410', exponent: 0 },
  KWD: { numeric: '414', exponent: 3 },
  KYD: { numeric: '136', exponent: 2 },
  KZT: { numeric: '398', exponent: 2 },
  LAK: { numeric: '418', exponent: 2 },
  LBP: { numeric: '422', exponent: 2 },
  LKR: { numeric: '144', exponent: 2 },
  LRD: { numeric: '430', exponent: 2 },
  LSL: { numeric: '426', exponent: 2 },
  LYD: { numeric: '434', exponent: 3 },
  MAD: { numeric: '504', exponent: 2 },
  MDL: { numeric: '498', exponent: 2 },
  MGA: { numeric: '969', exponent: 2 },
  MKD: { numeric: '807', exponent: 2 },
  MMK: { numeric: '104', exponent: 2 },
  MNT: { numeric: '496', exponent: 2 },
  MOP: { numeric: '446', exponent: 2 },
  MRU: { numeric: '929', exponent: 2 },
  MUR: { numeric: '480', exponent: 2 },
  MVR: { numeric: '462', exponent: 2 },
  MWK: { numeric: '454', exponent: 2 },
  MXN: { numeric: '484', exponent: 2 },
  MYR: { numeric: '458', exponent: 2 },
  MZN: { numeric: '943', exponent: 2 },
  NAD: { numeric: '516', exponent: 2 },
  NGN: { numeric: '566', exponent: 2 },
  NIO: { numeric: '558', exponent: 2 },
  NOK: { numeric: '578', exponent: 2 },
  NPR: { numeric: '524', exponent: 2 },
  NZD: { numeric: '554', exponent: 2 },
  OMR: { numeric: '512', exponent: 3 },
  PAB: { numeric: '590', exponent: 2 },
  PEN: { numeric: '604', exponent: 2 },
  PGK: { numeric: '598', exponent: 2 },
  PHP: { numeric: '608', exponent: 2 },
  PKR: { numeric: '586', exponent: 2 },
  PLN: { numeric: '985', exponent: 2 },
  PYG: { numeric: '600', exponent: 0 },
  QAR: { numeric: '634', exponent: 2 },
  RON: { numeric: '946', exponent: 2 },
  RSD: { numeric: '941', exponent: 2 },
  RUB: { numeric: '643', exponent: 2 },
  RWF: { numeric: '646', exponent: 0 },
  SAR: { numeric: '682', exponent: 2 },
  SBD: { numeric: '090', exponent: 2 },
  SCR: { numeric: '690', exponent: 2 },
  SDG: { numeric: '938', exponent: 2 },
  SEK: { numeric: '752', exponent: 2 },
  SGD: { numeric: '702', exponent: 2 },
  SHP: { numeric: '654', exponent: 2 },
  SLE: { numeric: '925', exponent: 2 },
  SOS: { numeric: '706', exponent: 2 },
  SRD: { numeric: '968', exponent: 2 },
  SSP: { numeric: '728', exponent: 2 },
  STN: { numeric: '930', exponent: 2 },
  SVC: { numeric: '222', exponent: 2 },
  SYP: { numeric: '760', exponent: 2 },
  SZL: { numeric: '748', exponent: 2 },
  THB: { numeric: '764', exponent: 2 },
  TJS: { numeric: '972', exponent: 2 },
  TMT: { numeric: '934', exponent: 2 },
  TND: { numeric: '788', exponent: 3 },
  TOP: { numeric: '776', exponent: 2 },
  TRY: { numeric: '949', exponent: 2 },
  TTD: { numeric: '780', exponent: 2 },
  TWD: { numeric: '901', exponent: 2 },
  TZS: { numeric: '834', exponent: 2 },
  UAH: { numeric: '980', exponent: 2 },
  UGX: { numeric: '800', exponent: 0 },
  USD: { numeric: '840', exponent: 2 },
  UYU: { numeric: '858', exponent: 2 },
  UZS: { numeric: '860', exponent: 2 },
  VED: { numeric: '926', exponent: 2 },
  VES: { numeric: '928', exponent: 2 },
  VND: { numeric: '704', exponent: 0 },
  VUV: { numeric: '548', exponent: 0 },
  WST: { numeric: '882', exponent: 2 },
  XAF: { numeric: '950', exponent: 0 },
  XCD: { numeric: '951', exponent: 2 },
  XCG: { numeric: '532', exponent: 2 },
  XOF: { numeric: '952', exponent: 0 },
  XPF: { numeric: '953', exponent: 0 },
  YER: { numeric: '886', exponent: 2 },
  ZAR: { numeric: '710', exponent: 2 },
  ZMW: { numeric: '967', exponent: 2 },
  ZWG: { numeric: '924', exponent: 2 },
} as const satisfies Record<string, { numeric: string; exponent: 0 | 2 | 3 }>;

/** An ISO 4217 alphabetic code from {@link CURRENCIES}, upper case. */
export type CurrencyCode = keyof typeof CURRENCIES;

/** Every code of the table, in alphabetical order. */
export const CURRENCY_CODES: readonly CurrencyCode[] = Object.freeze(
  Object.keys(CURRENCIES).filter(isCurrency),
);

/** True for an upper-case code of the table only: `usd`, `US$`, `XXX` and `__proto__` are not currencies. */
export function isCurrency(code: string): code is CurrencyCode {
  return typeof code === 'string' && Object.hasOwn(CURRENCIES, code);
}

/** How many decimals the minor unit stands for: JPY 0, MAD 2, KWD 3. Throws `unknown_currency`. */
export function exponentOf(code: string): number {
  return CURRENCIES[requireCurrency(code)].exponent;
}

/** The ISO numeric code as three characters (`504`, `048`), as CMI wants it. Throws `unknown_currency`. */
export function numericOf(code: string): string {
  return CURRENCIES[requireCurrency(code)].numeric;
}

/** Returns the code, narrowed, or throws `unknown_currency`. */
export function requireCurrency(code: string): CurrencyCode {
  if (isCurrency(code)) return code;
  throw new MoneyError('unknown_currency', 'the currency is not an upper-case ISO 4217 code in use');
}
