import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MerchantVerdict } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { PERMISSIONS } from '@centra/service-kit/permissions.ts';
import { z } from 'zod';
import { createApp } from '../app.ts';
import { asCaller, startTestMerchant, stripeKey } from '../test-service.ts';
import type { Caller, Row, TestMerchant } from '../test-service.ts';
import { asOwner, draft, newComplete, newPerson, review } from '../testing/onboarding.ts';
import type { Draft } from '../testing/onboarding.ts';

// Every route of this service that may change something, by its own list of routes: whoever adds one comes by here.

// The port of a service that nobody runs.
const HOOK = '127.0.0.1:9';
let service: TestMerchant;
before(async () => {
  service = await startTestMerchant(undefined, { webhookTrustedTargets: [HOOK] });
});
after(() => service.close());

const routeSchema = z.looseObject({
  route: z.object({ path: z.string(), methods: z.record(z.string(), z.boolean()) }).optional(),
});

/** `POST /v1/merchants` and so on. What answers every method only says which ones there are. */
function changingRoutes(): string[] {
  const layers = z.array(routeSchema).parse(createApp(service.service.context).router.stack);
  return layers.flatMap(({ route }) => {
    const methods = Object.keys(route?.methods ?? {});
    const [method] = methods;
    return methods.length === 1 && method !== undefined && method !== 'get'
      ? [`${method.toUpperCase()} ${route?.path}`]
      : [];
  });
}

/** What was made on the way, for the paths of later steps. */
type Stage = {
  owner: Caller;
  person: Caller;
  hotel: Draft;
  colleague: string;
  made: Record<string, string>;
  secrets: string[];
};

type Shows = 'after' | 'before' | 'both' | 'neither';
type Step = {
  route: string;
  /** Its ids and body; `by` the person themselves, or, without it, at the hotel. */
  ask: (stage: Stage) => { path: string; body?: object; by?: 'person' };
  /** What is in the history afterwards; none for what changes nothing, and why. */
  leaves: readonly [action: string, shows: Shows][] | string;
  /** Under this name the answer's id is kept. */
  keeps?: string;
};

const PICTURE =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const at =
  (route: string, name = '') =>
  ({ hotel, made, colleague }: Stage): string =>
    (route.split(' ')[1] ?? '')
      .replace(':user', colleague)
      .replace(':id', made[name] ?? (route.includes('organisations') ? hotel.organisationId : hotel.id));

function step(
  route: string,
  body: ((stage: Stage) => object) | undefined,
  leaves: Step['leaves'],
  more: { of?: string; keeps?: string; by?: 'person' } = {},
): Step {
  const { of, keeps, by } = more;
  const path = at(route, of);
  return {
    route,
    leaves,
    ask: (stage) => ({
      path: path(stage),
      ...(body === undefined ? {} : { body: body(stage) }),
      ...(by === undefined ? {} : { by }),
    }),
    ...(keeps === undefined ? {} : { keeps }),
  };
}

const inPerson = { by: 'person' } as const;
const secret = (stage: Stage): string => {
  const key = stripeKey();
  stage.secrets.push(key);
  return key;
};

