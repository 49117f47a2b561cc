import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import type { Caller } from '../test-service.ts';
import { EVENT_TYPES } from './event-filter.ts';
import { PATH, PUBLIC_URL, createEndpoint, startWebhooks } from './test-webhooks.ts';
import type { Webhooks } from './test-webhooks.ts';
import { webhookEndpointSchema } from './webhook-endpoint.ts';

let webhooks: Webhooks;
before(async () => {
  webhooks = await startWebhooks();
});
after(() => webhooks.close());

const idsOf = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id);
const BODY = { url: PUBLIC_URL, events: ['payment.captured', 'dispute.*'] };

test('201 with its secret this once; reads and lists show the last four characters only', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const body = { ...BODY, url: `${PUBLIC_URL}?token=abc`, description: ' Booking engine ', enabled: false };
  const created = await caller.post(PATH).send(body).expect(201);
  const { secret, ...endpoint } = created.body;
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.equal(Buffer.from(secret.slice(6), 'base64').length, 32);
  webhookEndpointSchema.strict().parse(endpoint);
  assert.match(endpoint.id, /^we_[0-9a-z]{26}$/);
  assert.equal(created.headers['location'], `${PATH}/${endpoint.id}`);
  assert.equal(created.headers['cache-control'], 'no-store');
  const { mode, url, description, events, enabled, secrets } = endpoint;
  assert.deepEqual(
    { mode, url, description, events, enabled },
    {
      mode: 'test',
      url: `${PUBLIC_URL}?token=abc`,
      description: 'Booking engine',
      events: BODY.events,
      enabled: false,
    },
  );
  assert.deepEqual([secrets.length, secrets[0].last4, secrets[0].expires_at], [1, secret.slice(-4), null]);
  assert.deepEqual((await caller.get(`${PATH}/${endpoint.id}`).expect(200)).body, endpoint);
  assert.deepEqual((await caller.get(PATH).expect(200)).body.data, [endpoint]);

  const [event] = await webhooks.test.sql(
    `select actor, address, object_id, before, after from audit_events
      where merchant_id = $1 and action = 'webhook_endpoint.created'`,
    [merchantId],
  );
  // The history shows no query: many receivers have a token there.
  assert.deepEqual(event, {
    actor: 'api_key:key_01jd0000000000000000000000',
    address: '203.0.113.7',
    object_id: endpoint.id,
    before: null,
    after: { ...endpoint, url: `${PUBLIC_URL}?…` },
  });
});

test('defaults: the mode of the credential, enabled, no description; every type and family is taken', async () => {
  const { caller } = await webhooks.newHotel();
  const families = ['*', 'payment.*', 'hold.*', 'dispute.*', 'settlement.*'];
  const events = [...families, ...EVENT_TYPES];
  const { body } = await caller.post(PATH).send({ url: PUBLIC_URL, events }).expect(201);
  assert.deepEqual([body.mode, body.enabled, body.description, body.events], ['test', true, null, events]);
});

test('a live key makes endpoints of both modes, and a test key neither makes nor sees live ones', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const live = webhooks.as({ merchantId, mode: 'live' });
  const { body: liveOne } = await live.post(PATH).send(BODY).expect(201);
  const { body: testOne } = await live
    .post(PATH)
    .send({ ...BODY, mode: 'test' })
    .expect(201);
  assert.deepEqual([liveOne.mode, testOne.mode], ['live', 'test']);
  assert.deepEqual(idsOf((await live.get(PATH).expect(200)).body), [testOne.id, liveOne.id]);
  assert.deepEqual(idsOf((await live.get(`${PATH}?mode=live`).expect(200)).body), [liveOne.id]);
  assert.deepEqual(idsOf((await caller.get(PATH).expect(200)).body), [testOne.id]);
  await caller.get(`${PATH}?mode=live`).expect(403);
  await caller.get(`${PATH}/${liveOne.id}`).expect(404);
  await caller.delete(`${PATH}/${liveOne.id}`).expect(404);
  await caller.post(`${PATH}/${liveOne.id}`).send({ enabled: false }).expect(404);
  await caller.post(`${PATH}/${liveOne.id}/rotate-secret`).expect(404);
  await caller.post(`${PATH}/${liveOne.id}/test`).expect(404);
});

