import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { PERMISSIONS } from '@centra/service-kit/permissions.ts';
import { z } from 'zod';
import { createApp } from '../app.ts';
import { closeContext, createContext } from '../context.ts';
import { startInviting } from '../invitations/test-invitations.ts';
import type { Row, TestAuth } from '../test-service.ts';
import { GOOD_PASSWORD, newEmail, registerVerified } from '../testing-accounts.ts';
import { addMember, addSession, asMember, newHotel, setMember } from '../testing-members.ts';

// Every route of this service that may change something, by its own list of routes: whoever adds one comes by here.

let inviting: Awaited<ReturnType<typeof startInviting>>;
let service: TestAuth;
before(async () => {
  inviting = await startInviting();
  ({ service } = inviting);
});
after(() => inviting.close());

const routeSchema = z.looseObject({
  route: z.object({ path: z.string(), methods: z.record(z.string(), z.boolean()) }).optional(),
});

async function changingRoutes(): Promise<string[]> {
  const context = await createContext(service.config, { log: createLog('auth', 'silent') });
  const layers = z.array(routeSchema).parse(createApp(context).router.stack);
  await closeContext(context);
  return layers.flatMap(({ route }) =>
    Object.keys(route?.methods ?? {})
      .filter((method) => method !== 'get')
      .map((method) => `${method.toUpperCase()} ${route?.path}`),
  );
}

/** What is of people themselves is in `user_events`, theirs wherever they work; other tests of this service see to it. */
const OF_PEOPLE: Readonly<Record<string, string>> = {
  'POST /v1/auth/register': 'user.registered',
  'POST /v1/auth/verify-email': 'email.verified',
  'POST /v1/auth/verify-email/resend': 'a mail only',
  'POST /v1/auth/login': 'login.succeeded, login.failed, account.locked',
  'POST /v1/auth/login/factor': 'login.succeeded, login.failed, recovery_code.used',
  'POST /v1/auth/refresh': 'token.reused; a good one changes nothing that anybody set',
  'POST /v1/auth/password/forgot': 'a mail only',
  'POST /v1/auth/password/reset': 'password.reset',
  'POST /v1/auth/me': 'profile.changed',
  'POST /v1/auth/logout': 'session.ended',
  'POST /v1/auth/password': 'password.changed',
  'DELETE /v1/auth/sessions/:id': 'session.ended',
  'POST /v1/auth/factors': 'nothing counts before it is confirmed',
  'POST /v1/auth/factors/recovery-codes': 'recovery_codes.renewed',
  'POST /v1/auth/factors/:id/confirm': 'factor.added',
  'POST /v1/auth/factors/:id/remove': 'factor.removed',
  // The hotel's trail says that somebody joined; invitations/*.test.ts see to it.
  'POST /v1/invitations/preview': 'it shows what is there',
  'POST /v1/invitations/register': 'invitation.accepted, at the hotel',
  'POST /v1/invitations/accept': 'invitation.accepted, at the hotel',
};

type Made = { merchant: string; staff: string; role: string; key: string; invitation: string };
type Step = {
  route: string;
  of?: keyof Made;
  body?: (made: Made) => object;
  leaves: string;
  keeps?: keyof Made;
};

