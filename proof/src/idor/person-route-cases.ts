import { toPublicId } from '@centra/service-kit/ids.ts';
import { both, ends } from './attempt.ts';
import type { Attempt, Case } from './attempt.ts';
import { asker, INVALID, listOfStaff, ofOneself, ofStaff, outsiders, UNKNOWN } from './person-routes.ts';
import type { People } from './people.ts';
import { askDoor, NOT_FOUND } from './routes.ts';
import type { World } from './world.ts';

// Routes that only people may call, about a hotel's people or about themselves, and those where nobody is known yet.

const hotelOf = ({ owner }: World): string => toPublicId('mer', owner.merchantId);
const colleague = ({ colleague: { userId } }: People): string => userId;
const role = (people: People): string => people.role;

const staff: readonly Case[] = [
  listOfStaff('/v1/users', colleague),
  ofStaff('GET /v1/users/{id}', { id: colleague }),
  ofStaff('DELETE /v1/users/{id}', { id: colleague }),
  ofStaff('POST /v1/users/{id}/role', { id: colleague, body: () => ({ role: 'owner' }) }, [
    {
      name: 'a person of its own, to a role of the owner’s',
      ask: async (world) =>
        await askDoor(world, {
          method: 'POST',
          path: `/v1/users/${world.people.both.userId}/role`,
          apiKey: world.people.intruder.token,
          body: { role: world.people.role },
        }),
      judge: ends('404 not_found', '400 validation_failed'),
    },
  ]),
  ofStaff('POST /v1/users/{id}/suspend', { id: colleague }),
  ofStaff('POST /v1/users/{id}/restore', { id: colleague }),
  listOfStaff('/v1/roles', role),
  ofStaff('GET /v1/roles/{id}', { id: role }),
  ofStaff('POST /v1/roles/{id}', { id: role, body: () => ({ name: 'Taken over' }) }),
  ofStaff('DELETE /v1/roles/{id}', { id: role }),
  ofOneself(
    'POST /v1/roles',
    'for a hotel that it names',
    (world) => ({ body: { name: 'Mine', permissions: ['payments:read'], merchant_id: hotelOf(world) } }),
    INVALID,
  ),
  ofOneself(
    'GET /v1/security',
    'of a hotel that it names',
    (world) => ({ path: `/v1/security?merchant_id=${hotelOf(world)}` }),
    INVALID,
  ),
  ofOneself(
    'POST /v1/security',
    'of a hotel that it names',
    (world) => ({ body: { second_factor_required: true, merchant_id: hotelOf(world) } }),
    INVALID,
  ),
];

const WRONG_CODE = '000000';

const oneself: readonly Case[] = [
  ofOneself('GET /v1/auth/me', 'it tells of nobody else', () => ({}), ends('200')),
  ofOneself(
    'POST /v1/auth/me',
    'as a person that it names',
    ({ people }) => ({ body: { name: 'Taken over', id: people.owner.userId } }),
    INVALID,
  ),
  ofOneself(
    'POST /v1/auth/password',
    'of a person that it names',
    ({ people }) => ({
      body: {
        current_password: people.intruder.password,
        new_password: `${people.intruder.password} 2`,
        user_id: people.owner.userId,
      },
    }),
    INVALID,
  ),
  ofOneself(
    'GET /v1/auth/sessions',
    'it lists nobody else’s',
    () => ({ path: '/v1/auth/sessions?limit=100' }),
    ends('200'),
  ),
  ofOneself(
    'DELETE /v1/auth/sessions/{id}',
    'the owner’s',
    ({ people }) => ({ path: `/v1/auth/sessions/${people.owner.sessionId}` }),
    NOT_FOUND,
  ),
  ofOneself(
    'GET /v1/auth/factors',
    'it lists nobody else’s',
    () => ({ path: '/v1/auth/factors?limit=100' }),
    ends('200'),
  ),
  ofOneself(
    'POST /v1/auth/factors',
    'for a person that it names',
    ({ people }) => ({
      body: { name: 'Mine', password: people.intruder.password, user_id: people.owner.userId },
    }),
    INVALID,
  ),
  ofOneself(
    'POST /v1/auth/factors/recovery-codes',
    'of a person that it names',
    ({ people }) => ({ body: { code: WRONG_CODE, user_id: people.owner.userId } }),
    INVALID,
  ),
  ofOneself(
    'POST /v1/auth/factors/{id}/confirm',
    'the owner’s',
    ({ people }) => ({ path: `/v1/auth/factors/${people.factor}/confirm`, body: { code: WRONG_CODE } }),
    NOT_FOUND,
  ),
  ofOneself(
    'POST /v1/auth/factors/{id}/remove',
    'the owner’s',
    ({ people }) => ({
      path: `/v1/auth/factors/${people.factor}/remove`,
      body: { password: people.intruder.password, code: WRONG_CODE },
    }),
    NOT_FOUND,
  ),
  // It ends the session that asks, and there is nothing to name another one by.
  { of: 'POST /v1/auth/logout', attempts: outsiders(asker('POST /v1/auth/logout', {})) },
];

