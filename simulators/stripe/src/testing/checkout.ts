// For tests: a session to make, and a guest to pay it.
import assert from 'node:assert/strict';

import type { Stripe } from 'stripe';

import type { Rig } from './rig.ts';

const SUCCESS_URL = 'https://hotel.test/thanks?session={CHECKOUT_SESSION_ID}';
export const night = {
  price_data: { currency: 'eur', unit_amount: 12_450, product_data: { name: 'Night with breakfast' } },
  quantity: 2,
};
export const params = {
  mode: 'payment',
  line_items: [night],
  success_url: SUCCESS_URL,
  cancel_url: 'https://hotel.test/back',
  client_reference_id: 'booking-7',
  metadata: { booking: '7' },
  payment_intent_data: { metadata: { centra_operation: 'op_1' }, description: 'Room 12' },
} satisfies Stripe.Checkout.SessionCreateParams;

type Paid = { kind: string; url?: string; message?: string; session: Stripe.Checkout.Session };

/** A guest who pays without a browser. */
export async function pay(
  rig: Rig,
  id: string,
  body: Record<string, unknown> = {},
  expected = 200,
): Promise<Paid> {
  const answer = await rig.control('POST', `/checkout/sessions/${id}/pay`, body);
  assert.equal(answer.status, expected, JSON.stringify(answer.body));
  return JSON.parse(JSON.stringify(answer.body));
}

export function intentOf(session: Stripe.Checkout.Session): string {
  assert.ok(typeof session.payment_intent === 'string');
  return session.payment_intent;
}

/** Unix seconds from now. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}
