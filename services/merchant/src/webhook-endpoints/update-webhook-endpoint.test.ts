import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PATH, PUBLIC_URL, createEndpoint, startWebhooks } from './test-webhooks.ts';
import type { Webhooks } from './test-webhooks.ts';

let webhooks: Webhooks;
before(async () => {
  webhooks = await startWebhooks();
});
after(() => webhooks.close());

const historyOf = (merchantId: string, action: string) =>
  webhooks.test.sql(
    `select before, after from audit_events where merchant_id = $1 and action = $2 order by seq`,
    [merchantId, `webhook_endpoint.${action}`],
  );

test('a field that is left out stays, null clears a description, and the history has before and after', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const { id } = await createEndpoint(caller, { description: 'Old' });
  const shown = (await caller.get(`${PATH}/${id}`)).body;
  const changed = await caller
    .post(`${PATH}/${id}`)
    .send({ enabled: false, events: ['payment.*'] })
    .expect(200);
  assert.deepEqual(
    { ...changed.body, updated_at: '' },
    { ...shown, enabled: false, events: ['payment.*'], updated_at: '' },
  );
  const cleared = await caller
    .post(`${PATH}/${id}`)
    .send({ description: null, url: 'https://hooks.hotel.example/other' })
    .expect(200);
  assert.deepEqual(
    [cleared.body.description, cleared.body.url, cleared.body.enabled],
    [null, 'https://hooks.hotel.example/other', false],
  );
  assert.deepEqual((await caller.get(`${PATH}/${id}`)).body, cleared.body);
  assert.deepEqual(await historyOf(merchantId, 'updated'), [
    { before: shown, after: changed.body },
    { before: changed.body, after: cleared.body },
  ]);
});

test('no field at all changes nothing and writes no history', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const { id } = await createEndpoint(caller);
  const shown = (await caller.get(`${PATH}/${id}`)).body;
  assert.deepEqual((await caller.post(`${PATH}/${id}`).send({}).expect(200)).body, shown);
  assert.deepEqual(await historyOf(merchantId, 'updated'), []);
});

describe('refused, and nothing changed', () => {
  const cases: [number, string, object][] = [
    [400, 'validation_failed', { mode: 'live' }],
    [400, 'validation_failed', { secret: 'whsec_x' }],
    [400, 'validation_failed', { host: 'x' }],
    [400, 'validation_failed', { events: ['payment.exploded'] }],
    [400, 'validation_failed', { url: null }],
    [422, 'url_not_allowed', { url: 'https://10.0.0.1/' }],
    [422, 'url_not_allowed', { url: 'https://nowhere.hotel.example/', enabled: false }],
    [422, 'url_not_allowed', { url: 'http://127.0.0.1:1/' }],
    [422, 'card_data_not_allowed', { description: 'card 4242 4242 4242 4242' }],
    [503, 'unavailable', { url: 'https://failing.hotel.example/' }],
  ];
  for (const [status, code, change] of cases)
    test(`${status} ${JSON.stringify(change)}`, async () => {
      webhooks.dns.script('failing.hotel.example', () => 'servfail');
      const { caller } = await webhooks.newHotel();
      const { id } = await createEndpoint(caller);
      const shown = (await caller.get(`${PATH}/${id}`)).body;
      assert.equal((await caller.post(`${PATH}/${id}`).send(change).expect(status)).body.code, code);
      assert.deepEqual((await caller.get(`${PATH}/${id}`)).body, shown);
    });
});

test('another hotel’s endpoint is 404 on every route, unchanged, and its name is not even looked up', async () => {
  const { caller } = await webhooks.newHotel();
  const { id } = await createEndpoint(caller);
  const shown = (await caller.get(`${PATH}/${id}`)).body;
  const { caller: other } = await webhooks.newHotel();
  const asked = webhooks.dns.asked.length;
  const url = { url: 'https://probe.hotel.example/' };
  for (const each of [id, 'we_01jd0000000000000000000000', 'we_', 'pa_01jd0000000000000000000000', '%00']) {
    await other.get(`${PATH}/${each}`).expect(404);
    await other.post(`${PATH}/${each}`).send(url).expect(404);
    await other.delete(`${PATH}/${each}`).expect(404);
    await other.post(`${PATH}/${each}/rotate-secret`).send({}).expect(404);
    await other.post(`${PATH}/${each}/test`).expect(404);
  }
  assert.equal(webhooks.dns.asked.length, asked);
  assert.deepEqual((await other.get(PATH).expect(200)).body.data, []);
  assert.deepEqual((await caller.get(`${PATH}/${id}`)).body, shown);
});

test('deleted: 204, gone from reads and lists, its secrets ended, and a repeated delete answers the same once', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const { id } = await createEndpoint(caller, { url: `${PUBLIC_URL}?token=1` });
  await caller.delete(`${PATH}/${id}`).expect(204);
  await caller.delete(`${PATH}/${id}`).expect(204);
  await caller.get(`${PATH}/${id}`).expect(404);
  await caller.post(`${PATH}/${id}`).send({ enabled: true }).expect(404);
  await caller.post(`${PATH}/${id}/rotate-secret`).expect(404);
  await caller.post(`${PATH}/${id}/test`).expect(404);
  assert.deepEqual((await caller.get(PATH).expect(200)).body.data, []);
  const [secret] = await webhooks.test.sql(
    'select expires_at <= now() as ended from webhook_endpoint_secrets where merchant_id = $1',
    [merchantId],
  );
  assert.deepEqual(secret, { ended: true });
  const [event, ...more] = await historyOf(merchantId, 'deleted');
  assert.deepEqual([event?.['after'], more], [null, []]);
});

test('reading needs the read permission, every change the write permission', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const { id } = await createEndpoint(caller);
  const reader = webhooks.as({ merchantId, scopes: ['webhook_endpoints:read'] });
  await reader.get(`${PATH}/${id}`).expect(200);
  await reader.post(`${PATH}/${id}`).send({ enabled: false }).expect(403);
  await reader.delete(`${PATH}/${id}`).expect(403);
  await reader.post(`${PATH}/${id}/rotate-secret`).expect(403);
  await reader.post(`${PATH}/${id}/test`).expect(403);
  await webhooks.as({ merchantId, scopes: [] }).get(`${PATH}/${id}`).expect(403);
});
