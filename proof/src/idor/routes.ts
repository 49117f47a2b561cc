import { randomUUID } from 'node:crypto';
import { both, ends } from './attempt.ts';
import type { Attempt, Case, Seen } from './attempt.ts';
import { list, send } from './door.ts';
import type { Answer, Sent } from './door.ts';
import { describedRoutes } from './described.ts';
import type { Owned } from './owned.ts';
import type { World } from './world.ts';

/** Asks the public door. */
export async function askDoor({ platform }: World, sent: Sent): Promise<Seen> {
  const answer = await send(platform.gatewayUrl, sent);
  const { apiKey: _, ...told } = sent;
  return { ...seen(answer), sent: JSON.stringify(told) };
}

function seen({ status, headers, text, json }: Answer): Omit<Seen, 'sent'> {
  const code = typeof json === 'object' && json !== null && 'code' in json ? String(json.code) : '';
  return {
    outcome: String(status),
    code: status >= 400 ? code : '',
    text: `${text} ${JSON.stringify(headers)}`,
  };
}

export const NOT_FOUND = ends('404 not_found');

/** What a caller may say of itself, and nobody listens to. */
export function forged({ owner }: World): Record<string, string> {
  return {
    'x-centra-identity': `forged.${Buffer.from(JSON.stringify({ merchantId: owner.merchantId })).toString('base64url')}.x`,
    'x-merchant-id': owner.merchantId,
    'x-hotel-id': owner.merchantId,
    'x-user-roles': 'operator',
    'x-http-method-override': 'GET',
  };
}

type ById = {
  /** Of the owner's object in the path. */
  id: (owned: Owned, world: World) => string;
  /** A body that would be taken if the object were the caller's. */
  body?: (world: World) => unknown;
  /** Whether the route needs an Idempotency-Key. */
  key?: true;
  /** Keys of the live mode manage what belongs to both modes. */
  bothModes?: true;
  /** What else is tried. */
  more?: readonly Attempt[];
};

/**
 * Every way to ask for one object by the id in a path: with another hotel's keys of both modes, with headers that claim to be
 * the owner, by the other name of the path, with the owner's own key of the other mode, without a credential, and by every
 * method that the path does not have.
 */
export function byId(of: string, { id, body, key, bothModes, more = [] }: ById): Case {
  const [method = '', template = ''] = of.split(' ');
  const ask = async (world: World, change: Partial<Sent>, as = idIn(id, world)): Promise<Seen> =>
    await askDoor(world, {
      method,
      path: template.replace(/\{\w+\}/, as),
      body: body?.(world),
      ...change,
      headers: { ...(key ? { 'idempotency-key': randomUUID() } : {}), ...change.headers },
    });
  const attempts: Attempt[] = [
    {
      name: 'with the key of another hotel, as if it were nobody’s',
      ask: async (world) => {
        const { apiKey } = world.intruder;
        const unknown = await ask(world, { apiKey }, madeUp(idIn(id, world)));
        return sameOrBoth(await ask(world, { apiKey }), unknown);
      },
      judge: NOT_FOUND,
    },
    {
      name: 'with the live key of another hotel',
      ask: async (world) => await ask(world, { apiKey: world.intruder.liveKey }),
      judge: NOT_FOUND,
    },
    {
      name: 'with the key of another hotel and headers that claim to be the owner',
      ask: async (world) => await ask(world, { apiKey: world.intruder.apiKey, headers: forged(world) }),
      judge: NOT_FOUND,
    },
    {
      name: 'by the owner of another hotel in person',
      ask: async (world) => await ask(world, { apiKey: world.people.intruder.token }),
      judge: NOT_FOUND,
    },
    {
      name: 'by a person of both hotels, with the token of the other one',
      ask: async (world) => await ask(world, { apiKey: world.people.both.token }),
      judge: NOT_FOUND,
    },
    {
      name: 'by the other name of the path',
      ask: async (world) => {
        const path = `/api${template.replace(/\{\w+\}/, idIn(id, world))}`;
        return await ask(world, { apiKey: world.intruder.apiKey, path });
      },
      judge: NOT_FOUND,
    },
    {
      name: 'without a credential',
      ask: async (world) => await ask(world, {}),
      judge: ends('401 unauthenticated'),
    },
    ...otherMethods(of, id),
    ...more,
  ];
  if (!bothModes)
    attempts.push({
      name: 'with the owner’s own key of the other mode',
      ask: async (world) => await ask(world, { apiKey: world.owner.liveKey }),
      judge: NOT_FOUND,
      asOwner: true,
    });
  return { of, attempts };
}

function idIn(id: ById['id'], world: World): string {
  return id(world.owned, world);
}

/** An id of the same kind that nobody has: same length and letters, so that only its being unknown tells it apart. */
function madeUp(id: string): string {
  return `${id.slice(0, -6)}${id.endsWith('000000') ? '111111' : '000000'}`;
}

/** Somebody else's object must be answered like none at all; where it is not, both answers are told. */
function sameOrBoth(foreign: Seen, unknown: Seen): Seen {
  const isSame = foreign.outcome === unknown.outcome && wordsOf(foreign) === wordsOf(unknown);
  return isSame ? foreign : { ...foreign, code: `${foreign.code}, unlike ${wordsOf(unknown)}` };
}

const OWN_WORDS = /"(?:request_id|instance|trace_id)":"[^"]*"/g;

