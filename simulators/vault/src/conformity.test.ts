import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { startSimulator } from './simulator.ts';
import type { Simulator } from './simulator.ts';
import { ask, control, newSecretId, prepareApplication } from './testing/prepare-application.ts';
import type { Application } from './testing/prepare-application.ts';

let vault: Simulator;
let application: Application;
before(async () => {
  vault = await startSimulator();
  application = await prepareApplication(vault, { role: { token_ttl: 600, token_max_ttl: 1000 } });
});
after(() => vault.close());

type Reply = { status: number; body: unknown };

async function send(
  path: string,
  body: unknown,
  token?: string,
  more: { method?: string; headers?: Record<string, string>; url?: string } = {},
): Promise<Reply> {
  const response = await fetch(`${more.url ?? vault.url}/v1/${path}`, {
    method: more.method ?? 'POST',
    redirect: 'manual',
    headers: { ...(token === undefined ? {} : { 'x-vault-token': token }), ...more.headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

const authSchema = z.object({
  auth: z.object({ client_token: z.string(), lease_duration: z.int(), renewable: z.boolean() }).loose(),
  warnings: z.array(z.string()).nullable(),
});

async function logIn(secretId = application.secretId): Promise<string> {
  const { status, body } = await send('auth/approle/login', {
    role_id: application.roleId,
    secret_id: secretId,
  });
  assert.equal(status, 200);
  return authSchema.parse(body).auth.client_token;
}

const refused = (status: number, ...errors: string[]): Reply => ({ status, body: { errors } });
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const dataOf = <T extends z.ZodType>(reply: Reply, schema: T): z.infer<T> => {
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return schema.parse(z.object({ data: z.unknown() }).parse(reply.body).data);
};
const ciphertextSchema = z.object({ ciphertext: z.string(), key_version: z.int() });
const encrypted = async (token: string, text: string, more: object = {}): Promise<string> =>
  dataOf(
    await send('transit/encrypt/hotel-keys', { plaintext: base64(text), ...more }, token),
    ciphertextSchema,
  ).ciphertext;
const decrypt = (token: string, ciphertext: string, more: object = {}): Promise<Reply> =>
  send('transit/decrypt/hotel-keys', { ciphertext, ...more }, token);

const sendLogin = (body: object): Promise<Reply> => send('auth/approle/login', body);

describe('AppRole', () => {
  test('a log-in answers auth in the envelope, with the default policy beside the role’s', async () => {
    const { body } = await send('auth/approle/login', {
      role_id: application.roleId,
      secret_id: application.secretId,
    });
    const envelope = z
      .strictObject({
        request_id: z.uuid(),
        lease_id: z.literal(''),
        renewable: z.literal(false),
        lease_duration: z.literal(0),
        data: z.null(),
        wrap_info: z.null(),
        warnings: z.null(),
        auth: z.object({}).loose(),
      })
      .parse(body);
    const { client_token: token, accessor, ...auth } = envelope.auth;
    assert.match(String(token), /^hvs\./);
    assert.ok(String(accessor).length > 10);
    assert.deepEqual(auth, {
      policies: ['default', 'merchant'],
      token_policies: ['default', 'merchant'],
      metadata: { role_name: 'merchant' },
      lease_duration: 600,
      renewable: true,
      entity_id: '',
      token_type: 'service',
      orphan: true,
    });
  });

  test('wrong role, wrong secret id, used up or too old: one text for all; missing ones by name', async () => {
    const { roleId } = application;
    const wrong = refused(400, 'invalid role or secret ID');
    assert.deepEqual(await sendLogin({ role_id: 'x', secret_id: application.secretId }), wrong);
    assert.deepEqual(await sendLogin({ role_id: roleId, secret_id: 'x' }), wrong);
    const twice = await newSecretId(vault, { num_uses: 2 });
    await logIn(twice);
    await logIn(twice);
    assert.deepEqual(await sendLogin({ role_id: roleId, secret_id: twice }), wrong);
    const short = await newSecretId(vault, { ttl: 60 });
    await control(vault.url, 'clock', { advance_ms: 61_000 });
    assert.deepEqual(await sendLogin({ role_id: roleId, secret_id: short }), wrong);
    assert.deepEqual(await sendLogin({ secret_id: short }), refused(400, 'missing role_id'));
    assert.deepEqual(await sendLogin({ role_id: roleId }), refused(400, 'missing secret_id'));
  });

  test('a response-wrapped secret id is given out once', async () => {
    const wrap = { headers: { 'x-vault-wrap-ttl': '60s' } };
    const path = 'auth/approle/role/merchant/secret-id';
    const { body } = await send(path, {}, vault.rootToken, wrap);
    const wrapped = z.object({
      data: z.null(),
      wrap_info: z.object({ token: z.string(), ttl: z.literal(60) }),
    });
    const { token } = wrapped.parse(body).wrap_info;
    const { secret_id: secretId } = dataOf(
      await send('sys/wrapping/unwrap', {}, token),
      z.object({ secret_id: z.string() }),
    );
    await logIn(secretId);
    assert.deepEqual(
      await send('sys/wrapping/unwrap', {}, token),
      refused(400, 'wrapping token is not valid or does not exist'),
    );
  });
});

describe('tokens', () => {
  test('renewing is a wish, cut short at the greatest age with a warning; past it the token is refused', async () => {
    const token = await logIn();
    const renew = async (): Promise<z.infer<typeof authSchema>> =>
      authSchema.parse((await send('auth/token/renew-self', {}, token)).body);
    await control(vault.url, 'clock', { advance_ms: 300_000 });
    assert.equal((await renew()).auth.lease_duration, 600);
    await control(vault.url, 'clock', { advance_ms: 500_000 });
    const cut = await renew();
    assert.ok(cut.auth.lease_duration <= 200);
    assert.match(cut.warnings?.[0] ?? '', /exceeded the effective max_ttl/);
    await control(vault.url, 'clock', { advance_ms: 201_000 });
    assert.deepEqual(await send('auth/token/renew-self', {}, token), refused(403, 'permission denied'));
  });

  test('a periodic one renews for ever, a batch one never, a revoked one is refused', async () => {
    const create = async (body: object): Promise<string> =>
      authSchema.parse((await send('auth/token/create', body, vault.rootToken)).body).auth.client_token;
    const periodic = await create({ period: '60s' });
    for (let round = 0; round < 40; round += 1) {
      await control(vault.url, 'clock', { advance_ms: 50_000 });
      assert.equal((await send('auth/token/renew-self', {}, periodic)).status, 200);
    }
    const batch = await create({ type: 'batch', ttl: '60s' });
    assert.deepEqual(await send('auth/token/renew-self', {}, batch), refused(400, 'lease is not renewable'));
    assert.equal((await send('auth/token/revoke-self', undefined, periodic)).status, 204);
    assert.deepEqual(
      await send('auth/token/lookup-self', undefined, periodic, { method: 'GET' }),
      refused(403, 'permission denied'),
    );
  });

  test('none, an unknown one, and one without the policy: 403 each, never 401 or 404', async () => {
    const token = await logIn();
    const denied = refused(403, 'permission denied');
    assert.deepEqual(await send('transit/encrypt/hotel-keys', {}), denied);
    assert.deepEqual(await send('transit/encrypt/hotel-keys', {}, 'hvs.unknown'), denied);
    assert.deepEqual(await send('transit/keys/hotel-keys/rotate', {}, token), denied);
    // Without `create` a slip in the name makes no key.
    await ask(vault, 'POST', 'sys/policies/acl/merchant', { policy: ANY_KEY }, [204]);
    assert.deepEqual(await send('transit/encrypt/slip', { plaintext: '' }, token), denied);
    assert.deepEqual(
      await send('transit/keys/slip', undefined, vault.rootToken, { method: 'GET' }),
      refused(404),
    );
    await prepareApplication(vault, { role: { token_ttl: 600, token_max_ttl: 1000 } });
  });
});

const ANY_KEY = 'path "transit/encrypt/*" { capabilities = ["update"] }';

describe('transit', () => {
  test('what was encrypted opens with its associated data only, and not when a byte of it changed', async () => {
    const token = await logIn();
    const bound = { associated_data: base64('hotel-1') };
    const ciphertext = await encrypted(token, 'secret', bound);
    assert.match(ciphertext, /^vault:v1:[A-Za-z0-9+/]+=*$/);
    assert.deepEqual(dataOf(await decrypt(token, ciphertext, bound), z.object({ plaintext: z.string() })), {
      plaintext: base64('secret'),
    });
    const failed = refused(400, 'cipher: message authentication failed');
    assert.deepEqual(await decrypt(token, ciphertext), failed);
    assert.deepEqual(await decrypt(token, ciphertext, { associated_data: base64('hotel-2') }), failed);
    const bytes = Buffer.from(ciphertext.slice('vault:v1:'.length), 'base64');
    bytes[14] = (bytes[14] ?? 0) ^ 1;
    assert.deepEqual(await decrypt(token, `vault:v1:${bytes.toString('base64')}`, bound), failed);
  });

  test('each form that is no ciphertext has its own word', async () => {
    const token = await logIn();
    const cases: [string, string][] = [
      ['secret', 'invalid ciphertext: no prefix'],
      ['vault:v1:a:b', 'invalid ciphertext: wrong number of fields'],
      ['vault:v1', 'invalid ciphertext: wrong number of fields'],
      ['vault:vx:AAAA', 'invalid ciphertext: version number could not be decoded'],
      ['vault:v99:AAAA', 'invalid ciphertext: version is too new'],
      ['vault:v1:%%%', 'invalid ciphertext: could not decode base64'],
      ['', 'missing ciphertext to decrypt'],
    ];
    for (const [ciphertext, words] of cases)
      assert.deepEqual(await decrypt(token, ciphertext), refused(400, words), ciphertext);
    const missing = await send('transit/encrypt/hotel-keys', {}, token);
    assert.deepEqual(missing, refused(400, 'missing plaintext to encrypt'));
    const gone = await send('transit/decrypt/no-key', { ciphertext: 'vault:v1:AAAA' }, vault.rootToken);
    assert.deepEqual(gone, refused(400, 'encryption key not found'));
  });

  test('a rotated key encrypts with the new version and decrypts the old; below the minimum it is refused', async () => {
    const token = await logIn();
    const old = await encrypted(token, 'old');
    await control(vault.url, 'keys/transit/hotel-keys/rotate');
    assert.match(await encrypted(token, 'new'), /^vault:v2:/);
    assert.match(await encrypted(token, 'pinned', { key_version: 1 }), /^vault:v1:/);
    assert.equal((await decrypt(token, old)).status, 200);
    const rewrapped = await send('transit/rewrap/hotel-keys', { ciphertext: old }, vault.rootToken);
    const moved = dataOf(rewrapped, ciphertextSchema);
    assert.equal(moved.key_version, 2);
    await ask(vault, 'POST', 'transit/keys/hotel-keys/config', { min_decryption_version: 2 }, [200]);
    const tooOld = refused(400, 'ciphertext or signature version is disallowed by policy (too old)');
    assert.deepEqual(await decrypt(token, old), tooOld);
    assert.equal((await decrypt(token, moved.ciphertext)).status, 200);
    await ask(vault, 'POST', 'transit/keys/hotel-keys/config', { min_decryption_version: 1 }, [200]);
    assert.equal((await decrypt(token, old)).status, 200);
    const key = await send('transit/keys/hotel-keys', undefined, token, { method: 'GET' });
    const { keys, ...described } = dataOf(key, z.object({ keys: z.record(z.string(), z.int()) }).loose());
    assert.deepEqual(Object.keys(keys), ['1', '2']);
    assert.partialDeepStrictEqual(described, {
      name: 'hotel-keys',
      type: 'aes256-gcm96',
      latest_version: 2,
      min_decryption_version: 1,
    });
  });

  test('rewrap knows no associated data: what is bound to some does not open there', async () => {
    const ciphertext = await encrypted(await logIn(), 'bound', { associated_data: base64('hotel-1') });
    const reply = await send(
      'transit/rewrap/hotel-keys',
      { ciphertext, associated_data: base64('hotel-1') },
      vault.rootToken,
    );
    assert.deepEqual(reply, refused(400, 'cipher: message authentication failed'));
  });

  test('a derived key needs its context, and another context opens nothing', async () => {
    await ask(vault, 'POST', 'transit/keys/derived', { derived: true }, [200]);
    const plaintext = base64('x');
    const without = await send('transit/encrypt/derived', { plaintext }, vault.rootToken);
    assert.equal(without.status, 400);
    const context = base64('hotel-1');
    const { ciphertext } = dataOf(
      await send('transit/encrypt/derived', { plaintext, context }, vault.rootToken),
      ciphertextSchema,
    );
    const open = (with_: string): Promise<Reply> =>
      send('transit/decrypt/derived', { ciphertext, context: with_ }, vault.rootToken);
    assert.equal((await open(context)).status, 200);
    assert.deepEqual(await open(base64('hotel-2')), refused(400, 'cipher: message authentication failed'));
  });

  test('a batch answers in order; one bad item makes it 400, with the results of the others', async () => {
    const token = await logIn();
    const good = await encrypted(token, 'good');
    const batch = { batch_input: [{ ciphertext: good }, { ciphertext: 'bad' }] };
    const reply = await send('transit/decrypt/hotel-keys', batch, token);
    assert.equal(reply.status, 400);
    const results = z.object({ data: z.object({ batch_results: z.array(z.unknown()) }) }).parse(reply.body);
    assert.deepEqual(results.data.batch_results, [
      { plaintext: base64('good') },
      { error: 'invalid ciphertext: no prefix' },
    ]);
  });

  test('a data key comes wrapped, and opens to the plaintext that came with it', async () => {
    const schema = ciphertextSchema.extend({ plaintext: z.string().optional() });
    const plain = dataOf(await send('transit/datakey/plaintext/hotel-keys', {}, vault.rootToken), schema);
    assert.equal(Buffer.from(plain.plaintext ?? '', 'base64').length, 32);
    const opened = dataOf(
      await decrypt(vault.rootToken, plain.ciphertext),
      z.object({ plaintext: z.string() }),
    );
    assert.equal(opened.plaintext, plain.plaintext);
    const wrapped = dataOf(await send('transit/datakey/wrapped/hotel-keys', {}, vault.rootToken), schema);
    assert.equal(wrapped.plaintext, undefined);
  });

  test('a key is deleted only once that is allowed; trimmed versions are gone for good', async () => {
    await ask(vault, 'POST', 'transit/keys/old', {}, [200]);
    const { ciphertext } = dataOf(
      await send('transit/encrypt/old', { plaintext: base64('x') }, vault.rootToken),
      ciphertextSchema,
    );
    await control(vault.url, 'keys/transit/old/rotate');
    const minimum = { min_decryption_version: 2, min_encryption_version: 2 };
    await ask(vault, 'POST', 'transit/keys/old/config', minimum, [200]);
    await ask(vault, 'POST', 'transit/keys/old/trim', { min_available_version: 2 }, [200]);
    await ask(
      vault,
      'POST',
      'transit/keys/old/config',
      { min_decryption_version: 1, min_encryption_version: 0 },
      [200],
    );
    assert.equal((await send('transit/decrypt/old', { ciphertext }, vault.rootToken)).status, 400);
    const remove = (): Promise<Reply> =>
      send('transit/keys/old', undefined, vault.rootToken, { method: 'DELETE' });
    assert.equal((await remove()).status, 400);
    await ask(vault, 'POST', 'transit/keys/old/config', { deletion_allowed: true }, [200]);
    assert.equal((await remove()).status, 204);
  });
});

const health = (url = vault.url): Promise<Reply> =>
  send('sys/health', undefined, undefined, { method: 'GET', url });

describe('failures', () => {
  test('sealed: 503 everywhere, also for health, until it is unsealed', async () => {
    await control(vault.url, 'seal', { sealed: true });
    assert.deepEqual(await send('transit/encrypt/hotel-keys', {}, 'any'), refused(503, 'Vault is sealed'));
    assert.deepEqual(await send('auth/approle/login', {}), refused(503, 'Vault is sealed'));
    assert.equal((await health()).status, 503);
    await control(vault.url, 'seal', { sealed: false });
    assert.equal((await health()).status, 200);
  });

  test('a standby redirects with 307 to the active node and says 429 of its health', async () => {
    const standby = await startSimulator({ standbyOf: vault.url });
    try {
      assert.equal((await health(standby.url)).status, 429);
      const response = await fetch(`${standby.url}/v1/auth/approle/login`, {
        method: 'POST',
        redirect: 'manual',
      });
      assert.equal(response.status, 307);
      assert.equal(response.headers.get('location'), `${vault.url}/v1/auth/approle/login`);
    } finally {
      await standby.close();
    }
  });

  test('an armed fault is met once: an error with its pause, a cut connection', async () => {
    const token = await logIn();
    await control(vault.url, 'faults', {
      fault: 'error',
      status: 429,
      retry_after_seconds: 3,
      path: 'transit/',
    });
    const response = await fetch(`${vault.url}/v1/transit/keys/hotel-keys`, {
      headers: { 'x-vault-token': token },
    });
    assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '3']);
    await control(vault.url, 'faults', { fault: 'drop', path: 'transit/' });
    await assert.rejects(send('transit/keys/hotel-keys', undefined, token, { method: 'GET' }));
    assert.equal((await send('transit/keys/hotel-keys', undefined, token, { method: 'GET' })).status, 200);
  });

  test('the journal names who asked for what, and holds no token and no value', async () => {
    const token = await logIn();
    await encrypted(token, 'canary-value');
    const response = await fetch(`${vault.url}/_control/journal`);
    const text = await response.text();
    assert.match(text, /"path":"transit\/encrypt\/hotel-keys"/);
    for (const secret of [token, application.secretId, application.roleId, base64('canary-value')])
      assert.ok(!text.includes(secret));
  });
});
