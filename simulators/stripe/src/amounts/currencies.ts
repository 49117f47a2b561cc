// What Stripe accepts as presentment currencies, and its own decimals, which are not always ISO's.

/** Amounts are whole units. MGA is here although ISO gives it two decimals. */
const ZERO_DECIMAL = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf'.split(' '));

/** Amounts are thousandths whose last digit must be 0. */
const THREE_DECIMAL = new Set('bhd jod kwd omr tnd'.split(' '));

const SUPPORTED = new Set(
  (
    'usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve ' +
    'czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw ' +
    'kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr ' +
    'pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst ' +
    'xaf xcd xof xpf yer zar zmw'
  ).split(' '),
);

/** Stripe's published minimum charges, in minor units. */
const MINIMUM_PUBLISHED: Record<string, number> = {
  usd: 50,
  aed: 200,
  aud: 50,
  bgn: 100,
  brl: 50,
  cad: 50,
  chf: 50,
  czk: 1_500,
  dkk: 250,
  eur: 50,
  gbp: 30,
  hkd: 400,
  huf: 17_500,
  inr: 50,
  jpy: 50,
  mxn: 1_000,
  myr: 200,
  nok: 300,
  nzd: 50,
  pln: 200,
  ron: 200,
  sek: 300,
  sgd: 50,
  thb: 1_000,
};

/** Elsewhere Stripe asks for the worth of 50 US cents; these are round figures near it. */
const MINIMUM_ABOUT: Record<string, number> = {
  bhd: 190,
  cop: 200_000,
  dzd: 6_500,
  egp: 2_500,
  idr: 800_000,
  ils: 200,
  isk: 7_000,
  jod: 360,
  krw: 700,
  kwd: 160,
  mad: 500,
  omr: 200,
  php: 3_000,
  qar: 190,
  sar: 190,
  tnd: 1_600,
  try: 2_000,
  twd: 1_600,
  vnd: 13_000,
  xaf: 300,
  xof: 300,
  zar: 900,
};

export type CurrencyRule = {
  /** Smallest charge in minor units. */
  minimum: number;
  maximum: number;
  /** Amounts must be a multiple of this. */
  step: number;
  decimals: 0 | 2 | 3;
};

/** Undefined when Stripe does not charge in this currency. `code` is lower case. */
export function currencyRule(code: string): CurrencyRule | undefined {
  if (!SUPPORTED.has(code)) return undefined;
  return {
    minimum: MINIMUM_PUBLISHED[code] ?? MINIMUM_ABOUT[code] ?? 50,
    // Eight digits; the rupiah is so small that Stripe takes twelve.
    maximum: code === 'idr' ? 999_999_999_999 : 99_999_999,
    // ISO gives the krona no decimals, Stripe wants two that are 00.
    step: code === 'isk' ? 100 : THREE_DECIMAL.has(code) ? 10 : 1,
    decimals: ZERO_DECIMAL.has(code) ? 0 : THREE_DECIMAL.has(code) ? 3 : 2,
  };
}
