// Stripe's published test cards, from docs.stripe.com/testing. These numbers are public and move no money.
import type { Brand } from './card-number.ts';

/** Why an issuer or the risk engine says no. */
export type Decline = {
  code: string;
  declineCode?: string;
  message: string;
  adviceCode?: 'confirm_card_data' | 'do_not_try_again' | 'try_again_later';
  networkDeclineCode?: string;
  /** `blocked` never reached the network. */
  outcome: 'blocked' | 'issuer_declined';
};

/** When the issuer wants the cardholder to authenticate. */
export type ThreeDSecure = 'always' | 'not_enrolled' | 'required' | 'supported' | 'unless_set_up';

export type CardBehaviour = {
  threeDSecure: ThreeDSecure;
  decline?: Decline;
  riskLevel?: 'elevated' | 'highest';
  /** Declines every increment, and takes neither several captures, overcapture nor an extended hold. */
  declinesFlexibility?: true;
  /** What happens after a successful charge; kept for disputes, refunds and balance. */
  afterwards?:
    | 'bypass_pending'
    | 'dispute_fraudulent'
    | 'dispute_inquiry'
    | 'dispute_product_not_received'
    | 'early_fraud_warning'
    | 'refund_fails'
    | 'refund_pending';
};

export type TestCard = {
  number: string;
  brand: Brand;
  funding: 'credit' | 'debit' | 'prepaid';
  aliases: string[];
  behaviour: string;
};

const declined = (code: string, message: string, more: Partial<Decline> = {}): CardBehaviour => ({
  threeDSecure: 'not_enrolled',
  decline: { code, message, outcome: 'issuer_declined', ...more },
});
const cardDeclined = (
  declineCode: string,
  networkDeclineCode: string,
  adviceCode: NonNullable<Decline['adviceCode']>,
  message = 'Your card was declined.',
) => declined('card_declined', message, { declineCode, networkDeclineCode, adviceCode });

const genericDecline = cardDeclined('generic_decline', '01', 'try_again_later');
const insufficientFunds = cardDeclined(
  'insufficient_funds',
  '51',
  'try_again_later',
  'Your card has insufficient funds.',
);

/** The behaviours by the name that is stored with a payment method; the number itself is never stored. */
export const BEHAVIOURS: Record<string, CardBehaviour> = {
  success: { threeDSecure: 'not_enrolled' },
  generic_decline: genericDecline,
  insufficient_funds: insufficientFunds,
  lost_card: cardDeclined('lost_card', '41', 'do_not_try_again'),
  stolen_card: cardDeclined('stolen_card', '43', 'do_not_try_again'),
  velocity: cardDeclined(
    'card_velocity_exceeded',
    '61',
    'try_again_later',
    'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
  ),
  expired_card: declined('expired_card', 'Your card has expired.', {
    networkDeclineCode: '54',
    adviceCode: 'do_not_try_again',
  }),
  incorrect_cvc: declined('incorrect_cvc', "Your card's security code is incorrect.", {
    networkDeclineCode: '82',
    adviceCode: 'confirm_card_data',
  }),
  processing_error: declined(
    'processing_error',
    'An error occurred while processing your card. Try again in a little bit.',
    {
      networkDeclineCode: '96',
      adviceCode: 'try_again_later',
    },
  ),
  charge_customer_fail: genericDecline,
  authenticate_unless_set_up: { threeDSecure: 'unless_set_up' },
  authenticate_always: { threeDSecure: 'always' },
  authenticate_then_insufficient_funds: { ...insufficientFunds, threeDSecure: 'always' },
  authenticate_then_decline: { ...genericDecline, threeDSecure: 'required' },
  authentication_required: { threeDSecure: 'required' },
  authentication_optional: { threeDSecure: 'supported' },
  radar_block: { ...blocked('highest_risk_level'), riskLevel: 'highest' },
  risk_highest: { ...blocked('highest_risk_level'), riskLevel: 'highest' },
  risk_elevated: { threeDSecure: 'not_enrolled', riskLevel: 'elevated' },
  dispute_fraudulent: { threeDSecure: 'not_enrolled', afterwards: 'dispute_fraudulent' },
  dispute_product_not_received: { threeDSecure: 'not_enrolled', afterwards: 'dispute_product_not_received' },
  dispute_inquiry: { threeDSecure: 'not_enrolled', afterwards: 'dispute_inquiry' },
  early_fraud_warning: { threeDSecure: 'not_enrolled', afterwards: 'early_fraud_warning' },
  refund_pending: { threeDSecure: 'not_enrolled', afterwards: 'refund_pending' },
  refund_fails: { threeDSecure: 'not_enrolled', afterwards: 'refund_fails' },
  declines_flexibility: { threeDSecure: 'not_enrolled', declinesFlexibility: true },
  bypass_pending: { threeDSecure: 'not_enrolled', afterwards: 'bypass_pending' },
};

