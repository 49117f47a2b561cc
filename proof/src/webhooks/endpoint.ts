import { randomBytes } from 'node:crypto';
import { post } from '@centra/dev/seed.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { request } from 'undici';
import { z } from 'zod';
import { read } from '../load/ask.ts';
import { inShort } from '../load/told.ts';
import type { Stage, StageHotel } from '../stage/stage.ts';
import { madeUpEvent, postWebhook, signatureOf } from './stripe-event.ts';

/** Where a hotel's events are posted to, and what they are signed with. */
export type Endpoint = { account: string; secret: string; urls: readonly string[] };

const TIMEOUT_MS = 15_000;

/**
 * Takes the place of Stripe: its own endpoint is deleted there, and the account gets a secret that only the caller knows. Returns
 * once an event signed with it is taken at every door; what transaction remembered of the account is forgotten by then.
 */
export async function takeOver(stage: Stage, hotel: StageHotel): Promise<Endpoint> {
  await deleteEndpoints(stage, hotel);
  const account = await stripeAccountOf(stage, hotel);
  const secret = `whsec_${randomBytes(24).toString('hex')}`;
  const [door = ''] = stage.doors;
  await post(
    `${door}/v1/provider-accounts/${account}/rotate`,
    { credentials: { secret_key: hotel.stripeKey, webhook_secret: secret } },
    hotel.apiKey,
  );
  const urls = stage.doors.map((each) => `${each}/v1/webhooks/stripe/${account}`);
  for (const url of urls)
    await waitFor(
      'the new secret to be used',
      async () => {
        // Of no payment of anybody: it is stored and done.
        const body = JSON.stringify(madeUpEvent({ id: 'po_1', object: 'payout' }, 'payout.paid'));
        const { status } = await postWebhook(url, body, signatureOf(body, [secret]));
        return status === 200 ? true : undefined;
      },
      // The account is remembered for some seconds by each of two replicas, which take turns.
      60_000,
    );
  return { account, secret, urls };
}

const accountsSchema = z.object({ data: z.array(z.object({ id: z.string(), provider: z.string() })) });

/** `pa_…` of the hotel's Stripe account. */
export async function stripeAccountOf(stage: Stage, hotel: StageHotel): Promise<string> {
  const answer = await read(stage.doors[0] ?? '', hotel, '/v1/provider-accounts');
  if (!('json' in answer) || answer.status !== 200) throw new Error(`no accounts but ${inShort(answer)}`);
  const account = accountsSchema.parse(answer.json).data.find(({ provider }) => provider === 'stripe');
  if (account === undefined) throw new Error(`${hotel.name} has no Stripe account`);
  return account.id;
}

async function deleteEndpoints(stage: Stage, hotel: StageHotel): Promise<void> {
  const page = z.object({ data: z.array(z.object({ id: z.string() })) });
  for (const { id } of page.parse(await askStripe(stage, hotel, 'GET', '/v1/webhook_endpoints')).data)
    await askStripe(stage, hotel, 'DELETE', `/v1/webhook_endpoints/${id}`);
}

/** A call at Stripe with the hotel's own key, as from its dashboard. */
export async function askStripe(
  stage: Pick<Stage, 'stripeUrl'>,
  hotel: Pick<StageHotel, 'stripeKey'>,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  form: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const answer = await request(`${stage.stripeUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${hotel.stripeKey}`,
      ...(method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
    },
    body: method === 'POST' ? new URLSearchParams(form).toString() : null,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const json: unknown = await answer.body.json();
  if (answer.statusCode !== 200)
    throw new Error(`${method} ${path}: ${answer.statusCode} ${JSON.stringify(json)}`);
  return json;
}

/** A control endpoint of Stripe's simulator. */
export async function control(
  { stripeUrl }: Pick<Stage, 'stripeUrl'>,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<unknown> {
  const answer = await request(`${stripeUrl}/_control${path}`, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 400) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
