import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Secret } from '@centra/service-kit/secret.ts';
import { webhookHeaders } from '@centra/service-kit/webhook-signature.ts';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import type { Caller } from '../test-service.ts';
import { destroyExpiredWebhookSecrets } from './destroy-expired-secrets.ts';
import { loadWebhookSecret, openWebhookSecret } from './sealed-secret.ts';
import { asMerchant } from '../tenant.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { PATH, createEndpoint, startWebhooks } from './test-webhooks.ts';
import type { Webhooks } from './test-webhooks.ts';

let webhooks: Webhooks;
before(async () => {
  webhooks = await startWebhooks();
});
after(() => webhooks.close());

const rotate = async (caller: Caller, id: string, body?: object): Promise<string> => {
  const asking = caller.post(`${PATH}/${id}/rotate-secret`);
  const answer = await (body === undefined ? asking : asking.send(body)).expect(200);
  return String(answer.body.secret);
};

/** Sends a test and answers which of the secrets signed it. */
async function signers(caller: Caller, id: string, secrets: readonly string[]): Promise<string[]> {
  const earlier = webhooks.receiver.received.length;
  await waitFor('the turn of a test', async () => {
    const { status } = await caller.post(`${PATH}/${id}/test`);
    if (status === 429) await pauseMs(200);
    return status === 200 ? true : undefined;
  });
  const got = webhooks.receiver.received[earlier];
  assert.ok(got !== undefined);
  const message = {
    id: String(got.headers['webhook-id']),
    at: new Date(Number(got.headers['webhook-timestamp']) * 1000),
    body: got.body,
  };
  const signatures = String(got.headers['webhook-signature']).split(' ');
  const found = signatures.map((signature) =>
    secrets.find((each) => webhookHeaders(message, [new Secret(each)])['webhook-signature'] === signature),
  );
  return found.map((secret) => secret ?? 'an unknown one');
}

test('both sign while they overlap, the new one alone after, and the endpoint says until when', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const { id, secret: first } = await createEndpoint(caller, { url: webhooks.receiverUrl });
  assert.deepEqual(await signers(caller, id, [first]), [first]);

  const second = await rotate(caller, id);
  assert.match(second, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.deepEqual(await signers(caller, id, [first, second]), [second, first]);
  const { secrets } = (await caller.get(`${PATH}/${id}`).expect(200)).body;
  assert.deepEqual(
    secrets.map(({ last4 }: { last4: string }) => last4),
    [second.slice(-4), first.slice(-4)],
  );
  assert.equal(secrets[0].expires_at, null);
  // By the database's clock, from which the new one's creation comes too.
  assert.equal(Date.parse(secrets[1].expires_at) - Date.parse(secrets[0].created_at), 86_400_000);

  await webhooks.test.sql(
    `update webhook_endpoint_secrets set expires_at = now() - interval '1 second'
      where merchant_id = $1 and expires_at is not null`,
    [merchantId],
  );
  assert.deepEqual(await signers(caller, id, [first, second]), [second]);
  assert.equal((await caller.get(`${PATH}/${id}`)).body.secrets.length, 1);
});

test('two sign at most: a second rotation ends the oldest at once', async () => {
  const { caller } = await webhooks.newHotel();
  const { id, secret: first } = await createEndpoint(caller, { url: webhooks.receiverUrl });
  const second = await rotate(caller, id, { overlap_seconds: 604_800 });
  const third = await rotate(caller, id, { overlap_seconds: 60 });
  assert.deepEqual(await signers(caller, id, [first, second, third]), [third, second]);
});

test('an overlap of 0 ends the one before at once: what a leak asks for', async () => {
  const { caller } = await webhooks.newHotel();
  const { id, secret: first } = await createEndpoint(caller, { url: webhooks.receiverUrl });
  const second = await rotate(caller, id, { overlap_seconds: 0 });
  assert.deepEqual(await signers(caller, id, [first, second]), [second]);
});

test('rotations at once follow each other: one current secret, two that sign', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const { id } = await createEndpoint(caller, { url: webhooks.receiverUrl });
  const made = await Promise.all(Array.from({ length: 8 }, () => rotate(caller, id)));
  assert.equal(new Set(made).size, 8);
  const rows = await webhooks.test.sql(
    `select version, expires_at is null as current, expires_at > now() as ending
       from webhook_endpoint_secrets where merchant_id = $1 order by version desc`,
    [merchantId],
  );
  assert.deepEqual(
    rows.map((row) => row['version']),
    [9, 8, 7, 6, 5, 4, 3, 2, 1],
  );
  assert.deepEqual(
    rows.filter((row) => row['current'] === true).map((row) => row['version']),
    [9],
  );
  assert.deepEqual(
    rows.filter((row) => row['ending'] === true).map((row) => row['version']),
    [8],
  );
});

