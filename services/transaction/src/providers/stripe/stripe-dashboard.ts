// What Stripe's ids look like; anything else goes into no link.
const INTENT = /^pi_[0-9A-Za-z]{1,250}$/;

/** For people who must find out an unknown outcome: where in Stripe's dashboard to look, and what for. */
export function howToFindOut(facts: {
  mode: 'test' | 'live';
  operationId: string;
  paymentReference: string | undefined;
}): string {
  const base = facts.mode === 'test' ? 'https://dashboard.stripe.com/test' : 'https://dashboard.stripe.com';
  const { operationId, paymentReference } = facts;
  const events =
    "Its timeline shows every charge, capture, cancellation and refund; in a payment's or refund's metadata " +
    'centra_operation, or centra_capture for a capture, names this operation.';
  if (paymentReference !== undefined && INTENT.test(paymentReference))
    return `Open ${base}/payments/${paymentReference} in the hotel's Stripe account. ${events}`;
  const query = encodeURIComponent(operationId);
  return (
    `Search the hotel's Stripe account for ${operationId}: ${base}/search?query=${query}. ${events} ` +
    'When nothing is found an hour after it began, Stripe did not do it.'
  );
}
