import { z } from 'zod';
import { both, ends } from './attempt.ts';
import type { Attempt, Case, Seen } from './attempt.ts';
import { send } from './door.ts';
import { INVALID } from './person-routes.ts';
import { askDoor, forged } from './routes.ts';
import type { World } from './world.ts';

// A hotel's history over both services. What it shows of another hotel is found by that hotel's ids, which no answer may hold.

const OK = ends('200');
const UNKNOWN = ends('401 unauthenticated');

type Query = (world: World) => Record<string, string> | Promise<Record<string, string>>;

function asking(of: string, name: string, query: Query, judge: Attempt['judge'], change = {}): Attempt {
  const [method = '', path = ''] = of.split(' ');
  return {
    name,
    ask: async (world) => {
      const text = new URLSearchParams(await query(world)).toString();
      const sent = { method, path: `${path}?${text}`, apiKey: world.intruder.apiKey, ...change };
      return await askDoor(world, sent);
    },
    judge,
  };
}

/** No entry at all: every one of the intruder's own says something else. */
const nothing: Attempt['judge'] = both(OK, ({ text }) =>
  text.includes('"data":[]') ? undefined : `it shows something: ${text.slice(0, 300)}`,
);

function outsiders(of: string): Attempt[] {
  const [method = '', path = ''] = of.split(' ');
  return [
    {
      name: 'with headers that claim to be the owner',
      ask: async (world) =>
        await askDoor(world, { method, path, apiKey: world.intruder.apiKey, headers: forged(world) }),
      judge: OK,
    },
    {
      name: 'by a person of both hotels, with the token of the other one',
      ask: async (world) => await askDoor(world, { method, path, apiKey: world.people.both.token }),
      judge: OK,
    },
    {
      name: 'by somebody of the owner’s who may not',
      ask: async (world): Promise<Seen> =>
        await askDoor(world, { method, path, apiKey: world.people.colleague.token }),
      judge: ends('403 forbidden'),
      asOwner: true,
    },
    {
      name: 'without a credential',
      ask: async (world) => await askDoor(world, { method, path }),
      judge: UNKNOWN,
    },
  ];
}

/** The owner's own place in the owner's own list. */
async function cursorOfOwner({ platform, owner }: World): Promise<string> {
  const path = '/v1/audit-log?limit=1';
  const { json } = await send(platform.gatewayUrl, { method: 'GET', path, apiKey: owner.apiKey });
  return z.object({ next_cursor: z.string() }).parse(json).next_cursor;
}

const LIST = 'GET /v1/audit-log';
const EXPORT = 'GET /v1/audit-log/export';

export const auditRoutes: readonly Case[] = [
  {
    of: LIST,
    attempts: [
      asking(LIST, 'whole', () => ({ limit: '100' }), OK),
      asking(LIST, 'of an account of the owner’s', ({ owned }) => ({ object_id: owned.account }), nothing),
      asking(LIST, 'of the owner’s hotel', ({ settings }) => ({ object_id: settings.merchant }), nothing),
      asking(
        LIST,
        'by the owner in person',
        ({ people }) => ({ actor: `user:${people.owner.userId}` }),
        nothing,
      ),
      asking(
        LIST,
        'from the owner’s place on',
        async (world) => ({ cursor: await cursorOfOwner(world) }),
        INVALID,
      ),
      asking(
        LIST,
        'of a hotel that it names',
        ({ settings }) => ({ merchant_id: settings.merchant }),
        INVALID,
      ),
      ...outsiders(LIST),
    ],
  },
  {
    of: EXPORT,
    attempts: [
      asking(EXPORT, 'whole', () => ({}), OK),
      asking(EXPORT, 'whole, as a table', () => ({ format: 'csv' }), OK),
      asking(
        EXPORT,
        'of a hotel that it names',
        ({ settings }) => ({ merchant_id: settings.merchant }),
        INVALID,
      ),
      ...outsiders(EXPORT),
    ],
  },
];
