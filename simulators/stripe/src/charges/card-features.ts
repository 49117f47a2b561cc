// What a hotel (merchant category 7011) may do with a card authorisation, from docs.stripe.com/payments: multicapture,
// incremental-authorization, overcapture, extended-authorization and place-a-hold-on-a-payment-method.
import type { Brand } from '../payment-methods/card-number.ts';

export const CARD_FEATURES = [
  'multicapture',
  'incremental_authorization',
  'overcapture',
  'extended_authorization',
] as const;
export type CardFeature = (typeof CARD_FEATURES)[number];

/** What Stripe has switched on for an account; in life these come with a pricing plan. */
export type CardFeatures = Record<CardFeature, boolean>;

export const ALL_CARD_FEATURES: CardFeatures = {
  multicapture: true,
  incremental_authorization: true,
  overcapture: true,
  extended_authorization: true,
};

/** The networks that offer a feature to lodging; Mastercard lets only restaurants overcapture. */
const BRANDS: Record<CardFeature, readonly Brand[]> = {
  multicapture: ['visa', 'mastercard', 'amex', 'discover', 'diners', 'jcb', 'unionpay'],
  incremental_authorization: ['visa', 'mastercard', 'amex', 'discover'],
  overcapture: ['visa', 'amex', 'discover'],
  extended_authorization: ['visa', 'mastercard', 'amex', 'discover'],
};

export function isOffered(feature: CardFeature, brand: Brand): boolean {
  return BRANDS[feature].includes(brand);
}

/** Lodging may capture 15 per cent more than was authorised, on every network that allows it. */
const OVERCAPTURE_PERCENT = 15;

/** The most an overcapture may come to, in minor units, rounded down. */
export function overcaptureMaximum(amountAuthorized: number): number {
  return Math.floor((amountAuthorized * (100 + OVERCAPTURE_PERCENT)) / 100);
}

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
/** Visa's windows end six hours early, to allow time for clearing. */
const VISA_CLEARING_S = 6 * HOUR_S;

/**
 * How long an authorisation lasts, in seconds: 7 days; 4 days and 18 hours for Visa when the cardholder was away; extended
 * 30 days, and 29 days and 18 hours for Visa.
 */
export function authorizationLifetimeS(
  brand: Brand,
  { extended, merchantInitiated }: { extended: boolean; merchantInitiated: boolean },
): number {
  if (extended) return 30 * DAY_S - (brand === 'visa' ? VISA_CLEARING_S : 0);
  return brand === 'visa' && merchantInitiated ? 5 * DAY_S - VISA_CLEARING_S : 7 * DAY_S;
}
