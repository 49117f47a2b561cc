/** Why nothing was collected, captured, released, raised or given back, in our own stable words. */
export type Failure = { code: FailureCode; message: string; retryable: boolean };

type FailureSpec = {
  /** May be shown to a guest. */
  message: string;
  /** Whether the same card may be tried again later. */
  retryable: boolean;
  /** Whether it is about the card (402 card_declined) or about something else (402 payment_failed). */
  aboutCard: boolean;
};

const TRY_ANOTHER = 'The bank declined this card. Please use another card or ask the bank.';

/** Every reason a payment can fail for; docs/errors.md is generated from it. Lost and stolen say no more than a decline. */
export const FAILURES = {
  card_declined: { message: TRY_ANOTHER, retryable: false, aboutCard: true },
  insufficient_funds: { message: 'The card has insufficient funds.', retryable: true, aboutCard: true },
  lost_card: { message: TRY_ANOTHER, retryable: false, aboutCard: true },
  stolen_card: { message: TRY_ANOTHER, retryable: false, aboutCard: true },
  expired_card: { message: 'The card has expired.', retryable: false, aboutCard: true },
  incorrect_cvc: { message: 'The security code is not correct.', retryable: false, aboutCard: true },
  incorrect_number: { message: 'The card number is not correct.', retryable: false, aboutCard: true },
  invalid_expiry: { message: 'The expiry date is not correct.', retryable: false, aboutCard: true },
  processing_error: {
    message: 'The bank could not process the card. Please try again.',
    retryable: true,
    aboutCard: true,
  },
  try_again_later: { message: 'The bank asks to try again later.', retryable: true, aboutCard: true },
  authentication_required: {
    message: 'The bank wants the card holder to confirm this payment, which is not possible here.',
    retryable: false,
    aboutCard: true,
  },
  authentication_failed: {
    message: 'The bank could not confirm that you are the card holder.',
    retryable: true,
    aboutCard: true,
  },
  authentication_abandoned: {
    message: "The bank's confirmation was not finished in time.",
    retryable: true,
    aboutCard: true,
  },
  suspected_fraud: { message: TRY_ANOTHER, retryable: false, aboutCard: true },
  card_not_supported: {
    message: 'This kind of card or purchase is not supported.',
    retryable: false,
    aboutCard: true,
  },
  card_token_invalid: {
    message: 'The card details are no longer available. Please enter the card again.',
    retryable: false,
    aboutCard: true,
  },
  provider_credentials_rejected: {
    message: 'The hotel cannot take card payments at the moment.',
    retryable: false,
    aboutCard: false,
  },
  provider_refused: { message: 'The payment could not be made.', retryable: false, aboutCard: false },
  not_charged: {
    message: 'The payment did not go through. Nothing was charged.',
    retryable: true,
    aboutCard: false,
  },
  // The rest is about what follows a payment: captures, releases, adjustments and refunds.
  capture_refused: {
    message: 'The held amount could not be collected.',
    retryable: false,
    aboutCard: false,
  },
  release_refused: { message: 'The hold could not be released.', retryable: false, aboutCard: false },
  adjustment_refused: { message: 'The hold could not be changed.', retryable: false, aboutCard: false },
  refund_refused: { message: 'The refund could not be made.', retryable: false, aboutCard: false },
  hold_expired: { message: 'The hold on the card has ended.', retryable: false, aboutCard: false },
  already_captured: {
    message: 'The payment was already collected.',
    retryable: false,
    aboutCard: false,
  },
  already_refunded: { message: 'The payment was already refunded.', retryable: false, aboutCard: false },
  canceled: { message: 'The payment was canceled before.', retryable: false, aboutCard: false },
  disputed: {
    message: 'The card holder disputes this payment, so it cannot be refunded.',
    retryable: false,
    aboutCard: false,
  },
  amount_refused: {
    message: 'The provider does not accept this amount.',
    retryable: false,
    aboutCard: false,
  },
  not_done: {
    message: 'It did not reach the provider. Nothing was changed.',
    retryable: true,
    aboutCard: false,
  },
} as const satisfies Record<string, FailureSpec>;

export type FailureCode = keyof typeof FAILURES;

/** Whether a stored word is one of ours. */
export function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(FAILURES, code);
}

/** The failure of that code with its public words. */
export function failureOf(code: FailureCode): Failure {
  return { code, message: FAILURES[code].message, retryable: FAILURES[code].retryable };
}
