import { randomUUID } from 'node:crypto';
import { addColleague, logIn, registerPerson, setMember } from '@centra/dev/people.ts';
import type { Person } from '@centra/dev/people.ts';
import type { Platform } from '@centra/dev/platform.ts';
import { askAuth } from '@centra/dev/seed.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { z } from 'zod';
import { make, send } from './door.ts';
import type { Owned } from './owned.ts';
import type { TwoModeHotel } from './world.ts';

/** Somebody who logged in. */
export type LoggedIn = Person & { userId: string; token: string; sessionId: string; refreshToken: string };

/** Who works where, and what they have of their own. */
export type People = {
  /** Owns the owner's hotel, and has begun to add a second factor. */
  owner: LoggedIn;
  factor: string;
  /** Works for the owner only, in a role of the hotel's own. */
  colleague: LoggedIn;
  role: string;
  /** Owns the intruder's hotel. */
  intruder: LoggedIn;
  /** Owns the intruder's hotel and works for the owner; logged in at the intruder's. */
  both: LoggedIn;
  /** Works nowhere. */
  stranger: LoggedIn;
  /** Of the owner's created payment, and of the intruder's. */
  clientSecret: string;
  intruderSecret: string;
};

/** Makes them through the public door, and gives the owner's hotel an access row by suspending it for a moment. */
export async function makePeople(
  platform: Platform,
  hotels: { owner: TwoModeHotel; intruder: TwoModeHotel },
  payments: { owned: Owned; created: string },
): Promise<People> {
  const { gatewayUrl } = platform;
  const { owner, intruder } = hotels;
  await switchAccess(platform, owner.merchantId);
  const person = await add(platform, owner.merchantId, 'owner');
  const role = await make(gatewayUrl, person.token, '/v1/roles', {
    name: 'Ownerguest desk',
    permissions: ['payments:read', 'users:read', 'roles:read'],
  });
  const factor = await make(gatewayUrl, person.token, '/v1/auth/factors', {
    name: 'Phone',
    password: person.password,
  });
  const both = await add(platform, intruder.merchantId, 'owner');
  await setMember(platform, { merchantId: owner.merchantId, email: both.email, role: 'staff' });
  return {
    owner: person,
    factor: factor.id,
    colleague: await add(platform, owner.merchantId, role.id),
    role: role.id,
    intruder: await add(platform, intruder.merchantId, 'owner'),
    both,
    stranger: await enter(platform, await registerPerson(platform, someone()), {}),
    clientSecret: await secretOf(platform, owner.apiKey, payments.owned.created),
    intruderSecret: await secretOf(platform, intruder.apiKey, payments.created),
  };
}

function someone(): { email: string; name: string } {
  return { email: `${randomUUID()}@idor.example`, name: 'Ana Idor' };
}

async function add(platform: Platform, merchantId: string, role: string): Promise<LoggedIn> {
  return await enter(platform, await addColleague(platform, merchantId, { ...someone(), role }), {
    merchantId,
  });
}

async function enter(platform: Platform, person: Person, at: { merchantId?: string }): Promise<LoggedIn> {
  const tokens = await logIn(platform, person, at);
  return {
    ...person,
    userId: tokens.user.id,
    token: tokens.access_token,
    sessionId: tokens.session_id,
    refreshToken: tokens.refresh_token,
  };
}

async function secretOf({ gatewayUrl }: Platform, apiKey: string, payment: string): Promise<string> {
  const path = `/v1/payments/${payment}/client-secret`;
  const { json } = await send(gatewayUrl, { method: 'POST', path, apiKey });
  return z.object({ client_secret: z.string() }).parse(json).client_secret;
}

async function switchAccess(platform: Platform, merchantId: string): Promise<void> {
  const request = { merchantId, reason: 'A rehearsal', actor: 'service:operator' };
  await askAuth(platform, async (client, call) => {
    for (const suspended of [true, false])
      await callUnary(client.setMerchantAccess.bind(client), { ...request, suspended }, call);
  });
}
