import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { post } from './seed.ts';
import type { Doors, Hotel } from './seed.ts';

const paymentSchema = z.object({
  id: z.string(),
  status: z.string(),
  amount: z.int(),
  currency: z.string(),
  provider: z.string(),
  provider_reference: z.string().nullable(),
});

export type Receipt = z.infer<typeof paymentSchema> & { milliseconds: number };

/** A card in the hotel's vault, as its capture form would leave one; the number is Stripe's published test card. */
export async function captureTestCard(
  doors: Pick<Doors, 'vaulteraUrl'>,
  hotel: Pick<Hotel, 'vaulteraKey'>,
  cardNumber = '4242424242424242',
): Promise<string> {
  const query = new URLSearchParams({ api_key: hotel.vaulteraKey });
  const answer = await post(`${doors.vaulteraUrl}/api/v1/cards?${query.toString()}`, {
    card: {
      card_number: cardNumber,
      card_type: 'visa',
      cardholder_name: 'Amina Guest',
      service_code: '123',
      expiration_month: '12',
      expiration_year: String(new Date().getUTCFullYear() + 3),
    },
  });
  return cardSchema.parse(answer).data.attributes.card_token;
}

const cardSchema = z.object({ data: z.object({ attributes: z.object({ card_token: z.string() }) }) });

/** Charges a captured card through the public door, as a booking engine would. */
export async function takePayment(
  doors: Pick<Doors, 'gatewayUrl' | 'vaulteraUrl'>,
  hotel: Hotel,
): Promise<Receipt> {
  const cardToken = await captureTestCard(doors, hotel);
  const startedAt = performance.now();
  const payment = await post(
    `${doors.gatewayUrl}/v1/charge`,
    {
      card_token: cardToken,
      amount: 12_550,
      currency: 'EUR',
      booking_reference: `DEMO-${Date.now().toString(36).toUpperCase()}`,
      guest: { name: 'Amina Guest', email: 'amina@example.com' },
      description: 'One night, double room',
      metadata: { source: 'npm start' },
    },
    hotel.apiKey,
    { 'idempotency-key': randomUUID() },
  );
  return { ...paymentSchema.parse(payment), milliseconds: Math.round(performance.now() - startedAt) };
}

/** One line, for people and for scripts that look for it. */
export function receiptLine(receipt: Receipt): string {
  const { id, amount, currency, status, provider, provider_reference: reference, milliseconds } = receipt;
  return `RECEIPT ${id} ${amount} ${currency} (minor units) ${status} ${provider} ${reference ?? '-'} ${milliseconds} ms`;
}
