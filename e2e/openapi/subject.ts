import { randomUUID } from 'node:crypto';
import { addColleague, logIn } from '@centra/dev/people.ts';
import type { Person } from '@centra/dev/people.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { createHotel } from '@centra/dev/seed.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';
import { call, startPlatformUnderTest } from '../platform-under-test.ts';
import type { PlatformUnderTest } from '../platform-under-test.ts';
import { NO_LIMITS } from '../no-limits.ts';
import type { Operation } from './description.ts';
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

// What the built-in simulator loses the answer of, without a charge (docs/providers/simulator.md).
const LOST = 66_611;

/** Starts it. Only simulators are connected: nothing that is asked can reach the outside. */
export async function startSubject(operations: readonly Operation[]): Promise<Subject> {
  const platform = await startPlatformUnderTest({ env: NO_LIMITS });
  try {
    const hotel = await createHotel(platform, { name: 'Riad Property', provider: 'simulator' });
    const people = await makePeople(platform, hotel);
    // Before anything is asked: refused log-ins shut the door on an address for a while. And a session for each operation,
    // since logging out, or ending sessions, is one of them.
    const tokens = new Map<string, string>();
    for (const { name } of operations.filter(({ schemes }) => schemes.includes('accessToken')))
      tokens.set(name, await tokenOf(platform, hotel, people.owner));
    const known = await makeKnown(platform, hotel, people);
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

const madeSchema = z.looseObject({ id: z.string() });
type Made = z.infer<typeof madeSchema>;

type People = { owner: Person; colleague: Person & { userId: string } };

async function makePeople(platform: PlatformUnderTest, { merchantId }: Hotel): Promise<People> {
  const add = async (role: string): Promise<People['colleague']> =>
    await addColleague(platform, merchantId, {
      email: `${role}@property.example`,
      name: 'Ana Property',
      role,
    });
  return { owner: await add('owner'), colleague: await add('manager') };
}

async function tokenOf(platform: PlatformUnderTest, { merchantId }: Hotel, person: Person): Promise<string> {
  return (await logIn(platform, person, { merchantId })).access_token;
}

async function clientSecretOf(platform: PlatformUnderTest, hotel: Hotel, known: Known): Promise<string> {
  const [payment = ''] = known.ids('/v1/checkout/payments/{id}');
  const { apiKey } = hotel;
  const { json } = await call(platform, 'POST', `/v1/payments/${payment}/client-secret`, { apiKey });
  return z.object({ client_secret: z.string() }).parse(json).client_secret;
}

async function makeKnown(platform: PlatformUnderTest, hotel: Hotel, people: People): Promise<Known> {
  const made = async (path: string, body: object, apiKey = hotel.apiKey): Promise<Made> => {
    const answer = await call(platform, 'POST', path, {
      apiKey,
      headers: { 'idempotency-key': randomUUID() },
      body: JSON.stringify(body),
    });
    if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${answer.text}`);
    return madeSchema.parse(answer.json);
  };
  const terms = { amount: 12_550, currency: 'EUR', booking_reference: 'BK-PROPERTY' };
  const paid = { ...terms, card_token: 'sim_card_visa' };
  const pay = async (body: object): Promise<Made> => await made('/v1/payments', body);
  const sold = await pay(paid);
  const held = await pay({ ...paid, capture_method: 'manual' });
  const created = await pay(terms);
  const challenged = await pay({
    ...paid,
    card_token: 'sim_card_authentication_required',
    return_url: 'https://hotel.example/paid',
  });
  const refund = await made(`/v1/payments/${sold.id}/refund`, { amount: 100, currency: 'EUR' });
  const quote = await made('/v1/quotes', { currency: 'EUR', items: [{ item: 'room.single', nights: 2 }] });
  await pay({ ...paid, amount: LOST });
  const account = await made('/v1/provider-accounts', SIMULATOR);
  const keys = await Promise.all([makeKey(made), makeKey(made)]);
  const session = (await logIn(platform, people.colleague, hotel)).session_id;
  const token = await tokenOf(platform, hotel, people.owner);
  const role = await made('/v1/roles', { name: 'Night desk', permissions: ['payments:read'] }, token);
  const unknown = await waitFor('an operation to be listed as unknown', async () => {
    const { json } = await call(platform, 'GET', '/v1/unknown-operations', { apiKey: hotel.apiKey });
    return z.object({ data: z.array(madeSchema) }).parse(json).data[0];
  });
  const payments = [sold, held, created, challenged].map(({ id }) => id);
  const ids: Readonly<Record<string, readonly string[]>> = {
    '/v1/payments/': payments,
    '/v1/checkout/payments/': [created.id],
    '/v1/users/': [people.colleague.userId],
    '/v1/roles/': [role.id, 'manager'],
    '/v1/auth/sessions/': [session],
    '/v1/refunds/': [refund.id],
    '/v1/quotes/': [quote.id],
    '/v1/unknown-operations/': [unknown.id],
    '/v1/provider-accounts/': [account.id],
    '/v1/api-keys/': keys.map(({ id }) => id),
    '/v1/simulator/challenges/': [challengeOf(challenged)],
    '/v1/webhooks/stripe/': [account.id],
  };
  return {
    fields: {
      card_token: ['sim_card_visa', 'sim_card_declined'],
      amount: [12_550, 100],
      currency: ['EUR'],
      payment_id: payments,
      quote_id: [quote.id],
      provider_account: [account.id],
      provider: ['simulator'],
      cursor: payments,
      // Not the owner's: enough wrong passwords lock whoever's address that is.
      email: [people.colleague.email, 'nobody@property.example'],
      merchant_id: [toPublicId('mer', hotel.merchantId)],
      role: ['manager', 'staff', role.id],
      permissions: [['payments:read']],
    },
    ids(path) {
      const own = Object.entries(ids).find(([prefix]) => path.startsWith(prefix))?.[1];
      // Nothing of that kind can be made here: one that nobody has.
      return own ?? ['dis_01jd0000000000000000000000'];
    },
  };
}

const SIMULATOR = { provider: 'simulator', mode: 'test', credentials: {} };

/** A key that may be taken away: it is not the one that asks. */
async function makeKey(made: (path: string, body: object) => Promise<Made>): Promise<Made> {
  return await made('/v1/api-keys', { name: 'To be revoked', scopes: ['payments:read'] });
}

function challengeOf(payment: Made): string {
  const { redirect_url: url } = z
    .object({ next_action: z.object({ redirect_url: z.string() }) })
    .parse(payment).next_action;
  const token = new URL(url).pathname.split('/').at(-1);
  if (token === undefined) throw new Error(`${url} has no token`);
  return token;
}