test('the history says that there is a new one, and not which', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const { id, secret: first } = await createEndpoint(caller);
  const second = await rotate(caller, id);
  const [event] = await webhooks.test.sql(
    `select before, after from audit_events where merchant_id = $1 and action = 'webhook_endpoint.secret_rotated'`,
    [merchantId],
  );
  const text = JSON.stringify(event);
  assert.ok(text.includes(first.slice(-4)) && text.includes(second.slice(-4)));
  for (const secret of [first, second]) assert.ok(!text.includes(secret.slice(6, 30)));
});

describe('400', () => {
  for (const body of [
    { overlap_seconds: -1 },
    { overlap_seconds: 604_801 },
    { overlap_seconds: 1.5 },
    { secret: 'x' },
  ])
    test(JSON.stringify(body), async () => {
      const { caller } = await webhooks.newHotel();
      const { id } = await createEndpoint(caller);
      const earlier = (await caller.get(`${PATH}/${id}`)).body;
      await caller.post(`${PATH}/${id}/rotate-secret`).send(body).expect(400);
      assert.deepEqual((await caller.get(`${PATH}/${id}`)).body, earlier);
    });
});

const rowsOf = (merchantId: string) =>
  webhooks.test.sql(
    `select version, sealed is null as erased, data_key_version, destroyed_at is not null as destroyed
       from webhook_endpoint_secrets where merchant_id = $1 order by version`,
    [merchantId],
  );

describe('what is over is erased', () => {
  test('after its time by the database’s clock, with its last four characters in the history; what signs stays', async () => {
    const { merchantId, caller } = await webhooks.newHotel();
    const { id, secret } = await createEndpoint(caller, { url: webhooks.receiverUrl });
    const second = await rotate(caller, id, { overlap_seconds: 3600 });
    await destroyExpiredWebhookSecrets(webhooks.test.service.context);
    assert.deepEqual(
      (await rowsOf(merchantId)).map((row) => row['erased']),
      [false, false],
    );
    await webhooks.test.sql(
      `update webhook_endpoint_secrets set expires_at = now() where merchant_id = $1 and version = 1`,
      [merchantId],
    );
    await destroyExpiredWebhookSecrets(webhooks.test.service.context);
    assert.deepEqual(await rowsOf(merchantId), [
      { version: 1, erased: true, data_key_version: null, destroyed: true },
      { version: 2, erased: false, data_key_version: 1, destroyed: false },
    ]);
    const events = await webhooks.test.sql(
      `select actor, object_id, after from audit_events
        where merchant_id = $1 and action = 'webhook_endpoint.secret_destroyed'`,
      [merchantId],
    );
    const destroyed = { version: 1, last4: secret.slice(-4) };
    assert.deepEqual(events, [{ actor: 'service:merchant', object_id: id, after: destroyed }]);
    assert.deepEqual(await signers(caller, id, [second]), [second]);
  });

  test('of a deleted endpoint all, and four replicas at once write each down once', async () => {
    const { merchantId, caller } = await webhooks.newHotel();
    for (let count = 0; count < 3; count += 1) {
      const { id } = await createEndpoint(caller);
      await rotate(caller, id);
      await caller.delete(`${PATH}/${id}`).expect(204);
    }
    const { context } = webhooks.test.service;
    await Promise.all(Array.from({ length: 4 }, () => destroyExpiredWebhookSecrets(context)));
    assert.deepEqual(
      (await rowsOf(merchantId)).map((row) => row['erased']),
      Array(6).fill(true),
    );
    const [events] = await webhooks.test.sql(
      `select count(*)::int as count from audit_events
        where merchant_id = $1 and action = 'webhook_endpoint.secret_destroyed'`,
      [merchantId],
    );
    assert.deepEqual(events, { count: 6 });
  });
});

test('a sealed secret opens in its own row only: another’s place is 500, logged and counted, and nothing is sent', async () => {
  const { merchantId, caller } = await webhooks.newHotel();
  const { id, secret } = await createEndpoint(caller, { url: webhooks.receiverUrl });
  const { id: other } = await createEndpoint(caller, { url: webhooks.receiverUrl });
  const { context } = webhooks.test.service;
  const endpointId = fromPublicId('we', id) ?? '';
  const row = { merchantId, endpointId, version: 1 };
  const stored = await asMerchant(context, merchantId, (tx) => loadWebhookSecret(tx, row));
  assert.equal((await openWebhookSecret(context, stored)).reveal(), secret);

  await webhooks.test.sql(
    `update webhook_endpoint_secrets set sealed = $3 where merchant_id = $1 and endpoint_id = $2`,
    [merchantId, fromPublicId('we', other), stored.sealed],
  );
  const earlier = webhooks.receiver.received.length;
  await caller.post(`${PATH}/${other}/test`).expect(500);
  assert.equal(webhooks.receiver.received.length, earlier);
});