const STEPS: readonly Step[] = [
  step('POST /v1/organisations', () => ({ name: 'Second' }), [['organisation.created', 'after']], inPerson),
  step(
    'POST /v1/organisations/:id',
    () => ({ name: 'Renamed' }),
    [['organisation.renamed', 'both']],
    inPerson,
  ),
  step(
    'POST /v1/organisations/:id/owners',
    ({ colleague }) => ({ user_id: colleague }),
    [['organisation.owner_added', 'after']],
    inPerson,
  ),
  step(
    'DELETE /v1/organisations/:id/owners/:user',
    undefined,
    [['organisation.owner_removed', 'before']],
    inPerson,
  ),
  step(
    'POST /v1/merchants',
    ({ hotel }) => draft(hotel.organisationId),
    [
      ['merchant.created', 'after'],
      ['organisation.merchant_added', 'after'],
    ],
    inPerson,
  ),
  step('POST /v1/merchants/:id', () => ({ name: 'Riad Renamed' }), [['merchant.updated', 'both']]),
  step('POST /v1/merchants/:id/logo', () => ({ image: PICTURE }), [['merchant.logo_changed', 'both']]),
  step('DELETE /v1/merchants/:id/logo', undefined, [['merchant.logo_removed', 'both']]),
  step('POST /v1/merchants/:id/submit', undefined, [['merchant.state_changed', 'both']]),
  step(
    'POST /v1/provider-accounts',
    (stage) => ({
      provider: 'stripe',
      mode: 'test',
      credentials: { secret_key: secret(stage) },
      default: true,
    }),
    [
      ['provider_account.created', 'after'],
      ['provider_account.default_replaced', 'both'],
    ],
    { keeps: 'account' },
  ),
  step(
    'POST /v1/provider-accounts/test',
    (stage) => ({ provider: 'stripe', mode: 'test', credentials: { secret_key: secret(stage) } }),
    'it keeps nothing',
  ),
  step(
    'POST /v1/provider-accounts/:id',
    () => ({ name: 'Renamed' }),
    [['provider_account.updated', 'both']],
    { of: 'account' },
  ),
  step('POST /v1/provider-accounts/:id/test', () => ({}), [['provider_account.tested', 'after']], {
    of: 'account',
  }),
  step(
    'POST /v1/provider-accounts/:id/rotate',
    (stage) => ({ credentials: { secret_key: secret(stage) } }),
    [['provider_account.rotated', 'both']],
    { of: 'account' },
  ),
  step(
    'POST /v1/routing-rules',
    ({ made }) => ({
      mode: 'test',
      name: 'Francs',
      conditions: { currencies: ['CHF'] },
      provider_accounts: [made['account']],
    }),
    [['routing_rule.created', 'after']],
    { keeps: 'rule' },
  ),
  step('POST /v1/routing-rules/:id', () => ({ name: 'Swiss' }), [['routing_rule.updated', 'both']], {
    of: 'rule',
  }),
  step('POST /v1/routing-rules/order', ({ made }) => ({ mode: 'test', rule_ids: [made['rule']] }), [
    ['routing_rule.reordered', 'both'],
  ]),
  step(
    'POST /v1/routing-rules/dry-run',
    () => ({ mode: 'test', amount: 1_000, currency: 'CHF' }),
    'it asks what would happen',
  ),
  step('DELETE /v1/routing-rules/:id', undefined, [['routing_rule.deleted', 'before']], { of: 'rule' }),
  step(
    'POST /v1/webhook-endpoints',
    () => ({ mode: 'test', url: `http://${HOOK}/hook`, events: ['*'] }),
    [['webhook_endpoint.created', 'after']],
    { keeps: 'endpoint' },
  ),
  step(
    'POST /v1/webhook-endpoints/:id',
    () => ({ events: ['payment.*'] }),
    [['webhook_endpoint.updated', 'both']],
    { of: 'endpoint' },
  ),
  step(
    'POST /v1/webhook-endpoints/:id/rotate-secret',
    () => ({}),
    [['webhook_endpoint.secret_rotated', 'both']],
    { of: 'endpoint' },
  ),
  step('POST /v1/webhook-endpoints/:id/test', undefined, [['webhook_endpoint.tested', 'after']], {
    of: 'endpoint',
  }),
  step('DELETE /v1/webhook-endpoints/:id', undefined, [['webhook_endpoint.deleted', 'before']], {
    of: 'endpoint',
  }),
  step('DELETE /v1/provider-accounts/:id', undefined, [['provider_account.deleted', 'both']], {
    of: 'account',
  }),
  step('POST /v1/merchants/:id/close', () => ({ reason: 'Sold' }), [['merchant.state_changed', 'both']]),
];

async function setStage(): Promise<Stage> {
  const hotel = await newComplete(service);
  const { userId: colleague } = newPerson(service);
  // Works at the hotel, so may own the organisation.
  service.auth.answers.listMemberships = ({ userId }) => ({
    memberships: [
      { merchantId: hotel.merchantId, role: 'admin', roleName: 'Admin', suspended: false, userId },
    ].map(({ userId: _who, ...membership }) => membership),
    hasMore: false,
  });
  const owner = asOwner(service, hotel.merchantId, hotel.userId, { scopes: [...PERMISSIONS] });
  return { owner, person: hotel.person, hotel, colleague, made: {}, secrets: [] };
}

