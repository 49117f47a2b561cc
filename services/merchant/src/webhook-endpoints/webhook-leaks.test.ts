import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { spellingsOf } from '@centra/testkit/leak-scan.ts';
import { startMain } from '../test-process.ts';
import { asCaller } from '../test-service.ts';
import { destroyExpiredWebhookSecrets } from './destroy-expired-secrets.ts';
import { PATH, createEndpoint, startWebhooks } from './test-webhooks.ts';
import type { Webhooks } from './test-webhooks.ts';

let webhooks: Webhooks;
before(async () => {
  webhooks = await startWebhooks();
});
after(() => webhooks.close());

/** The whole secret, and the key in it without the prefix, however they may be written down. */
function foundIn(text: string, secret: string): string[] {
  const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const canaries = [
    { name: 'the secret', kind: 'secret' as const, value: secret },
    { name: 'the secret without prefix', kind: 'secret' as const, value: secret.slice('whsec_'.length) },
    { name: 'the key', kind: 'secret' as const, value: bytes },
  ];
  const held = Buffer.from(text);
  return canaries.flatMap((canary) =>
    spellingsOf(canary)
      .filter((spelling) => held.includes(spelling.bytes))
      .map((spelling) => `${canary.name}, ${spelling.name}`),
  );
}

async function everyRowAsText(): Promise<string> {
  const tables = await webhooks.test.sql(
    `select quote_ident(relname) as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
  );
  const texts: string[] = [];
  for (const { name } of tables)
    for (const { row } of await webhooks.test.sql(`select t::text as row from ${String(name)} as t`))
      texts.push(String(row));
  return texts.join('\n');
}

test('no webhook secret is in any row of any table, in any spelling: made, replaced, tested, ended, destroyed', async () => {
  const { caller } = await webhooks.newHotel();
  const { id, secret: first } = await createEndpoint(caller, { url: webhooks.receiverUrl });
  const { body } = await caller.post(`${PATH}/${id}/rotate-secret`).send({ overlap_seconds: 0 }).expect(200);
  await caller.post(`${PATH}/${id}/test`).expect(200);
  await destroyExpiredWebhookSecrets(webhooks.test.service.context);
  const rows = await everyRowAsText();
  assert.match(rows, /v1\.[\w-]{16}\./, 'the sealed values are among what is looked at');
  for (const secret of [first, String(body.secret)]) {
    assert.deepEqual(foundIn(rows, secret), []);
    assert.notDeepEqual(foundIn(`${rows} ${secret}`, secret), [], 'the look-out itself would see one');
  }
});

test('a running process at the most talkative level logs no secret, no signature and no address of a hotel', async () => {
  const { merchantId } = await webhooks.newHotel();
  const target = `127.0.0.1:${webhooks.receiver.port}`;
  const main = await startMain(webhooks.test, { WEBHOOK_TRUSTED_TARGETS: target });
  const secrets: string[] = [];
  try {
    const caller = asCaller(
      { ...webhooks.test, service: { ...webhooks.test.service, httpPort: main.httpPort } },
      { merchantId, scopes: ['webhook_endpoints:read', 'webhook_endpoints:write'] },
    );
    const url = `http://${target}/hooks?token=canary-token-of-the-hotel`;
    const { id, secret } = await createEndpoint(caller, { url });
    const { body } = await caller.post(`${PATH}/${id}/rotate-secret`).expect(200);
    secrets.push(secret, String(body.secret));
    assert.equal((await caller.post(`${PATH}/${id}/test`).expect(200)).body.result, 'delivered');
    await caller.get(PATH).expect(200);
    const blocked = 'https://10.0.0.1/canary-path-of-the-hotel';
    await caller
      .post(PATH)
      .send({ url: blocked, events: ['*'] })
      .expect(422);
    await webhooks.test.sql(
      `update webhook_endpoint_secrets set sealed = 'v1.AAAA.AAAA.AAAA' where merchant_id = $1`,
      [merchantId],
    );
    await webhooks.test.sql('update webhook_endpoints set tested_at = null');
    await caller.post(`${PATH}/${id}/test`).expect(500);
  } finally {
    assert.equal(await main.stop(), 0, main.output());
  }
  const output = main.output();
  assert.match(output, /a call to a URL of a hotel was not made/);
  assert.match(output, /a sealed webhook secret does not open/);
  const signature = String(webhooks.receiver.received.at(-1)?.headers['webhook-signature']);
  assert.match(signature, /^v1,[^ ]+ v1,/, 'both signed');
  assert.ok(!output.includes(signature.slice(3, 40)));
  assert.ok(!output.includes('canary'), 'an address of a hotel was logged');
  for (const secret of secrets) assert.deepEqual(foundIn(output, secret), []);
});
