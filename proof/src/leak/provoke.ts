import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import { z } from 'zod';
import { check } from '../scenario.ts';
import type { Check } from '../scenario.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import { CANARY_AMEX, CANARY_VISA } from './canaries.ts';
import { keepAnswer } from './evidence.ts';
import { misplacedRequests } from './misplaced.ts';
import type { Misplaced } from './misplaced.ts';

// Longer than the gateway's own limit on this stage.
const TIMEOUT_MS = 30_000;
// An operation that could not be sent is taken up by its key once the provider answers again; breakers open for some seconds.
const TAKEN_UP_TRIES = 40;
const TAKEN_UP_PAUSE_MS = 500;

type Answer = { status: number; code: string | undefined; text: string };
type Asked = {
  method: 'GET' | 'POST';
  path: string;
  headers?: Readonly<Record<string, string>> | undefined;
  body?: unknown;
};

export type Provoker = {
  stage: Stage;
  hotel: StageHotel;
  /** Where answers are kept. */
  folder: string;
};

/** Pays with the canary cards, also while the provider is away, and puts numbers and secrets where they do not belong. */
export async function provoke(on: Provoker, webhookSecret: string): Promise<Check[]> {
  const cards = await Promise.all(
    [CANARY_VISA, CANARY_AMEX].map(async (card) => await captureCard(on, card)),
  );
  const [visa = '', amex = ''] = cards;
  const paid = [await charge(on, visa), await charge(on, amex), await chargeThroughOutage(on, visa)];
  return [
    check(
      'the canary cards are charged, also through an outage of the provider',
      paid.every(({ status }) => status === 201),
      paid.map(({ status, text }) => `${status} ${text.slice(0, 200)}`).join('; '),
    ),
    ...(await misplaceNumbers(on, visa)),
    ...(await misplaceSecrets(on, webhookSecret)),
  ];
}

async function misplaceNumbers(on: Provoker, card: string): Promise<Check[]> {
  const wrong: string[] = [];
  const requests = misplacedRequests(card);
  for (const misplaced of requests) {
    const { status, code } = await ask(on, withKey(misplaced));
    const isRefused = status === 422 && code === 'card_data_not_allowed';
    if (misplaced.isRefused && !isRefused) wrong.push(`${misplaced.where}: ${status} ${code}`);
  }
  const refused = requests.filter(({ isRefused }) => isRefused).length;
  return [
    check(
      `a card number is refused with 422 card_data_not_allowed wherever it is put by mistake (${refused} places)`,
      wrong.length === 0,
      wrong.join('; '),
    ),
  ];
}

function withKey(misplaced: Misplaced): Asked {
  return { ...misplaced, headers: { 'idempotency-key': randomUUID(), ...misplaced.headers } };
}

/** Keys in queries, wrong keys, and a webhook secret that is sent instead of a signature. */
async function misplaceSecrets(on: Provoker, webhookSecret: string): Promise<Check[]> {
  const { apiKey, stripeKey } = on.hotel;
  const accountId = await stripeAccountOf(on);
  // The last thing that is done: Stripe signs with the old one from now on.
  const rotated = await ask(on, {
    method: 'POST',
    path: `/v1/provider-accounts/${accountId}/rotate`,
    body: { credentials: { secret_key: stripeKey, webhook_secret: webhookSecret } },
  });
  const wrong = [
    await ask(on, { method: 'GET', path: `/v1/payments?api_key=${apiKey}` }),
    await ask(on, {
      method: 'GET',
      path: '/v1/payments',
      headers: { authorization: `Bearer ${apiKey}wrong` },
    }),
    await ask(on, { method: 'GET', path: `/v1/${apiKey}` }),
    await ask(on, { method: 'GET', path: `/v1/payments/${apiKey}` }),
    await ask(on, {
      method: 'GET',
      path: `/v1/payments/${stripeKey}`,
      headers: { 'x-request-id': stripeKey, 'user-agent': apiKey },
    }),
    await ask(on, {
      method: 'POST',
      path: `/v1/webhooks/stripe/${accountId}`,
      headers: { 'stripe-signature': `t=1,v1=${webhookSecret}` },
      body: {},
    }),
    await ask(on, {
      method: 'POST',
      path: '/v1/provider-accounts',
      body: {
        provider: 'stripe',
        mode: 'test',
        name: 'wrong',
        credentials: { secret_key: `${stripeKey}wrong` },
      },
    }),
  ];
  return [
    check(
      'a webhook secret is rotated',
      rotated.status === 200,
      `${rotated.status} ${rotated.text.slice(0, 300)}`,
    ),
    check(
      'secrets in the wrong place are refused',
      wrong.every(({ status }) => status >= 400 && status < 500),
      wrong.map(({ status }) => status).join(', '),
    ),
  ];
}

async function charge(on: Provoker, card: string, key: string = randomUUID()): Promise<Answer> {
  return await ask(on, {
    method: 'POST',
    path: '/v1/charge',
    headers: { 'idempotency-key': key },
    body: {
      card_token: card,
      amount: 12_345,
      currency: 'EUR',
      booking_reference: 'PROOF-leak',
      guest: { name: 'Amina Guest', email: 'amina@example.com' },
    },
  });
}

/** The vault's answer and the error about it are where a card could slip into a log. */
async function chargeThroughOutage(on: Provoker, card: string): Promise<Answer> {
  const key = randomUUID();
  const { stripe, vaultera } = on.stage.links;
  for (const link of [vaultera, stripe]) {
    link.set({ kind: 'refuse' });
    await charge(on, card, key);
    link.clear();
  }
  for (let nth = 1; ; nth += 1) {
    const answer = await charge(on, card, key);
    if (answer.status === 201 || nth >= TAKEN_UP_TRIES) return answer;
    await pause(TAKEN_UP_PAUSE_MS);
  }
}

async function stripeAccountOf(on: Provoker): Promise<string> {
  const { text } = await ask(on, { method: 'GET', path: '/v1/provider-accounts' });
  const { data } = accountsSchema.parse(JSON.parse(text));
  return data.find(({ provider }) => provider === 'stripe')?.id ?? '';
}

const accountsSchema = z.object({ data: z.array(z.object({ id: z.string(), provider: z.string() })) });
const problemSchema = z.object({ code: z.string() });

async function ask(
  { stage, hotel, folder }: Provoker,
  { method, path, headers, body }: Asked,
): Promise<Answer> {
  const answer = await request(`${stage.doors[0]}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${hotel.apiKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await answer.body.text();
  keepAnswer(folder, { status: answer.statusCode, headers: answer.headers, text });
  return { status: answer.statusCode, code: codeOf(text), text };
}

function codeOf(text: string): string | undefined {
  try {
    return problemSchema.safeParse(JSON.parse(text)).data?.code;
  } catch {
    return undefined;
  }
}

type CanaryCard = { number: string; type: string; code: string };

/** As the vault's own capture form leaves one. */
async function captureCard({ stage, hotel }: Provoker, card: CanaryCard): Promise<string> {
  const query = new URLSearchParams({ api_key: hotel.vaulteraKey });
  const { body } = await request(`${stage.vaulteraUrl}/api/v1/cards?${query.toString()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      card: {
        card_number: card.number,
        card_type: card.type,
        cardholder_name: 'Amina Guest',
        service_code: card.code,
        expiration_month: '12',
        expiration_year: '2049',
      },
    }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return capturedSchema.parse(await body.json()).data.attributes.card_token;
}

const capturedSchema = z.object({ data: z.object({ attributes: z.object({ card_token: z.string() }) }) });
