import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Answer } from '@centra/egress/test-internet.ts';
import { asCaller } from '../test-service.ts';
import { PATH, PUBLIC_URL, answerNoContent, createEndpoint, startWebhooks } from './test-webhooks.ts';
import type { Webhooks } from './test-webhooks.ts';
import { webhookTestSchema } from './test-webhook-endpoint.ts';

let webhooks: Webhooks;
before(async () => {
  webhooks = await startWebhooks();
});
after(() => webhooks.close());

test('one signed CloudEvent arrives, also at a disabled endpoint, and the answer says so', async () => {
  const { caller } = await webhooks.newHotel();
  const { id, secret } = await createEndpoint(caller, { url: `${webhooks.receiverUrl}?a=1`, enabled: false });
  const receivedBefore = webhooks.receiver.received.length;
  const { body } = await caller.post(`${PATH}/${id}/test`).expect(200);
  webhookTestSchema.strict().parse(body);
  assert.deepEqual(
    [body.result, body.status, body.message],
    ['delivered', 204, 'The endpoint answered 204.'],
  );

  const [got, ...more] = webhooks.receiver.received.slice(receivedBefore);
  assert.ok(got !== undefined && more.length === 0);
  assert.equal(got.url, '/hooks?a=1');
  const event = JSON.parse(got.body);
  assert.deepEqual([event.specversion, event.type, event.subject], ['1.0', 'webhook.test', id]);
  const {
    'webhook-id': webhookId,
    'webhook-timestamp': timestamp,
    'webhook-signature': signature,
  } = got.headers;
  assert.match(String(webhookId), /^evt_[0-9a-z]{26}$/);
  assert.equal(webhookId, event.id);
  assert.equal(Number(timestamp), Math.floor(Date.parse(event.time) / 1000));
  // Computed here, from what the hotel was given and what arrived.
  const mac = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
    .update(`${String(webhookId)}.${String(timestamp)}.${got.body}`)
    .digest('base64');
  assert.equal(signature, `v1,${mac}`);
  for (const name of ['x-centra-identity', 'x-request-id', 'authorization', 'traceparent', 'cookie'])
    assert.equal(got.headers[name], undefined, name);
});

const drip: Answer = (response) => {
  const timer = setInterval(() => response.write('x'), 100);
  response.on('close', () => clearInterval(timer));
};

describe('what the receiver does', () => {
  const cases: [string, Answer, { status: number | null; says: RegExp }][] = [
    [
      '500',
      (response) => void response.writeHead(500).end('stack trace'),
      { status: 500, says: /answered 500/ },
    ],
    [
      'a redirect inside',
      (response) => void response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(),
      { status: 307, says: /not followed/ },
    ],
    ['hangs up', (response) => void response.destroy(), { status: null, says: /could not be reached/ }],
    ['nothing', () => {}, { status: null, says: /in time/ }],
    ['drips', drip, { status: null, says: /did not finish/ }],
  ];
  for (const [what, answer, expected] of cases)
    test(`${what}: failed, without a word of its answer, and in the history`, async () => {
      const { merchantId, caller } = await webhooks.newHotel();
      const { id } = await createEndpoint(caller, { url: webhooks.receiverUrl });
      webhooks.answerWith(answer);
      const { body } = await caller.post(`${PATH}/${id}/test`).expect(200);
      webhooks.answerWith(answerNoContent);
      webhookTestSchema.strict().parse(body);
      assert.deepEqual([body.result, body.status], ['failed', expected.status]);
      assert.match(body.message, expected.says);
      assert.ok(!JSON.stringify(body).includes('stack') && Number.isInteger(body.duration_ms));
      const [event] = await webhooks.test.sql(
        `select object_id, after from audit_events where merchant_id = $1 and action = 'webhook_endpoint.tested'`,
        [merchantId],
      );
      assert.deepEqual(event, { object_id: id, after: { result: 'failed', status: expected.status } });
    });
});

