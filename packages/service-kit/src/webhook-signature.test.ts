import assert from 'node:assert/strict';
import { readFileSync, writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { Secret } from './secret.ts';
import { newWebhookSecret, webhookHeaders } from './webhook-signature.ts';

// The example that the Standard Webhooks specification and its libraries publish.
const PUBLISHED = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  message: {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    at: new Date(1_614_265_330_000),
    body: '{"test": 2432232314}',
  },
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};

test('the published example gets the published signature', () => {
  assert.deepEqual(webhookHeaders(PUBLISHED.message, [new Secret(PUBLISHED.secret)]), {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': PUBLISHED.signature,
  });
});

test('a vector computed by another program: letters beyond ASCII count as UTF-8', () => {
  // printf '%s' 'evt_1.1700000000.{"name":"Hôtel Étoile"}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f -binary | base64
  const secret = new Secret(
    `whsec_${Buffer.from(Array.from({ length: 32 }, (_none, index) => index)).toString('base64')}`,
  );
  const message = { id: 'evt_1', at: new Date(1_700_000_000_999), body: '{"name":"Hôtel Étoile"}' };
  assert.equal(
    webhookHeaders(message, [secret])['webhook-signature'],
    'v1,TJPlrvMxcm03QWFa4moH+ND3HcQwPP9TLFV7r93fTj8=',
  );
});

test('one signature for each secret, in their order, each as if it were alone', () => {
  const secrets = [newWebhookSecret(), new Secret(PUBLISHED.secret)];
  const both = webhookHeaders(PUBLISHED.message, secrets)['webhook-signature']?.split(' ');
  assert.deepEqual(
    both,
    secrets.map((secret) => webhookHeaders(PUBLISHED.message, [secret])['webhook-signature']),
  );
  assert.equal(both?.[1], PUBLISHED.signature);
});

test('a new secret is 256 random bits that never print', () => {
  const made = Array.from({ length: 100 }, newWebhookSecret);
  for (const secret of made) {
    const [, text = ''] = /^whsec_([A-Za-z0-9+/]{43}=)$/.exec(secret.reveal()) ?? [];
    assert.equal(Buffer.from(text, 'base64').length, 32);
    assert.equal(JSON.stringify({ secret }), '{"secret":"[redacted]"}');
  }
  assert.equal(new Set(made.map((secret) => secret.reveal())).size, 100);
});

describe('refuses to sign', () => {
  const { message } = PUBLISHED;
  test('without a secret', () => assert.throws(() => webhookHeaders(message, [])));
  test('with an id that holds a dot', () =>
    assert.throws(() => webhookHeaders({ ...message, id: 'evt_1.1614265330' }, [newWebhookSecret()])));
  for (const text of [
    '',
    'whsec_',
    'whsec_c2hvcnQ=',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    `whsec_${'A'.repeat(90)}`,
  ])
    test(`with ${JSON.stringify(text.slice(0, 20))}, and does not say what it is`, () => {
      assert.throws(
        () => webhookHeaders(message, [new Secret(text)]),
        (error: Error) => error.message === 'this is no webhook secret',
      );
    });
});

describe('the receiver in docs/webhook-endpoints.md, run as it stands there', () => {
  const text = readFileSync(new URL('../../../docs/webhook-endpoints.md', import.meta.url), 'utf8');
  const [, source = ''] = /```js\n(.*?)```/s.exec(text) ?? [];
  const folder = temporaryFolder('webhook-snippet');
  const file = join(folder, 'verify.mjs');
  writeFileSync(file, source);
  const loaded: Promise<Snippet> = import(pathToFileURL(file).href);

  const message = { id: 'evt_1', body: '{"name":"Étoile"}' };
  const signed = (at: Date, secrets = [new Secret(PUBLISHED.secret)]) =>
    webhookHeaders({ ...message, at }, secrets);

  test('takes what we sign, also while the secret is being replaced', async () => {
    const { verifyWebhook } = await loaded;
    rmSync(folder, { recursive: true });
    const body = Buffer.from(message.body);
    assert.deepEqual(verifyWebhook(signed(new Date()), body, PUBLISHED.secret), { name: 'Étoile' });
    const both = signed(new Date(), [newWebhookSecret(), new Secret(PUBLISHED.secret)]);
    assert.deepEqual(verifyWebhook(both, body, PUBLISHED.secret), { name: 'Étoile' });
  });

  test('refuses another body, id, time or secret, an old delivery, and one without signature', async () => {
    const { verifyWebhook } = await loaded;
    const body = Buffer.from(message.body);
    const good = signed(new Date());
    const bad: [Record<string, string>, Buffer, string][] = [
      [good, Buffer.from('{"name":"Etoile"}'), PUBLISHED.secret],
      [{ ...good, 'webhook-id': 'evt_2' }, body, PUBLISHED.secret],
      [
        { ...good, 'webhook-timestamp': String(Number(good['webhook-timestamp']) + 1) },
        body,
        PUBLISHED.secret,
      ],
      [good, body, newWebhookSecret().reveal()],
      [signed(new Date(Date.now() - 301_000)), body, PUBLISHED.secret],
      [signed(new Date(Date.now() + 400_000)), body, PUBLISHED.secret],
      [{ ...good, 'webhook-signature': '' }, body, PUBLISHED.secret],
      [{ ...good, 'webhook-signature': 'v1,' }, body, PUBLISHED.secret],
      [{}, body, PUBLISHED.secret],
    ];
    for (const [headers, bytes, secret] of bad)
      assert.throws(() => verifyWebhook(headers, bytes, secret), /webhook/i, JSON.stringify(headers));
  });
});

type Snippet = {
  verifyWebhook(headers: Record<string, string>, body: Buffer, secret: string): unknown;
};
