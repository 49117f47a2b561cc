import { codes, type AmountRule } from './amount-rule.ts';

/**
 * Stripe's amounts, from docs.stripe.com/currencies (presentment list, special cases, minimum and maximum charge
 * amounts) and its archived copies. Codes ISO has withdrawn (ANG, BGN, STD) are left out of Stripe's list.
 */
export const STRIPE_AMOUNT_RULE = {
  form: 'integer',
  currencyForm: 'lower',
  currencies: codes(`
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP
    CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD
    JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN
    NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD
    SZL THB TJS TND TOP TRY TTD TWD TZS UAH USD UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW`),
  refusals: {
    UGX: 'Stripe lists UGX without decimals and also asks for two, so it stays off until seen on a live account',
    IQD: 'IQD is not one of the three-decimal currencies Stripe takes',
    LYD: 'LYD is not one of the three-decimal currencies Stripe takes',
  },
  exponent: 'iso',
  exponentOverrides: {
    // On Stripe's zero-decimal list although ISO gives it two.
    MGA: 0,
    // Zero-decimal since 2023-04-14, still written with two decimals that must be 00. The whole króna of ISO gives
    // a multiple of 100 by itself; 550 coming back would be refused as half a króna.
    ISK: 2,
  },
  multiples: {
    // Three-decimal currencies: Stripe's partners settle in hundredths, so the last digit must be 0.
    // A price of KWD 5.124 is refused here; rounding it is the business of whoever sets the price.
    BHD: 10n,
    JOD: 10n,
    KWD: 10n,
    OMR: 10n,
    TND: 10n,
  },
  // The API reference's width, up to 999,999.99. Hotels in low-value currencies reach it, hence the exceptions.
  digitsMax: 8,
  digitsMaxOverrides: { IDR: 12, LBP: 11, COP: 10, HUF: 10, JPY: 10, INR: 9 },
  // Published per settlement currency. An account settling elsewhere is held to the equivalent of its own minimum,
  // which depends on the day's rate: Stripe answers `amount_too_small` then, and for currencies not listed here.
  minimums: {
    AED: 200n,
    ARS: 50n,
    AUD: 50n,
    BRL: 50n,
    CAD: 50n,
    CHF: 50n,
    COP: 50n,
    CZK: 1500n,
    DKK: 250n,
    EUR: 50n,
    GBP: 30n,
    HKD: 400n,
    HUF: 17_500n,
    IDR: 50n,
    ILS: 50n,
    INR: 50n,
    JPY: 50n,
    KRW: 50n,
    MXN: 1000n,
    MYR: 200n,
    NOK: 300n,
    NZD: 50n,
    PHP: 50n,
    PLN: 200n,
    RON: 200n,
    RUB: 50n,
    SEK: 300n,
    SGD: 50n,
    THB: 1000n,
    USD: 50n,
    ZAR: 50n,
  },
} as const satisfies AmountRule;