test('a name that leads inside since it was saved, or nowhere: not allowed, one answer for both, no connection', async () => {
  const { caller } = await webhooks.newHotel();
  webhooks.dns.script('moving.hotel.example', (type) =>
    type === 'A' ? [{ type, data: '93.184.215.14' }] : [],
  );
  const { id } = await createEndpoint(caller, { url: 'https://moving.hotel.example/' });
  const answers = new Set<string>();
  const accepted = webhooks.receiver.accepted();
  for (const data of ['127.0.0.1', '10.0.0.1', 'nxdomain'] as const) {
    webhooks.dns.script('moving.hotel.example', (type) =>
      data === 'nxdomain' ? data : type === 'A' ? [{ type, data }] : [],
    );
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    answers.add((await caller.post(`${PATH}/${id}/test`).expect(200)).text);
  }
  const message = 'This address is not allowed. Give a public https address.';
  assert.deepEqual(
    [...answers].map((text) => JSON.parse(text)),
    [{ result: 'not_allowed', status: null, message, duration_ms: null }],
  );
  assert.equal(webhooks.receiver.accepted(), accepted);
});

test('429 with Retry-After within a second, on every replica; another endpoint has its own turn', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const { id } = await createEndpoint(caller, { url: webhooks.receiverUrl });
  const { id: other } = await createEndpoint(caller, { url: webhooks.receiverUrl });
  // Still answering while the others ask.
  const many = await Promise.all(Array.from({ length: 6 }, () => caller.post(`${PATH}/${id}/test`)));
  const statuses = many.map(({ status }) => status);
  assert.ok(statuses.includes(200), statuses.join());
  assert.ok(statuses.filter((status) => status === 429).length >= 4, statuses.join());
  const refused = many.find(({ status }) => status === 429);
  assert.deepEqual([refused?.body.code, refused?.headers['retry-after']], ['too_many_requests', '1']);
  await caller.post(`${PATH}/${other}/test`).expect(200);

  // The turn is in the database: a replica that never sent anything refuses too, as long as it lasts.
  await webhooks.test.sql(
    `update webhook_endpoints set tested_at = now() + interval '1 minute' where merchant_id = $1`,
    [merchantId],
  );
  const replica = await webhooks.test.startReplica();
  try {
    const elsewhere = asCaller(
      { ...webhooks.test, service: replica },
      { merchantId, scopes: ['webhook_endpoints:write'] },
    );
    await elsewhere.post(`${PATH}/${id}/test`).expect(429);
  } finally {
    await replica.close();
  }
});

test('a body that tries to choose anything is 400 and nothing is sent', async () => {
  const { caller } = await webhooks.newHotel();
  const { id } = await createEndpoint(caller, { url: webhooks.receiverUrl });
  const receivedBefore = webhooks.receiver.received.length;
  for (const body of [
    { url: PUBLIC_URL },
    { headers: { host: 'a' } },
    { path: '/' },
    { type: 'payment.captured' },
  ])
    await caller.post(`${PATH}/${id}/test`).send(body).expect(400);
  await caller.post(`${PATH}/${id}/test?url=${PUBLIC_URL}`).expect(400);
  assert.equal(webhooks.receiver.received.length, receivedBefore);
});

test('only what the configuration names is trusted: with it plain http is taken, without it the same URL is 422', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const target = `127.0.0.1:${webhooks.receiver.port}`;
  const plain = await webhooks.test.startReplica();
  const trusting = await webhooks.test.startReplica({ webhookTrustedTargets: [target] });
  const at = (service: typeof plain) =>
    asCaller(
      { ...webhooks.test, service },
      { merchantId, scopes: ['webhook_endpoints:read', 'webhook_endpoints:write'] },
    );
  try {
    const body = { url: `http://${target}/hooks`, events: ['*'] };
    await at(plain).post(PATH).send(body).expect(422);
    const { body: made } = await at(trusting).post(PATH).send(body).expect(201);
    assert.equal((await at(trusting).post(`${PATH}/${made.id}/test`)).body.result, 'delivered');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    assert.equal((await at(plain).post(`${PATH}/${made.id}/test`)).body.result, 'not_allowed');
    const metrics = await (await fetch(`http://127.0.0.1:${plain.opsPort}/metrics`)).text();
    assert.match(metrics, /centra_merchant_egress_blocked_total\{[^}]*reason="not_https"[^}]*\} 2/);
    await caller.delete(`${PATH}/${made.id}`).expect(204);
  } finally {
    await plain.close();
    await trusting.close();
  }
});