export const TEST_CARDS: TestCard[] = [
  card('4242424242424242', 'visa', 'success', ['pm_card_visa', 'pm_card_us']),
  card('4000056655665556', 'visa', 'success', ['pm_card_visa_debit'], 'debit'),
  card('4000058400000063', 'visa', 'success', ['pm_card_debit_incrementalAuthAuthorized'], 'debit'),
  card('4000008400000076', 'visa', 'declines_flexibility', ['pm_card_credit_disableEnterpriseCardFeatures']),
  card('5555555555554444', 'mastercard', 'success', ['pm_card_mastercard']),
  card('2223003122003222', 'mastercard', 'success', []),
  card('5200828282828210', 'mastercard', 'success', ['pm_card_mastercard_debit'], 'debit'),
  card('5105105105105100', 'mastercard', 'success', ['pm_card_mastercard_prepaid'], 'prepaid'),
  card('378282246310005', 'amex', 'success', ['pm_card_amex']),
  card('371449635398431', 'amex', 'success', []),
  card('6011111111111117', 'discover', 'success', ['pm_card_discover']),
  card('3056930009020004', 'diners', 'success', ['pm_card_diners']),
  card('3566002020360505', 'jcb', 'success', ['pm_card_jcb']),
  card('6200000000000005', 'unionpay', 'success', ['pm_card_unionpay']),
  card('4000000000000002', 'visa', 'generic_decline', [
    'pm_card_visa_chargeDeclined',
    'pm_card_chargeDeclined',
  ]),
  card('4000000000009995', 'visa', 'insufficient_funds', [
    'pm_card_visa_chargeDeclinedInsufficientFunds',
    'pm_card_chargeDeclinedInsufficientFunds',
  ]),
  card('4000000000009987', 'visa', 'lost_card', [
    'pm_card_visa_chargeDeclinedLostCard',
    'pm_card_chargeDeclinedLostCard',
  ]),
  card('4000000000009979', 'visa', 'stolen_card', [
    'pm_card_visa_chargeDeclinedStolenCard',
    'pm_card_chargeDeclinedStolenCard',
  ]),
  card('4000000000000069', 'visa', 'expired_card', ['pm_card_chargeDeclinedExpiredCard']),
  card('4000000000000127', 'visa', 'incorrect_cvc', ['pm_card_chargeDeclinedIncorrectCvc']),
  card('4000000000000119', 'visa', 'processing_error', ['pm_card_chargeDeclinedProcessingError']),
  card('4000000000006975', 'visa', 'velocity', ['pm_card_visa_chargeDeclinedVelocityLimitExceeded']),
  card('4000000000000341', 'visa', 'charge_customer_fail', ['pm_card_chargeCustomerFail']),
  card('4000002500003155', 'visa', 'authenticate_unless_set_up', ['pm_card_authenticationRequiredOnSetup']),
  card('4000002760003184', 'visa', 'authenticate_always', ['pm_card_authenticationRequired']),
  card('4000008260003178', 'visa', 'authenticate_then_insufficient_funds', [
    'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds',
  ]),
  card('4000008400001629', 'visa', 'authenticate_then_decline', [
    'pm_card_threeDSecureRequiredChargeDeclined',
  ]),
  card('4000000000003220', 'visa', 'authentication_required', ['pm_card_threeDSecure2Required']),
  card('4000000000003055', 'visa', 'authentication_optional', ['pm_card_threeDSecureOptional']),
  card('4100000000000019', 'visa', 'radar_block', ['pm_card_radarBlock']),
  card('4000000000004954', 'visa', 'risk_highest', ['pm_card_riskLevelHighest']),
  card('4000000000009235', 'visa', 'risk_elevated', ['pm_card_riskLevelElevated']),
  card('4000000000000259', 'visa', 'dispute_fraudulent', ['pm_card_createDispute']),
  card('4000000000002685', 'visa', 'dispute_product_not_received', [
    'pm_card_createDisputeProductNotReceived',
  ]),
  card('4000000000001976', 'visa', 'dispute_inquiry', ['pm_card_createDisputeInquiry']),
  card('4000000000005423', 'visa', 'early_fraud_warning', ['pm_card_createIssuerFraudRecord']),
  card('4000000000007726', 'visa', 'refund_pending', ['pm_card_pendingRefund']),
  card('4000000000005126', 'visa', 'refund_fails', ['pm_card_refundFail']),
  card('4000000000000077', 'visa', 'bypass_pending', ['pm_card_bypassPending']),
];

const BY_NUMBER = new Map(TEST_CARDS.map((testCard) => [testCard.number, testCard]));
const BY_ALIAS = new Map(
  TEST_CARDS.flatMap((testCard) => testCard.aliases.map((alias) => [alias, testCard] as const)),
);

export function testCardOf(number: string): TestCard | undefined {
  return BY_NUMBER.get(number);
}

export function testCardOfAlias(alias: string): TestCard | undefined {
  return BY_ALIAS.get(alias);
}

/** How a stored payment method behaves; a card Stripe's table does not name simply works. */
export function behaviourOf(name: string): CardBehaviour {
  return BEHAVIOURS[name] ?? { threeDSecure: 'not_enrolled' };
}

function blocked(reason: string): CardBehaviour & { reason: string } {
  return {
    threeDSecure: 'not_enrolled',
    decline: {
      code: 'card_declined',
      declineCode: 'fraudulent',
      message: 'Your card was declined.',
      outcome: 'blocked',
    },
    reason,
  };
}

function card(
  number: string,
  brand: Brand,
  behaviour: string,
  aliases: string[],
  funding: TestCard['funding'] = 'credit',
): TestCard {
  return { number, brand, funding, aliases, behaviour };
}