const MEMBER = '/v1/merchants/:merchant/members/:id';
const INVITATIONS = '/v1/merchants/:merchant/invitations';
const STEPS: readonly Step[] = [
  {
    route: 'POST /v1/roles',
    body: () => ({ name: 'Desk', permissions: ['payments:read'] }),
    leaves: 'role.created',
    keeps: 'role',
  },
  { route: 'POST /v1/roles/:id', of: 'role', body: () => ({ name: 'Night' }), leaves: 'role.updated' },
  { route: 'DELETE /v1/roles/:id', of: 'role', leaves: 'role.deleted' },
  { route: 'POST /v1/security', body: () => ({ second_factor_required: true }), leaves: 'security.changed' },
  {
    route: 'POST /v1/api-keys',
    body: () => ({ name: 'Key', scopes: ['payments:read'] }),
    leaves: 'api_key.created',
    keeps: 'key',
  },
  {
    route: 'POST /v1/api-keys/:id/rotate',
    of: 'key',
    body: () => ({ overlap_seconds: 60 }),
    leaves: 'api_key.created, api_key.rotated',
  },
  { route: 'DELETE /v1/api-keys/:id', of: 'key', leaves: 'api_key.revoked' },
  {
    route: 'POST /v1/users/:id/role',
    of: 'staff',
    body: () => ({ role: 'manager' }),
    leaves: 'member.role_changed',
  },
  { route: 'POST /v1/users/:id/suspend', of: 'staff', leaves: 'member.suspended' },
  { route: 'POST /v1/users/:id/restore', of: 'staff', leaves: 'member.restored' },
  {
    route: `POST ${MEMBER}/role`,
    of: 'staff',
    body: () => ({ role: 'staff' }),
    leaves: 'member.role_changed',
  },
  { route: `POST ${MEMBER}/suspend`, of: 'staff', leaves: 'member.suspended' },
  { route: `POST ${MEMBER}/restore`, of: 'staff', leaves: 'member.restored' },
  { route: `DELETE ${MEMBER}`, of: 'staff', leaves: 'member.removed' },
  { route: 'DELETE /v1/users/:id', of: 'staff', leaves: 'member.removed' },
  {
    route: `POST ${INVITATIONS}`,
    body: () => ({ email: newEmail(), role: 'staff' }),
    leaves: 'invitation.created',
    keeps: 'invitation',
  },
  { route: `POST ${INVITATIONS}/:id/resend`, of: 'invitation', leaves: 'invitation.resent' },
  { route: `DELETE ${INVITATIONS}/:id`, of: 'invitation', leaves: 'invitation.revoked' },
  {
    route: 'POST /v1/merchants/:merchant/transfer-ownership',
    body: ({ staff }) => ({ user_id: staff, password: GOOD_PASSWORD }),
    leaves: 'member.role_changed, member.role_changed, ownership.transferred',
  },
];

test('the steps below and what is of people are every route that may change something', async () => {
  assert.deepEqual(
    (await changingRoutes()).toSorted(),
    [...STEPS.map(({ route }) => route), ...Object.keys(OF_PEOPLE)].toSorted(),
  );
});

test('each change at a hotel is in its trail: who, from where, in which request, and no secret', async () => {
  const { merchantId } = await newHotel(service);
  const owner = await registerVerified(service);
  await setMember(service, merchantId, owner, 'owner');
  // With a second factor, or asking for one would shut this very session out.
  const session = await addSession(service, owner, { withFactor: true });
  const caller = asMember(service, merchantId, owner, PERMISSIONS, session);
  const made: Made = {
    merchant: toPublicId('mer', merchantId),
    staff: '',
    role: '',
    key: '',
    invitation: '',
  };
  const secrets: string[] = [];
  const found: unknown[] = [];
  for (const [nth, { route, of, body, keeps }] of STEPS.entries()) {
    // Whoever was removed is replaced by somebody else.
    if (made.staff === '') made.staff = (await addMember(service, merchantId, 'staff')).userId;
    const requestId = `req_step_${String(nth).padStart(4, '0')}`;
    const [method = '', template = ''] = route.split(' ');
    const path = template
      .replace(':merchant', made.merchant)
      .replace(':id', of === undefined ? '' : made[of]);
    const asked = method === 'POST' ? caller.post(path) : caller.delete(path);
    const answer = await asked.set('x-request-id', requestId).send(body?.(made));
    assert.ok(answer.status < 300, `${route}: ${answer.status} ${answer.text}`);
    if (typeof answer.body.secret === 'string') secrets.push(answer.body.secret);
    if (keeps !== undefined) made[keeps] = String(answer.body.id);
    if (route.startsWith('DELETE') && of === 'staff') made.staff = '';
    const left = await leftBy(requestId);
    found.push([route, left.map(({ action }) => action).join(', ')]);
    for (const row of left)
      assert.deepEqual(
        [row['merchant_id'], row['actor'], row['address']],
        [merchantId, `user:${owner.userId}`, '203.0.113.7'],
        route,
      );
  }
  assert.deepEqual(
    found,
    STEPS.map(({ route, leaves }) => [route, leaves]),
  );
  const [row] = await service.sql(`select string_agg(e::text, ' ') as text from audit_events as e`);
  assert.equal(secrets.length, 2);
  for (const each of [...secrets, GOOD_PASSWORD]) assert.ok(!String(row?.['text']).includes(each));
});

async function leftBy(requestId: string): Promise<Row[]> {
  return await service.sql(
    'select merchant_id, action, actor, address from audit_events where request_id = $1 order by action',
    [requestId],
  );
}
