import { Agent, request } from 'undici';
import { z } from 'zod';
import { cardAt } from '../load/card.ts';
import type { Seeded } from '@centra/testkit/seeded.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';

/** One charge asked for. `reference` is its booking reference and its key: no two are the same. */
export type Asked = { reference: string; hotel: StageHotel; ms: number; end: End; said: string };

/**
 * `made`: 201. `shed`: refused with 429 or 503 and a Retry-After. `open`: 202 or 409 in_progress, told later. Anything else,
 * no answer included, is `wrong`.
 */
export type End = 'made' | 'shed' | 'open' | 'wrong';

export type Charger = {
  /** Asks for one more charge, at the next door and hotel. */
  charge(): Promise<Asked>;
  asked: readonly Asked[];
  /** Ends every connection of its own. */
  close(): Promise<void>;
};

const AMOUNT = 1_900;
// Above the gateway's own limit of 10 s on this stage.
const TIMEOUT_MS = 12_000;
// Of each door: with two of them ten times the clients that bring the platform to its peak.
const CONNECTIONS = 80;
// One charge in so many is at the hotel that is on Stripe, where a card token of the vault is needed for each.
const STRIPE_EVERY = 20;
const STRIPE_CARDS = 60;

export async function createCharger(stage: Stage, random: Seeded): Promise<Charger> {
  const agent = new Agent({ connections: CONNECTIONS });
  const onStripe = stage.hotels.find(({ provider }) => provider === 'stripe');
  const others = stage.hotels.filter(({ provider }) => provider === 'simulator');
  const cards: string[] = [];
  if (onStripe !== undefined)
    for (let nth = 0; nth < STRIPE_CARDS; nth += 1) cards.push((await cardAt(stage, onStripe)) ?? '');
  const run = random.between(0, 1_000_000);
  const asked: Asked[] = [];
  let count = 0;
  return {
    asked,
    async charge() {
      const nth = (count += 1);
      const card = nth % STRIPE_EVERY === 0 ? cards.pop() : undefined;
      const hotel = card === undefined ? others[nth % others.length] : onStripe;
      const door = stage.doors[nth % stage.doors.length];
      if (hotel === undefined || door === undefined) throw new Error('there is no hotel or no door');
      const reference = `overload-${run}-${nth}`;
      const start = performance.now();
      const { end, said } = await chargeOnce(
        agent,
        `${door}/v1/charge`,
        hotel,
        reference,
        card ?? 'sim_card_visa',
      );
      const one = { reference, hotel, ms: Math.round(performance.now() - start), end, said };
      asked.push(one);
      return one;
    },
    close: async () => await agent.destroy(),
  };
}

async function chargeOnce(
  agent: Agent,
  url: string,
  { apiKey }: StageHotel,
  reference: string,
  card: string,
): Promise<Pick<Asked, 'end' | 'said'>> {
  try {
    const answer = await request(url, {
      method: 'POST',
      dispatcher: agent,
      headers: {
        authorization: `Bearer ${apiKey}`,
        'idempotency-key': reference,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        card_token: card,
        amount: AMOUNT,
        currency: 'EUR',
        booking_reference: reference,
      }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await answer.body.text();
    const said = `${answer.statusCode} ${text.slice(0, 200)}`;
    const isRetryTold = answer.headers['retry-after'] !== undefined;
    return { end: endOf(answer.statusCode, text, isRetryTold), said };
  } catch (error) {
    return { end: 'wrong', said: String(error) };
  }
}

const bodySchema = z.object({
  code: z.string().optional(),
  amount_captured: z.int().optional(),
  status: z.union([z.string(), z.int()]),
});

function endOf(status: number, text: string, isRetryTold: boolean): End {
  const body = bodySchema.safeParse(JSON.parse(text)).data;
  if (status === 201)
    return body?.status === 'succeeded' && body.amount_captured === AMOUNT ? 'made' : 'wrong';
  if (status === 202) return 'open';
  if (!isRetryTold) return 'wrong';
  if (status === 409) return body?.code === 'in_progress' ? 'open' : 'wrong';
  return status === 429 || status === 503 ? 'shed' : 'wrong';
}