/** A refusal without what differs between any two requests. */
function wordsOf({ text }: Seen): string {
  return (/^\{.*?\}(?= )/.exec(text)?.[0] ?? text).replaceAll(OWN_WORDS, '""');
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** What the path does not have; HEAD goes with GET. One case of each path is enough, so the first one described has it. */
function otherMethods(of: string, id: ById['id']): Attempt[] {
  const path = of.split(' ')[1] ?? '';
  const described = describedRoutes().filter((route) => route.endsWith(` ${path}`));
  if (described[0] !== of) return [];
  const has = (method: string): boolean => described.includes(`${method} ${path}`);
  return METHODS.filter((method) => !has(method)).map((method) => ({
    name: `by ${method}`,
    ask: async (world) =>
      await askDoor(world, {
        method,
        path: path.replace(/\{\w+\}/, idIn(id, world)),
        apiKey: world.intruder.apiKey,
        ...(method === 'GET' || method === 'HEAD' ? {} : { body: {} }),
      }),
    // HEAD has no body to name a code in.
    judge: method === 'HEAD' ? ends(has('GET') ? '404' : '405') : ends('405 method_not_allowed'),
  }));
}

type OfList = {
  /** One of the owner's that the owner's list shows, so that its absence for others says something. */
  shows: (owned: Owned, world: World) => string;
  /** Queries that name what is the owner's, each with how it ends. */
  queries?: readonly {
    name: string;
    query: (world: World) => Record<string, string>;
    judge?: Attempt['judge'];
  }[];
  bothModes?: true;
};

/** A list shows nothing of another hotel, whatever it is asked for, and nothing of the other mode. */
export function ofList(of: string, { shows, queries = [], bothModes }: OfList): Case {
  const path = of.split(' ')[1] ?? '';
  const ask = async (world: World, apiKey: string, query: Record<string, string>): Promise<Seen> =>
    await askDoor(world, { method: 'GET', path: `${path}?${new URLSearchParams(query).toString()}`, apiKey });
  const lacks: Attempt['judge'] = ({ text }, world) => {
    const shown = idIn(shows, world);
    return text.includes(`"id":"${shown}"`) ? `it shows ${shown}` : undefined;
  };
  const asked: OfList['queries'] = [
    { name: 'whole', query: () => ({ limit: '100' }) },
    {
      name: 'of a hotel that it names',
      query: ({ owner }) => ({ merchant_id: owner.merchantId }),
      judge: ends('400 validation_failed'),
    },
    ...queries,
  ];
  const attempts = asked.map(({ name, query, judge }): Attempt => ({
    name: `with the key of another hotel, ${name}`,
    ask: async (world) => {
      await requireShown(world, path, idIn(shows, world));
      return await ask(world, world.intruder.apiKey, query(world));
    },
    judge: both(lacks, judge ?? ends('200')),
  }));
  attempts.push({
    name: 'from the owner’s place on, as from one that is nobody’s',
    ask: async (world) => {
      const from = async (id: string): Promise<Seen> =>
        await ask(world, world.intruder.apiKey, {
          limit: '100',
          cursor: Buffer.from(id).toString('base64url'),
        });
      const unknown = await from(madeUp(idIn(shows, world)));
      const foreign = await from(idIn(shows, world));
      // A place in a list may be known or refused, as long as a foreign one is treated like one that never was.
      return foreign.outcome === '400' ? sameOrBoth(foreign, unknown) : foreign;
    },
    judge: both(lacks, ends('200', '400 validation_failed')),
  });
  attempts.push({
    name: 'with headers that claim to be the owner',
    ask: async (world) =>
      await askDoor(world, { method: 'GET', path, apiKey: world.intruder.apiKey, headers: forged(world) }),
    judge: both(lacks, ends('200')),
  });
  attempts.push({
    name: 'without a credential',
    ask: async (world) => await askDoor(world, { method: 'GET', path }),
    judge: ends('401 unauthenticated'),
  });
  if (!bothModes)
    attempts.push({
      name: 'with the owner’s own key of the other mode',
      ask: async (world) => await ask(world, world.owner.liveKey, { limit: '100' }),
      judge: both(lacks, ends('200')),
      asOwner: true,
    });
  return { of, attempts };
}

async function requireShown({ platform, owner }: World, path: string, id: string): Promise<void> {
  const shown = await list(platform.gatewayUrl, owner.apiKey, `${path}?limit=100`);
  if (!shown.some((item) => item.id === id)) throw new Error(`the owner's own ${path} does not show ${id}`);
}

type Told = {
  name: string;
  /** Whose object it names, in body, header or query. */
  sent: (world: World) => Partial<Sent>;
  judge: Attempt['judge'];
  acts?: true;
};

/** Requests of the intruder's that are its own to make, with something of the owner's in them. */
export function telling(of: string, told: readonly Told[]): Attempt[] {
  const [method = '', path = ''] = of.split(' ');
  return told.map(({ name, sent, judge, acts }) => ({
    name,
    ask: async (world) => {
      const { headers, ...rest } = sent(world);
      const key = { 'idempotency-key': randomUUID() };
      const asked = { method, path, apiKey: world.intruder.apiKey, ...rest };
      return await askDoor(world, { ...asked, headers: { ...(isKeyed(path) ? key : {}), ...headers } });
    },
    judge,
    ...(acts === true ? { acts } : {}),
  }));
}

function isKeyed(path: string): boolean {
  return path === '/v1/charge' || path.startsWith('/v1/payments');
}