/** What a request left in the histories of hotels and organisations. */
async function leftBy(requestId: string): Promise<Row[]> {
  const columns = 'seq::int as seq, action, actor, address, before, after';
  return await service.sql(
    `select ${columns} from audit_events where request_id = $1
     union all select ${columns} from organisation_events where request_id = $1 order by action`,
    [requestId],
  );
}

test('the steps below are every route of the service that may change something', () => {
  assert.deepEqual(changingRoutes().toSorted(), STEPS.map(({ route }) => route).toSorted());
});

test('each change is in the history: who, from where, in which request, before and after, and no secret', async () => {
  const stage = await setStage();
  const found: unknown[] = [];
  const wanted: unknown[] = [];
  for (const [nth, { route, ask, leaves, keeps }] of STEPS.entries()) {
    const requestId = `req_step_${String(nth).padStart(4, '0')}`;
    const { path, body, by } = ask(stage);
    const caller = by === 'person' ? stage.person : stage.owner;
    const method = route.startsWith('POST') ? caller.post(path) : caller.delete(path);
    const answer = await method.set('x-request-id', requestId).send(body);
    assert.ok(answer.status < 300, `${route}: ${answer.status} ${answer.text}`);
    if (typeof answer.body.secret === 'string') stage.secrets.push(answer.body.secret);
    if (keeps !== undefined) stage.made[keeps] = String(answer.body.id);
    const left = await leftBy(requestId);
    const expected = typeof leaves === 'string' ? [] : leaves;
    const others = left.filter(({ actor }) => actor === 'service:merchant');
    assert.deepEqual(others, [], `${route} was done in the name of a loop`);
    found.push([route, left.map((row) => [row['action'], shown(row)])]);
    wanted.push([route, expected]);
    for (const row of left)
      assert.deepEqual([row['actor'], row['address']], [`user:${stage.hotel.userId}`, '203.0.113.7'], route);
    // A hotel is let in before it takes live settings.
    if (route.endsWith('/submit'))
      await review(service, stage.hotel.merchantId, MerchantVerdict.MERCHANT_VERDICT_VERIFY);
  }
  assert.deepEqual(found, wanted);
  await assertNoSecret(stage.secrets);
});

function shown({ before: was, after: is }: Row): Shows {
  if (was !== null && is !== null) return 'both';
  if (was === null && is === null) return 'neither';
  return was === null ? 'after' : 'before';
}

async function assertNoSecret(secrets: readonly string[]): Promise<void> {
  assert.ok(secrets.length >= 5, 'secrets were sent and given');
  const [row] = await service.sql(
    `select (select string_agg(e::text, ' ') from audit_events as e) || ' ' ||
            coalesce((select string_agg(e::text, ' ') from organisation_events as e), '') as text`,
  );
  const text = String(row?.['text']);
  assert.ok(text.length > 1_000);
  for (const each of secrets) {
    assert.ok(!text.includes(each), 'a secret is in the history');
    assert.ok(
      !text.includes(Buffer.from(each).toString('base64').slice(0, -4)),
      'a secret is in the history',
    );
  }
  assert.ok(text.includes(secrets[0]?.slice(-4) ?? ''), 'its last four characters are there');
}

test('an API key and an operator leave their own names', async () => {
  const { merchantId } = await newComplete(service);
  const caller = asCaller(service, { merchantId, actor: 'api_key:key_01jd0000000000000000000001' });
  await caller.post('/v1/provider-accounts').send({ provider: 'simulator', credentials: {} }).expect(201);
  await review(service, merchantId, MerchantVerdict.MERCHANT_VERDICT_SUSPEND, { actor: 'operator:jane' });
  const rows = await service.sql(
    `select action, actor from audit_events where merchant_id = $1
        and action in ('provider_account.created', 'merchant.state_changed') order by seq desc limit 2`,
    [merchantId],
  );
  assert.deepEqual(rows, [
    { action: 'merchant.state_changed', actor: 'operator:jane' },
    { action: 'provider_account.created', actor: 'api_key:key_01jd0000000000000000000001' },
  ]);
});
