import { randomUUID } from 'node:crypto';
import { ListAuditEventsRequest, ListMembershipsRequest } from '@centra/proto/centra/auth/v1/auth.ts';
import { both, ends } from './attempt.ts';
import type { Attempt, Case } from './attempt.ts';
import { asService, asking, between } from './calls.ts';
import type { World } from './world.ts';

// The RPCs of auth: keys, and the people of hotels.

const AUTH = 'centra.auth.v1.AuthService';
const REFUSED_KEY = ends('UNAUTHENTICATED unauthenticated');

function validating(name: string, secret: (world: World) => string, judge: Attempt['judge']): Attempt {
  return {
    name,
    ask: async (world) => {
      const { auth } = world.clients('api-gateway');
      const options = asService();
      return await asking(auth.validateApiKey.bind(auth), { secret: secret(world) }, options);
    },
    judge,
  };
}

const swapped = (secret: string): string =>
  secret.replace(/.{6}$/, (end) => (end === 'AAAAAA' ? 'BBBBBB' : 'AAAAAA'));

const keys: readonly Case[] = [
  between(
    `${AUTH}/ValidateApiKey`,
    ['api-gateway', 'payment-api'],
    [
      validating(
        'the intruder’s key is the intruder’s',
        ({ intruder }) => intruder.apiKey,
        (seen, { intruder }) =>
          seen.text.includes(intruder.merchantId) ? undefined : `answered ${seen.text}`,
      ),
      validating('the owner’s key with another end', ({ owner }) => swapped(owner.apiKey), REFUSED_KEY),
      validating(
        'the owner’s test key as a live one',
        ({ owner }) => owner.apiKey.replace('_test_', '_live_'),
        REFUSED_KEY,
      ),
      validating('the id of the owner’s key', ({ owned }) => owned.apiKey, REFUSED_KEY),
    ],
  ),
  between(`${AUTH}/WatchRevocations`, ['api-gateway', 'payment-api'], []),
  // A hotel's first key: nothing but who may call it stands between a caller and any hotel.
  between(`${AUTH}/CreateApiKey`, ['operator'], []),
];

const people: readonly Case[] = [
  between(
    `${AUTH}/ValidateAccessToken`,
    ['api-gateway'],
    [
      {
        name: 'the intruder’s token is the intruder’s, at the intruder’s hotel',
        ask: async (world) => await validatingToken(world, world.people.intruder.token),
        judge: both(ends('OK'), ({ text }, { intruder }) =>
          text.includes(intruder.merchantId) ? undefined : `answered ${text}`,
        ),
      },
      {
        name: 'the owner’s token with another end',
        ask: async (world) => await validatingToken(world, swapped(world.people.owner.token)),
        judge: REFUSED_KEY,
      },
    ],
  ),
  between(
    `${AUTH}/CheckPermission`,
    ['merchant', 'payment-api'],
    [
      {
        name: 'the intruder in person at the owner’s hotel',
        ask: async (world) => {
          const { auth } = world.clients('payment-api');
          const { userId } = world.people.intruder;
          const request = { userId, merchantId: world.owner.merchantId, permission: 'payments:read' };
          return await asking(auth.checkPermission.bind(auth), request, asService());
        },
        judge: (seen) =>
          seen.text === '{"allowed":false}' ? undefined : `answered ${seen.outcome} ${seen.text}`,
      },
    ],
  ),
  between(`${AUTH}/RecordKeyUsage`, ['api-gateway', 'payment-api'], []),
  between(
    `${AUTH}/SetMember`,
    ['merchant', 'operator'],
    [
      {
        name: 'a role of the owner’s at the intruder’s hotel',
        ask: async (world) => {
          const { auth } = world.clients('operator');
          const request = {
            merchantId: world.intruder.merchantId,
            person: { $case: 'userId' as const, value: world.people.both.userId },
            role: world.people.role,
            actor: 'service:operator',
          };
          return await asking(auth.setMember.bind(auth), request, asService());
        },
        judge: ends('NOT_FOUND not_found'),
      },
    ],
  ),
  // Nothing but who may call it stands between a caller and any hotel.
  between(`${AUTH}/SetMerchantAccess`, ['merchant', 'operator'], []),
  between(`${AUTH}/RotateSigningKey`, ['operator'], []),
  between(
    `${AUTH}/ListMemberships`,
    ['merchant'],
    [
      {
        name: 'of the intruder: none of the owner’s hotels',
        ask: async (world) => {
          const { auth } = world.clients('merchant');
          const request = ListMembershipsRequest.fromPartial({
            userId: world.people.intruder.userId,
            limit: 100,
          });
          return await asking(auth.listMemberships.bind(auth), request, asService());
        },
        judge: both(ends('OK'), ({ text }, { intruder }) =>
          text.includes(intruder.merchantId) ? undefined : `answered ${text}`,
        ),
      },
    ],
  ),
  between(
    `${AUTH}/ListAuditEvents`,
    ['merchant'],
    [
      {
        name: 'of the intruder: nothing that happened at the owner’s',
        ask: async (world) => await listingEvents(world, { merchantId: world.intruder.merchantId }),
        judge: both(ends('OK'), ({ text }, world) =>
          text.includes(world.people.intruder.userId) && !text.includes(world.people.colleague.userId)
            ? undefined
            : `answered ${text.slice(0, 300)}`,
        ),
      },
      {
        name: 'of the intruder, about somebody of the owner’s: nothing',
        ask: async (world) =>
          await listingEvents(world, {
            merchantId: world.intruder.merchantId,
            objectId: world.people.colleague.userId,
          }),
        judge: (seen) =>
          seen.text === '{"events":[],"hasMore":false}' ? undefined : `answered ${seen.outcome} ${seen.text}`,
      },
      {
        name: 'of a hotel that is none: nothing',
        ask: async (world) => await listingEvents(world, { merchantId: randomUUID() }),
        judge: (seen) =>
          seen.text === '{"events":[],"hasMore":false}' ? undefined : `answered ${seen.outcome} ${seen.text}`,
      },
    ],
  ),
];

async function listingEvents(
  world: World,
  about: { merchantId: string; objectId?: string },
): ReturnType<typeof asking> {
  const { auth } = world.clients('merchant');
  const request = ListAuditEventsRequest.fromPartial({ limit: 100, ...about });
  return await asking(auth.listAuditEvents.bind(auth), request, asService());
}

async function validatingToken(world: World, token: string): ReturnType<typeof asking> {
  const { auth } = world.clients('api-gateway');
  return await asking(auth.validateAccessToken.bind(auth), { token }, asService());
}

export const authCalls: readonly Case[] = [...keys, ...people];
