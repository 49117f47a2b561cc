import { addColleague, logIn } from '@centra/dev/people.ts';
import type { Person } from '@centra/dev/people.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { createHotel } from '@centra/dev/seed.ts';
import { z } from 'zod';
import { call, startPlatformUnderTest } from '../platform-under-test.ts';
import type { PlatformUnderTest } from '../platform-under-test.ts';
import { NO_LIMITS } from '../no-limits.ts';
import type { Operation } from './description.ts';
import { HOOK_TARGET, makeKnown } from './known.ts';
import type { People } from './known.ts';
import type { Known } from './values.ts';

/** A platform that takes any number of requests, with a hotel that has some of everything. */
export type Subject = {
  platform: PlatformUnderTest;
  known: Known;
  /** What the operation asks for; undefined where it asks for nothing. */
  credentialFor(operation: Operation): string | undefined;
  crashes(): readonly string[];
  end(): Promise<void>;
};

/** Starts it. Only simulators are connected: nothing that is asked can reach the outside. */
export async function startSubject(operations: readonly Operation[]): Promise<Subject> {
  const platform = await startPlatformUnderTest({
    env: { ...NO_LIMITS, merchant: { WEBHOOK_TRUSTED_TARGETS: HOOK_TARGET } },
  });
  try {
    const hotel = await createHotel(platform, { name: 'Riad Property', provider: 'simulator' });
    const people = await makePeople(platform, hotel);
    // Before anything is asked: refused log-ins shut the door on an address for a while. And a session for each operation,
    // since logging out, or ending sessions, is one of them.
    const tokens = new Map<string, string>();
    // Two take turns: a person's oldest session ends when there are too many.
    const asked = operations.filter(({ schemes }) => schemes.includes('accessToken'));
    for (const [nth, { name, path }] of asked.entries()) {
      const isOwners = nth % 2 === 0 || path.startsWith('/v1/organisations');
      tokens.set(name, await tokenOf(platform, hotel, isOwners ? people.owner : people.partner));
    }
    const known = await makeKnown(platform, hotel, people, await tokenOf(platform, hotel, people.owner));
    const guest = await clientSecretOf(platform, hotel, known);
    return {
      platform,
      known,
      credentialFor({ name, path, schemes }) {
        if (schemes.length === 0) return undefined;
        if (schemes.includes('clientSecret')) return guest;
        // What both may use is asked by a person half of the time.
        if (schemes.includes('apiKey') && path.length % 2 === 1) return hotel.apiKey;
        return tokens.get(name);
      },
      crashes: () => platform.crashes,
      end: async () => await platform.end(),
    };
  } catch (error) {
    await platform.end();
    throw error;
  }
}

async function makePeople(platform: PlatformUnderTest, { merchantId }: Hotel): Promise<People> {
  const add = async (role: string, address = role): Promise<People['colleague']> =>
    await addColleague(platform, merchantId, {
      email: `${address}@property.example`,
      name: 'Ana Property',
      role,
    });
  return {
    owner: await add('owner'),
    partner: await add('owner', 'partner'),
    colleague: await add('manager'),
  };
}

async function tokenOf(platform: PlatformUnderTest, { merchantId }: Hotel, person: Person): Promise<string> {
  return (await logIn(platform, person, { merchantId })).access_token;
}

async function clientSecretOf(platform: PlatformUnderTest, hotel: Hotel, known: Known): Promise<string> {
  const [payment = ''] = known.ids('/v1/checkout/payments/{id}', 'id');
  const { apiKey } = hotel;
  const { json } = await call(platform, 'POST', `/v1/payments/${payment}/client-secret`, { apiKey });
  return z.object({ client_secret: z.string() }).parse(json).client_secret;
}