/** A request of somebody who is not known yet. */
function unknown(of: string, name: string, body: (world: World) => unknown, judge: Attempt['judge']): Case {
  const ask = asker(of, { body });
  return { of, attempts: [{ name, ask: async (world) => await ask(world, {}), judge, acts: true }] };
}

const NO_TOKEN = 'x'.repeat(43);

const nobody: readonly Case[] = [
  {
    of: 'GET /.well-known/jwks.json',
    attempts: [
      {
        name: 'it holds no private part of a key',
        ask: async (world) => await askDoor(world, { method: 'GET', path: '/.well-known/jwks.json' }),
        judge: both(ends('200'), ({ text }) => (/"(?:d|k)":/.test(text) ? 'a key is private' : undefined)),
      },
    ],
  },
  unknown(
    'POST /v1/auth/register',
    'an address of the owner’s people: as if it were new',
    ({ people }) => ({ email: people.colleague.email, password: 'eleven otters paddle', name: 'Not Ana' }),
    ends('202'),
  ),
  unknown(
    'POST /v1/auth/verify-email',
    'by a made-up link',
    () => ({ token: NO_TOKEN, password: 'eleven otters paddle' }),
    ends('410 link_expired'),
  ),
  unknown(
    'POST /v1/auth/verify-email/resend',
    'to the owner',
    ({ people }) => ({ email: people.owner.email }),
    ends('202'),
  ),
  unknown(
    'POST /v1/auth/password/forgot',
    'of the owner',
    ({ people }) => ({ email: people.owner.email }),
    ends('202'),
  ),
  unknown(
    'POST /v1/auth/password/reset',
    'by a made-up link',
    () => ({ token: NO_TOKEN, new_password: 'eleven otters paddle' }),
    ends('410 link_expired', '400 validation_failed'),
  ),
  unknown(
    'POST /v1/auth/login',
    'at the hotel of another person',
    (world) => {
      const { email, password } = world.people.intruder;
      return { email, password, merchant_id: hotelOf(world) };
    },
    NOT_FOUND,
  ),
  unknown(
    'POST /v1/auth/login/factor',
    'with an access token for a challenge',
    ({ people }) => ({ challenge: people.owner.token, code: WRONG_CODE }),
    UNKNOWN,
  ),
  unknown(
    'POST /v1/auth/refresh',
    'for the hotel of another person',
    (world) => ({ refresh_token: world.people.intruder.refreshToken, merchant_id: hotelOf(world) }),
    NOT_FOUND,
  ),
];

const guests: Case = {
  of: 'GET /v1/checkout/payments/{id}',
  attempts: [
    guest(
      'with the client secret of a payment of another hotel',
      ({ owned }) => owned.created,
      ({ people }) => people.intruderSecret,
      NOT_FOUND,
    ),
    guest(
      'with the client secret of another payment of the owner’s',
      ({ owned }) => owned.held,
      ({ people }) => people.clientSecret,
      NOT_FOUND,
    ),
    guest(
      'with the client secret in the name of live mode',
      ({ owned }) => owned.created,
      ({ people }) => people.clientSecret.replace('_test_', '_live_'),
      UNKNOWN,
    ),
    guest(
      'with the key of another hotel',
      ({ owned }) => owned.created,
      ({ intruder }) => intruder.apiKey,
      UNKNOWN,
    ),
    guest(
      'with the owner’s own key',
      ({ owned }) => owned.created,
      ({ owner }) => owner.apiKey,
      UNKNOWN,
    ),
    guest(
      'by the owner in person',
      ({ owned }) => owned.created,
      ({ people }) => people.owner.token,
      UNKNOWN,
    ),
    guest(
      'without a credential',
      ({ owned }) => owned.created,
      () => undefined,
      UNKNOWN,
    ),
  ],
};

function guest(
  name: string,
  payment: (world: World) => string,
  credential: (world: World) => string | undefined,
  judge: Attempt['judge'],
): Attempt {
  return {
    name,
    ask: async (world) => {
      const apiKey = credential(world);
      const path = `/v1/checkout/payments/${payment(world)}`;
      return await askDoor(world, { method: 'GET', path, ...(apiKey === undefined ? {} : { apiKey }) });
    },
    judge,
  };
}

export const personRoutes: readonly Case[] = [...staff, ...oneself, ...nobody, guests];
