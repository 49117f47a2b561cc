import { randomUUID } from 'node:crypto';
import { logIn } from '@centra/dev/people.ts';
import type { Person } from '@centra/dev/people.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';
import { call } from '../platform-under-test.ts';
import type { PlatformUnderTest } from '../platform-under-test.ts';
import type { Known } from './values.ts';

const madeSchema = z.looseObject({ id: z.string() });
type Made = z.infer<typeof madeSchema>;
/** Makes something, with the hotel's key or as somebody else. */
type Make = (path: string, body: object, credential?: string) => Promise<Made>;

// What the built-in simulator loses the answer of, without a charge (docs/providers/simulator.md).
const LOST = 66_611;
// Nothing of that kind can be made here, or it must stay: one that nobody has.
const NOBODYS = { dis: 'dis_01jd0000000000000000000000', mer: 'mer_01jd0000000000000000000000' };
// The port of a service that nobody runs: no test of an endpoint leaves the machine, and no name is looked up.
export const HOOK_TARGET = '127.0.0.1:9';
const HOOK = `http://${HOOK_TARGET}/centra`;

/** Who works there. */
export type People = { owner: Person; partner: Person; colleague: Person & { userId: string } };

/** Makes one of everything at the hotel; `token` is the owner's. */
export async function makeKnown(
  platform: PlatformUnderTest,
  hotel: Hotel,
  people: People,
  token: string,
): Promise<Known> {
  const made: Make = async (path, body, apiKey = hotel.apiKey) => {
    const answer = await call(platform, 'POST', path, {
      apiKey,
      headers: { 'idempotency-key': randomUUID() },
      body: JSON.stringify(body),
    });
    if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${answer.text}`);
    return madeSchema.parse(answer.json);
  };
  const merchant = toPublicId('mer', hotel.merchantId);
  const account = await made('/v1/provider-accounts', SIMULATOR);
  const [money, settings, staff] = [
    await makePayments(platform, hotel, made),
    await makeSettings(made, account.id),
    await makeStaff(made, token, merchant),
  ];
  const session = (await logIn(platform, people.colleague, hotel)).session_id;
  const ids: readonly (readonly [beginning: string, ids: readonly string[]])[] = [
    ...money.ids,
    ...settings.ids,
    ...staff.ids,
    ['/v1/users/', [people.colleague.userId]],
    ['/v1/merchants/{merchant}/members/', [people.colleague.userId]],
    // It would end everybody's access, and with it all that is asked afterwards.
    ['/v1/merchants/{id}/close', [NOBODYS.mer]],
    ['/v1/merchants/', [merchant]],
    ['/v1/auth/sessions/', [session]],
    ['/v1/provider-accounts/', [account.id]],
    ['/v1/webhooks/stripe/', [account.id]],
  ];
  return {
    fields: {
      ...money.fields,
      ...settings.fields,
      provider_account: [account.id],
      provider: ['simulator'],
      // Not the owner's: enough wrong passwords lock whoever's address that is.
      email: [people.colleague.email, 'nobody@property.example'],
      user_id: [people.colleague.userId],
      merchant_id: [merchant],
      organisation_id: [staff.organisation],
      role: ['manager', 'staff', staff.role],
      permissions: [['payments:read']],
      from: ['2026-11-01T00:00:00Z'],
      to: ['2026-11-30T00:00:00Z', '2999-01-01T00:00:00Z'],
      image: [PICTURE],
    },
    ids(path, parameter) {
      if (parameter === 'merchant') return [merchant];
      if (parameter === 'user') return [people.colleague.userId];
      return ids.find(([beginning]) => path.startsWith(beginning))?.[1] ?? [NOBODYS.dis];
    },
  };
}

const SIMULATOR = { provider: 'simulator', mode: 'test', credentials: {} };
// One pixel.
const PICTURE =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

type Part = { ids: (readonly [string, readonly string[]])[]; fields: Known['fields'] };

async function makePayments(platform: PlatformUnderTest, hotel: Hotel, made: Make): Promise<Part> {
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
  const unknown = await waitFor('an operation to be listed as unknown', async () => {
    const { json } = await call(platform, 'GET', '/v1/unknown-operations', { apiKey: hotel.apiKey });
    return z.object({ data: z.array(madeSchema) }).parse(json).data[0];
  });
  const payments = [sold, held, created, challenged].map(({ id }) => id);
  return {
    ids: [
      ['/v1/payments/', payments],
      ['/v1/checkout/payments/', [created.id]],
      ['/v1/refunds/', [refund.id]],
      ['/v1/quotes/', [quote.id]],
      ['/v1/unknown-operations/', [unknown.id]],
      ['/v1/simulator/challenges/', [challengeOf(challenged)]],
    ],
    fields: {
      card_token: ['sim_card_visa', 'sim_card_declined'],
      amount: [12_550, 100],
      currency: ['EUR'],
      payment_id: payments,
      quote_id: [quote.id],
      cursor: payments,
    },
  };
}

/** Of each two, so that what is changed, tested or removed is not the other's. */
async function makeSettings(made: Make, account: string): Promise<Part> {
  const rule = async (name: string): Promise<Made> =>
    await made('/v1/routing-rules', { name, conditions: {}, provider_accounts: [account] });
  const endpoint = async (): Promise<Made> =>
    await made('/v1/webhook-endpoints', { url: HOOK, events: ['payment.*'] });
  const [first, second] = [await rule('First'), await rule('Second')];
  const [tested, other] = [await endpoint(), await endpoint()];
  const keys = [await makeKey(made), await makeKey(made)];
  return {
    ids: [
      ['/v1/routing-rules/', [first.id, second.id]],
      // Nothing changes where this one points to.
      ['/v1/webhook-endpoints/{id}/test', [tested.id]],
      ['/v1/webhook-endpoints/', [other.id]],
      ['/v1/api-keys/', keys.map(({ id }) => id)],
    ],
    fields: {
      url: [HOOK],
      events: [['payment.*'], ['*']],
      provider_accounts: [[account]],
      rule_ids: [[first.id, second.id]],
      methods: [['card']],
      currencies: [['EUR', 'MAD']],
    },
  };
}

/** A key that may be taken away: it is not the one that asks. */
async function makeKey(made: Make): Promise<Made> {
  return await made('/v1/api-keys', { name: 'To be revoked', scopes: ['payments:read'] });
}

type Staff = Pick<Part, 'ids'> & { role: string; organisation: string };

async function makeStaff(made: Make, token: string, merchant: string): Promise<Staff> {
  const role = await made('/v1/roles', { name: 'Night desk', permissions: ['payments:read'] }, token);
  const organisation = await made('/v1/organisations', { name: 'Property Group' }, token);
  const invitation = { email: 'invited@property.example', role: 'staff' };
  const invited = await made(`/v1/merchants/${merchant}/invitations`, invitation, token);
  return {
    ids: [
      ['/v1/roles/', [role.id, 'manager']],
      ['/v1/organisations/', [organisation.id]],
      ['/v1/merchants/{merchant}/invitations/', [invited.id]],
    ],
    role: role.id,
    organisation: organisation.id,
  };
}

function challengeOf(payment: Made): string {
  const { redirect_url: url } = z
    .object({ next_action: z.object({ redirect_url: z.string() }) })
    .parse(payment).next_action;
  const token = new URL(url).pathname.split('/').at(-1);
  if (token === undefined) throw new Error(`${url} has no token`);
  return token;
}
