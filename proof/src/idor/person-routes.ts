import { toPublicId } from '@centra/service-kit/ids.ts';
import { both, ends } from './attempt.ts';
import type { Attempt, Case, Seen } from './attempt.ts';
import type { Sent } from './door.ts';
import type { People } from './people.ts';
import { askDoor, forged, NOT_FOUND } from './routes.ts';
import type { World } from './world.ts';

// How routes are asked that only people may call, about a hotel's people or about themselves.

export const UNKNOWN = ends('401 unauthenticated');
export const FORBIDDEN = ends('403 forbidden');
export const INVALID = ends('400 validation_failed');

export type About = {
  /** What stands for the path's id: the owner's. */
  id?: (people: People, world: World) => string;
  body?: (world: World) => unknown;
};

export function asker(
  of: string,
  { id, body }: About,
): (world: World, change: Partial<Sent>) => Promise<Seen> {
  const [method = '', template = ''] = of.split(' ');
  return async (world, change) =>
    await askDoor(world, {
      method,
      path: template.replace(/\{\w+\}/, id?.(world.people, world) ?? ''),
      ...(body === undefined ? {} : { body: body(world) }),
      ...change,
    });
}

/** Nobody without a person's token comes in, however good the key is elsewhere. */
export function outsiders(
  ask: ReturnType<typeof asker>,
  sent: (world: World) => Partial<Sent> = () => ({}),
): Attempt[] {
  return [
    {
      name: 'with the key of another hotel',
      ask: async (world) => await ask(world, { ...sent(world), apiKey: world.intruder.apiKey }),
      judge: UNKNOWN,
    },
    { name: 'without a credential', ask: async (world) => await ask(world, sent(world)), judge: UNKNOWN },
  ];
}

/** One of the owner's people or roles, asked for by those who may do so at another hotel only. */
export function ofStaff(
  of: string,
  about: Required<Pick<About, 'id'>> & About,
  more: readonly Attempt[] = [],
): Case {
  const ask = asker(of, about);
  return {
    of,
    attempts: [
      {
        name: 'by the owner of another hotel',
        ask: async (world) => await ask(world, { apiKey: world.people.intruder.token }),
        judge: NOT_FOUND,
      },
      {
        name: 'by a person of both hotels, with the token of the other one',
        ask: async (world) => await ask(world, { apiKey: world.people.both.token }),
        judge: NOT_FOUND,
      },
      {
        name: 'by the owner of another hotel, with headers that claim to be the owner',
        ask: async (world) =>
          await ask(world, { apiKey: world.people.intruder.token, headers: forged(world) }),
        judge: NOT_FOUND,
      },
      {
        name: 'by somebody who works nowhere',
        ask: async (world) => await ask(world, { apiKey: world.people.stranger.token }),
        judge: FORBIDDEN,
      },
      ...outsiders(ask),
      ...more,
    ],
  };
}

/** A list of the owner's people or roles, asked for at another hotel. */
export function listOfStaff(path: string, shows: (people: People) => string): Case {
  const ask = asker(`GET ${path}`, {});
  const lacks: Attempt['judge'] = ({ text }, { people }) =>
    text.includes(shows(people)) ? `it shows ${shows(people)}` : undefined;
  const whole = { path: `${path}?limit=100` };
  return {
    of: `GET ${path}`,
    attempts: [
      {
        name: 'by the owner of another hotel',
        ask: async (world) => {
          const own = await ask(world, { ...whole, apiKey: world.people.owner.token });
          if (!own.text.includes(shows(world.people)))
            throw new Error(`the owner’s own ${path} does not show it`);
          return await ask(world, { ...whole, apiKey: world.people.intruder.token });
        },
        judge: both(lacks, ends('200')),
      },
      {
        name: 'by a person of both hotels, with the token of the other one',
        ask: async (world) => await ask(world, { ...whole, apiKey: world.people.both.token }),
        judge: both(lacks, ends('200')),
      },
      {
        name: 'of a hotel that it names',
        ask: async (world) => {
          const query = `merchant_id=${toPublicId('mer', world.owner.merchantId)}`;
          return await ask(world, { path: `${path}?${query}`, apiKey: world.people.intruder.token });
        },
        judge: INVALID,
      },
      ...outsiders(ask),
    ],
  };
}

/** What a person asks about themselves: one attempt with something of somebody else's in it, and those who are nobody. */
export function ofOneself(
  of: string,
  name: string,
  sent: (world: World) => Partial<Sent>,
  judge: Attempt['judge'],
): Case {
  const ask = asker(of, {});
  return {
    of,
    attempts: [
      {
        name,
        ask: async (world) => await ask(world, { apiKey: world.people.intruder.token, ...sent(world) }),
        judge,
      },
      ...outsiders(ask, sent),
    ],
  };
}
