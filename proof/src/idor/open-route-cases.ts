import { madeUpEvent, signatureOf } from '../webhooks/stripe-event.ts';
import type { StripeEvent } from '../webhooks/stripe-event.ts';
import { ends } from './attempt.ts';
import type { Attempt, Case, Seen } from './attempt.ts';
import { askDoor } from './routes.ts';
import type { World } from './world.ts';

// Routes without a credential: a signature or an unguessable token says who asks. The intruder signs with its own secret.

/** An event that the intruder makes up about one of the owner's payments. */
export function aboutOwner({ owned }: World, metadata: Readonly<Record<string, string>>): StripeEvent {
  return madeUpEvent({
    id: 'ch_intruder',
    object: 'charge',
    payment_intent: owned.bait.reference,
    amount: 12_550,
    amount_refunded: 12_550,
    refunded: true,
    currency: 'eur',
    metadata,
  });
}

async function post(
  world: World,
  path: string,
  event: StripeEvent,
  secret: string | undefined,
): Promise<Seen> {
  const body = JSON.stringify(event);
  const signature = secret === undefined ? undefined : signatureOf(body, [secret]);
  return await askDoor(world, {
    method: 'POST',
    path,
    headers: {
      'content-type': 'application/json',
      ...(signature === undefined ? {} : { 'stripe-signature': signature }),
    },
    body,
  });
}

const ownerAddress = ({ owned }: World): string => `/v1/webhooks/stripe/${owned.account}`;
const BAD = ends('400 signature_invalid');

const toAddress: readonly Attempt[] = [
  {
    name: 'to the owner’s address, signed by the intruder',
    ask: async (world) =>
      await post(world, ownerAddress(world), aboutOwner(world, {}), world.own.webhookSecret),
    judge: BAD,
  },
  {
    name: 'to the owner’s address, signed by the intruder, about the intruder’s account',
    ask: async (world) => {
      const event = aboutOwner(world, { centra_account: world.own.account });
      return await post(world, ownerAddress(world), event, world.own.webhookSecret);
    },
    judge: BAD,
  },
  {
    name: 'to the owner’s address, with an empty secret',
    ask: async (world) => await post(world, ownerAddress(world), aboutOwner(world, {}), ''),
    judge: BAD,
  },
  {
    name: 'to the owner’s address, without a signature',
    ask: async (world) => await post(world, ownerAddress(world), aboutOwner(world, {}), undefined),
    judge: BAD,
  },
  {
    name: 'to the address of an account without webhooks',
    ask: async (world) => {
      const path = `/v1/webhooks/stripe/${world.owned.vaultAccount}`;
      return await post(world, path, aboutOwner(world, {}), '');
    },
    judge: ends('404 not_found'),
  },
  {
    name: 'to the intruder’s own address, naming the owner’s payment: kept as the intruder’s, of no payment',
    ask: async (world) => {
      const event = aboutOwner(world, {
        centra_payment: world.owned.bait.payment,
        centra_account: world.owned.account,
      });
      const path = `/v1/webhooks/stripe/${world.own.account}`;
      return await post(world, path, event, world.own.webhookSecret);
    },
    judge: ends('200'),
    acts: true,
  },
];

const toAll: readonly Attempt[] = [
  {
    name: 'about the owner’s payment, by Stripe’s id alone, signed by the intruder',
    ask: async (world) =>
      await post(world, '/v1/stripe/events', aboutOwner(world, {}), world.own.webhookSecret),
    judge: BAD,
  },
  {
    name: 'about the owner’s account, signed by the intruder',
    ask: async (world) => {
      const event = aboutOwner(world, { centra_account: world.owned.account });
      return await post(world, '/v1/stripe/events', event, world.own.webhookSecret);
    },
    judge: BAD,
  },
  {
    name: 'about the intruder’s account with the owner’s payment in it: kept as the intruder’s, of no payment',
    ask: async (world) => {
      const event = aboutOwner(world, {
        centra_payment: world.owned.bait.payment,
        centra_account: world.own.account,
      });
      return await post(world, '/v1/stripe/events', event, world.own.webhookSecret);
    },
    judge: ends('200'),
    acts: true,
  },
  {
    name: 'about nobody',
    ask: async (world) =>
      await post(
        world,
        '/v1/stripe/events',
        madeUpEvent({ id: 'ch_x', object: 'charge', metadata: {} }),
        world.own.webhookSecret,
      ),
    judge: ends('404 not_found'),
  },
];

/** The token is the credential; whatever else of the owner's is put in its place opens nothing. */
function challenges(method: 'GET' | 'POST'): readonly Attempt[] {
  const tokens: readonly [string, (world: World) => string][] = [
    [
      'one letter off',
      ({ owned }) => `${owned.challenge.slice(0, -1)}${owned.challenge.endsWith('A') ? 'B' : 'A'}`,
    ],
    ['the payment’s id', ({ owned }) => owned.challenged],
    ['a part of it', ({ owned }) => owned.challenge.slice(0, 20)],
    ['in capitals', ({ owned }) => swapCase(owned.challenge)],
  ];
  return tokens.flatMap(([name, token]) =>
    (['intruder', undefined] as const).map((who) => ({
      name: `${name}, ${who === undefined ? 'without a credential' : 'with the key of another hotel'}`,
      ask: async (world: World) =>
        await askDoor(world, {
          method,
          path: `/v1/simulator/challenges/${token(world)}`,
          ...(who === undefined ? {} : { apiKey: world.intruder.apiKey }),
          ...(method === 'POST'
            ? { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'answer=approve' }
            : {}),
        }),
      // A page for people, so without a code.
      judge: ends('404'),
    })),
  );
}

function swapCase(text: string): string {
  return text.replaceAll(/[a-z]/gi, (letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  );
}

export const openRoutes: readonly Case[] = [
  { of: 'POST /v1/webhooks/stripe/{account}', attempts: toAddress },
  { of: 'POST /v1/stripe/events', attempts: toAll },
  { of: 'GET /v1/simulator/challenges/{token}', attempts: challenges('GET') },
  { of: 'POST /v1/simulator/challenges/{token}', attempts: challenges('POST') },
];