test('pages go on where the last one ended', async () => {
  const { caller } = await webhooks.newHotel();
  const made: string[] = [];
  for (let count = 0; count < 3; count += 1) made.unshift((await createEndpoint(caller)).id);
  const first = (await caller.get(`${PATH}?limit=2`).expect(200)).body;
  assert.equal(first.has_more, true);
  const second = (await caller.get(`${PATH}?limit=2&cursor=${first.next_cursor}`).expect(200)).body;
  assert.deepEqual([second.has_more, second.next_cursor], [false, null]);
  assert.deepEqual(
    [...first.data, ...second.data].map(({ id }) => id),
    made,
  );
  for (const query of ['limit=0', 'limit=101', 'cursor=x', 'mode=both', 'other=1', 'limit=1&limit=2'])
    await caller.get(`${PATH}?${query}`).expect(400);
});

describe('400', () => {
  const cases: [string, object, string][] = [
    ['no url', { events: ['*'] }, 'url'],
    ['no events', { url: PUBLIC_URL }, 'events'],
    ['an empty list', { ...BODY, events: [] }, 'events'],
    ['an unknown type', { ...BODY, events: ['*', 'payment.exploded'] }, 'events.1'],
    ['an unknown family', { ...BODY, events: ['guest.*'] }, 'events.0'],
    ['a pattern of another kind', { ...BODY, events: ['payment.c*'] }, 'events.0'],
    ['a type twice', { ...BODY, events: ['*', '*'] }, 'events'],
    ['too many', { ...BODY, events: Array(51).fill('*') }, 'events'],
    ['an unknown mode', { ...BODY, mode: 'both' }, 'mode'],
    ['a description of two lines', { ...BODY, description: 'a\nb' }, 'description'],
    ['an empty description', { ...BODY, description: ' ' }, 'description'],
    ['a long description', { ...BODY, description: 'x'.repeat(201) }, 'description'],
    ['a url over 2,048 characters', { ...BODY, url: `https://a.example/${'x'.repeat(2_048)}` }, 'url'],
    ['a list of urls', { ...BODY, url: [PUBLIC_URL] }, 'url'],
    ['no object', [], 'body'],
    // Row 46: where we call and what we say there is not the request's to choose.
    ...['host', 'path', 'headers', 'port', 'secret', 'method', 'id', 'resolve'].map(
      (field): [string, object, string] => [`a field ${field}`, { ...BODY, [field]: 'x' }, field],
    ),
  ];
  for (const [what, body, field] of cases)
    test(what, async () => {
      const { caller } = await webhooks.newHotel();
      const refused = await caller.post(PATH).send(body).expect(400);
      assert.equal(refused.body.code, 'validation_failed');
      assert.equal(refused.body.errors[0].field, field);
    });

  test('an unknown type is named', async () => {
    const { caller } = await webhooks.newHotel();
    const { body } = await caller
      .post(PATH)
      .send({ ...BODY, events: ['payment.sucess'] })
      .expect(400);
    assert.equal(body.errors[0].reason, 'payment.sucess is not a type of event');
  });

  test('a query', async () => {
    const { caller } = await webhooks.newHotel();
    await caller.post(`${PATH}?url=x`).send(BODY).expect(400);
  });
});

test('401 without identity', async () => {
  const answer = await fetch(`http://127.0.0.1:${webhooks.test.service.httpPort}${PATH}`, { method: 'POST' });
  assert.equal(answer.status, 401);
  await answer.body?.cancel();
});

test('403 without the permission, and for a test credential that asks for live mode; the hotel’s history has both', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const reader = webhooks.as({ merchantId, scopes: ['webhook_endpoints:read'] });
  await reader.post(PATH).send(BODY).expect(403);
  await reader.get(PATH).expect(200);
  await webhooks
    .as({ merchantId, scopes: ['webhook_endpoints:write'] })
    .get(PATH)
    .expect(403);
  await caller
    .post(PATH)
    .send({ ...BODY, mode: 'live' })
    .expect(403);
  const denied = await webhooks.test.sql(
    `select 1 from audit_events where merchant_id = $1 and action = 'access.denied'`,
    [merchantId],
  );
  assert.equal(denied.length, 3);
});

