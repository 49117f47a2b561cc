import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import { z } from 'zod';
import type { StageHotel } from '../stage/stage.ts';

/** What a card does, by Stripe's published test number and by the built-in simulator's token. */
export const CARDS = {
  visa: { number: '4242424242424242', token: 'sim_card_visa' },
  mastercard: { number: '5555555555554444', token: 'sim_card_mastercard' },
  declined: { number: '4000000000000002', token: 'sim_card_declined' },
  insufficientFunds: { number: '4000000000009995', token: 'sim_card_insufficient_funds' },
  // Refunds are pending for some seconds, then succeed.
  refundPending: { number: '4000000000007726', token: 'sim_card_refund_pending' },
  // Raising its hold is declined, parts are not captured one by one.
  noExtras: { number: '4000008400000076', token: 'sim_card_no_extras' },
} as const;
export type CardName = keyof typeof CARDS;

// The vault's own faults strike here too; three tries reach past one that strikes once or twice.
const TRIES_MAX = 3;
const TRY_AGAIN_MS = 200;
// Of a loopback call that computes nothing.
const TIMEOUT_MS = 5_000;

/**
 * A card to pay with at that hotel. On Stripe it is one of the hotel's vault, as its capture form would leave one, taken from
 * the vault itself and not through the stage's link. Undefined while the vault does not answer.
 */
export async function cardAt(
  { vaulteraUrl }: { vaulteraUrl: string },
  { provider, vaulteraKey }: Pick<StageHotel, 'provider' | 'vaulteraKey'>,
  name: CardName = 'visa',
): Promise<string | undefined> {
  if (provider === 'simulator') return CARDS[name].token;
  const query = new URLSearchParams({ api_key: vaulteraKey });
  for (let nth = 1; nth <= TRIES_MAX; nth += 1) {
    const token = await capture(`${vaulteraUrl}/api/v1/cards?${query.toString()}`, CARDS[name].number);
    if (token !== undefined) return token;
    await pause(TRY_AGAIN_MS);
  }
  return undefined;
}

async function capture(url: string, cardNumber: string): Promise<string | undefined> {
  const card = {
    card_number: cardNumber,
    card_type: cardNumber.startsWith('5') ? 'mastercard' : 'visa',
    cardholder_name: 'Amina Guest',
    service_code: '123',
    expiration_month: '12',
    expiration_year: String(new Date().getUTCFullYear() + 3),
  };
  try {
    const { statusCode, body } = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ card }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const json: unknown = await body.json();
    return statusCode < 300 ? cardSchema.parse(json).data.attributes.card_token : undefined;
  } catch {
    // Cut or garbled by a fault of the vault: asked again.
    return undefined;
  }
}

const cardSchema = z.object({ data: z.object({ attributes: z.object({ card_token: z.string() }) }) });