test('404 for a hotel that is not registered', async () => {
  await webhooks.as({ merchantId: newUuid() }).post(PATH).send(BODY).expect(404);
});

test('405 and 415', async () => {
  const { caller } = await webhooks.newHotel();
  const put = await caller.put(PATH).send(BODY).expect(405);
  assert.equal(put.headers['allow'], 'GET, POST');
  await caller.post(PATH).type('text/plain').send('x').expect(415);
});

test('409: twenty in each mode at most, also for two at once; a deleted one makes room', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const { id } = await createEndpoint(caller);
  for (let count = 1; count < 19; count += 1) await createEndpoint(caller);
  const two = await Promise.all([caller.post(PATH).send(BODY), caller.post(PATH).send(BODY)]);
  assert.deepEqual(two.map(({ status }) => String(status)).toSorted(), ['201', '409']);
  const { body } = await caller.post(PATH).send(BODY).expect(409);
  assert.equal(body.code, 'state_conflict');
  await webhooks.as({ merchantId, mode: 'live' }).post(PATH).send(BODY).expect(201);
  await caller.delete(`${PATH}/${id}`).expect(204);
  await caller.post(PATH).send(BODY).expect(201);
});

describe('422 url_not_allowed, in the same words for all of them', () => {
  const urls = [
    'http://hooks.hotel.example/',
    'https://hooks.hotel.example:8443/',
    'https://user:pass@hooks.hotel.example/',
    'https://hooks.hotel.example/#a',
    '127.0.0.1',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '[::1]',
    '[fc00::1]',
    '[fe80::1]',
    '[::ffff:10.0.0.1]',
    '[64:ff9b::a00:1]',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '①②⑦.⓪.⓪.①',
    'localhost',
    'localhost.',
    'merchant',
    'a.internal',
    'postgres.data.svc',
    'inside.hotel.example',
    'mixed.hotel.example',
    'nowhere.hotel.example',
  ].map((each) => (each.includes('://') ? each : `https://${each}/`));
  let documents: Set<string>;
  before(async () => {
    webhooks.dns.script('inside.hotel.example', (type) => (type === 'A' ? [{ type, data: '10.0.0.9' }] : []));
    webhooks.dns.script('mixed.hotel.example', (type) =>
      type === 'A' ? [{ type, data: '93.184.215.14' }] : [{ type: 'AAAA', data: '::ffff:127.0.0.1' }],
    );
    const { caller } = await webhooks.newHotel();
    documents = new Set(await Promise.all(urls.map((url) => refusalOf(caller, url))));
    assert.deepEqual((await caller.get(PATH).expect(200)).body.data, [], 'nothing was stored');
  });

  test(`${urls.length} urls`, () => {
    assert.deepEqual(
      [...documents],
      [
        JSON.stringify({
          type: 'urn:centra-payments:error:url_not_allowed',
          title: 'This URL is not allowed. Give a public https address.',
          status: 422,
          code: 'url_not_allowed',
        }),
      ],
    );
  });
});

async function refusalOf(caller: Caller, url: string): Promise<string> {
  const { body } = await caller
    .post(PATH)
    .send({ url, events: ['*'] })
    .expect(422);
  delete body.request_id;
  return JSON.stringify(body);
}

test('503 with Retry-After when no name server answers, and nothing is stored', async () => {
  const { caller } = await webhooks.newHotel();
  webhooks.dns.script('silent.hotel.example', () => 'silence');
  const url = 'https://silent.hotel.example/';
  const refused = await caller
    .post(PATH)
    .send({ url, events: ['*'] })
    .expect(503);
  assert.deepEqual([refused.body.code, refused.headers['retry-after']], ['unavailable', '5']);
  assert.deepEqual((await caller.get(PATH).expect(200)).body.data, []);
});

test('the stored url is what the parser understood', async () => {
  const { caller } = await webhooks.newHotel();
  const { body } = await caller
    .post(PATH)
    .send({ url: 'HTTPS://Hooks.Hotel.Example.:443/a/../b', events: ['*'] })
    .expect(201);
  assert.equal(body.url, 'https://hooks.hotel.example/b');
});
