import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { createLog } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import { startSimulator } from '@centra/simulator-vault/simulator.ts';
import { ask, newSecretId } from '@centra/simulator-vault/testing/prepare-application.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';
import { startTestVault } from '../sealing/test-vault.ts';
import type { TestVault } from '../sealing/test-vault.ts';
import { createVaultClient } from './vault-client.ts';
import type { VaultClient } from './vault-client.ts';
import type { VaultConfig } from './vault-config.ts';
import { VaultError } from './vault-error.ts';

let vault: TestVault;
const clients: VaultClient[] = [];
const keySchema = z.object({ data: z.object({ latest_version: z.int() }) });
const READ_KEY = { method: 'GET', path: 'transit/keys/hotel-keys' } as const;

before(async () => {
  vault = await startTestVault({ role: { token_ttl: 3600 } });
});
after(() => vault.simulator.close());
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await vault.clearFaults();
  await vault.control('seal', { sealed: false });
  vault.deliver(await newSecretId(vault.simulator));
});

function connect(config: Partial<VaultConfig> = {}, log = createLog('merchant', 'silent')): VaultClient {
  const client = createVaultClient(
    { ...vault.config, ...config },
    { log, metrics: createMetrics('merchant') },
  );
  clients.push(client);
  return client;
}
const readKey = async (client: VaultClient): Promise<number> =>
  (await client.call('read key', READ_KEY, keySchema)).data.latest_version;
const isRefusal =
  (status: number | undefined, words = /./) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof VaultError, String(error));
    assert.equal(error.status, status, error.message);
    assert.match(error.message, words);
    return true;
  };

describe('logging in', () => {
  test('one log-in serves all calls, also those that begin at once', async () => {
    const logins = await vault.countOf('auth/approle/login');
    const client = connect();
    await Promise.all(Array.from({ length: 20 }, () => readKey(client)));
    assert.equal((await vault.countOf('auth/approle/login')) - logins, 1);
    assert.ok(client.hasLoggedIn());
  });

  test('a revoked token costs one log-in and one replay, for all calls together', async () => {
    const client = connect();
    await readKey(client);
    const logins = await vault.countOf('auth/approle/login');
    await vault.control('tokens/revoke');
    const read = await Promise.all(Array.from({ length: 10 }, () => readKey(client)));
    assert.deepEqual(new Set(read), new Set([1]));
    assert.equal((await vault.countOf('auth/approle/login')) - logins, 1);
  });

  test('a token that ran out by Vault’s clock is replaced in the same way', async () => {
    const client = connect();
    await readKey(client);
    await vault.control('clock', { advance_ms: 3_700_000 });
    assert.equal(await readKey(client), 1);
  });

  test('what the policy does not allow stays refused, after one log-in and one replay', async () => {
    const client = connect();
    await readKey(client);
    const askedBefore = await vault.countOf('transit/keys/other');
    const asked = { method: 'GET', path: 'transit/keys/other' } as const;
    await assert.rejects(client.call('read key', asked, keySchema), isRefusal(403, /permission denied/));
    assert.equal((await vault.countOf('transit/keys/other')) - askedBefore, 2);
  });

  test('the secret id is read again at each log-in: a used up one fails, the next one in the file works', async () => {
    vault.deliver(await newSecretId(vault.simulator, { num_uses: 1 }));
    const client = connect();
    await readKey(client);
    await vault.control('tokens/revoke');
    await assert.rejects(readKey(client), isRefusal(undefined, /invalid role or secret ID/));
    vault.deliver(await newSecretId(vault.simulator));
    await waitFor('the new secret id to be taken up', async () =>
      readKey(client).then(
        () => true,
        () => undefined,
      ),
    );
  });

  test('refused log-ins are not repeated by every call', async () => {
    vault.deliver('no-secret-id');
    const client = connect();
    const logins = await vault.countOf('auth/approle/login');
    for (let call = 0; call < 20; call += 1)
      await assert.rejects(readKey(client), isRefusal(undefined, /invalid role or secret ID/));
    assert.ok((await vault.countOf('auth/approle/login')) - logins <= 3);
    assert.equal(client.hasLoggedIn(), false);
  });

  test('a response-wrapped secret id is unwrapped once and serves later log-ins too', async () => {
    const response = await fetch(`${vault.simulator.url}/v1/auth/approle/role/merchant/secret-id`, {
      method: 'POST',
      headers: { 'x-vault-token': vault.simulator.rootToken, 'x-vault-wrap-ttl': '60s' },
      body: '{}',
    });
    const { wrap_info: wrapInfo } = z
      .object({ wrap_info: z.object({ token: z.string() }) })
      .parse(await response.json());
    vault.deliver(wrapInfo.token);
    const client = connect({ secretIdWrapped: true });
    assert.equal(await readKey(client), 1);
    await vault.control('tokens/revoke');
    assert.equal(await readKey(client), 1);
    assert.equal(await vault.countOf('sys/wrapping/unwrap'), 1);
  });

  test('the token is renewed at two thirds of its time, and replaced when it nears its greatest age', async () => {
    const role = { token_policies: ['merchant'], token_ttl: 2, token_max_ttl: 3 };
    await ask(vault.simulator, 'POST', 'auth/approle/role/merchant', role, [204]);
    const renewals = await vault.countOf('auth/token/renew-self');
    const logins = await vault.countOf('auth/approle/login');
    const client = connect();
    await waitFor('a renewal, and a log-in after it', async () => {
      assert.equal(await readKey(client), 1);
      const renewed = (await vault.countOf('auth/token/renew-self')) > renewals;
      return renewed && (await vault.countOf('auth/approle/login')) > logins + 1 ? true : undefined;
    });
    await ask(
      vault.simulator,
      'POST',
      'auth/approle/role/merchant',
      { token_ttl: 3600, token_max_ttl: 0 },
      [204],
    );
  });

  test('a Vault that is away at the start is logged in at once it is there', async () => {
    await vault.control('seal', { sealed: true });
    const client = connect();
    await assert.rejects(readKey(client), isRefusal(undefined, /Vault is sealed/));
    assert.equal(client.hasLoggedIn(), false);
    await vault.control('seal', { sealed: false });
    await waitFor('the log-in', async () => (client.hasLoggedIn() ? true : undefined));
  });
});

describe('retries', () => {
  for (const status of [412, 429, 500, 502, 503])
    test(`${status} once is tried again`, async () => {
      const client = connect();
      await readKey(client);
      await vault.control('faults', { fault: 'error', status, path: 'transit/' });
      assert.equal(await readKey(client), 1);
    });

  for (const status of [400, 404, 405])
    test(`${status} is not`, async () => {
      const client = connect();
      await readKey(client);
      const calls = await vault.countOf('transit/keys');
      await vault.control('faults', { fault: 'error', status, path: 'transit/' });
      await assert.rejects(readKey(client), isRefusal(status));
      assert.equal((await vault.countOf('transit/keys')) - calls, 1);
    });

  test('a connection that is cut once is tried again', async () => {
    const client = connect();
    await readKey(client);
    await vault.control('faults', { fault: 'drop', path: 'transit/' });
    assert.equal(await readKey(client), 1);
  });

  test('there are three tries at most, and an outage does not multiply the load', async () => {
    const client = connect();
    await readKey(client);
    await vault.control('faults', { fault: 'error', status: 503, times: 0, path: 'transit/' });
    const calls = await vault.countOf('transit/keys');
    await assert.rejects(readKey(client), isRefusal(503));
    assert.equal((await vault.countOf('transit/keys')) - calls, 3);
    for (let call = 0; call < 30; call += 1) await assert.rejects(readKey(client), isRefusal(503));
    // 31 calls, and as many retries as there were in stock.
    assert.ok((await vault.countOf('transit/keys')) - calls <= 31 + 10);
  });

  test('a pause that Vault asks for and that is too long is not waited for', async () => {
    const client = connect();
    await readKey(client);
    const slow = { fault: 'error', status: 429, retry_after_seconds: 60, path: 'transit/' };
    await vault.control('faults', slow);
    await assert.rejects(readKey(client), isRefusal(429));
  });
});

describe('answers that are none', () => {
  test('too late: given up after the time that is configured, without another try', async () => {
    const client = connect({ timeoutMs: 200 });
    await readKey(client);
    const calls = await vault.countOf('transit/keys');
    await vault.control('faults', { fault: 'latency', delay_ms: 1_000, path: 'transit/' });
    await assert.rejects(readKey(client), isRefusal(undefined, /did not answer in time/));
    await waitFor('the late answer', async () =>
      (await vault.countOf('transit/keys')) > calls ? true : undefined,
    );
    assert.equal((await vault.countOf('transit/keys')) - calls, 1);
  });

  for (const [fault, words] of [
    ['page', /no JSON/],
    ['flood', /too long/],
  ] as const)
    test(`a ${fault} is refused`, async () => {
      const client = connect();
      await readKey(client);
      await vault.control('faults', { fault, path: 'transit/' });
      await assert.rejects(readKey(client), isRefusal(undefined, words));
    });
});

describe('a standby', () => {
  test('is followed to a node that the configuration names, with method, body and token', async () => {
    const standby = await startSimulator({ standbyOf: vault.simulator.url });
    try {
      const client = connect({ address: standby.url, nodes: [vault.simulator.url] });
      assert.equal(await readKey(client), 1);
    } finally {
      await standby.close();
    }
  });

  test('that points anywhere else is not followed, so that no token goes there', async () => {
    const received: (string | undefined)[] = [];
    const stranger = createServer((request, response) => {
      received.push(request.url);
      response.end('{}');
    });
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const address = stranger.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const standby = await startSimulator({ standbyOf: `http://127.0.0.1:${port}` });
    try {
      const client = connect({ address: standby.url });
      await assert.rejects(readKey(client), isRefusal(undefined, /VAULT_NODES does not name/));
      assert.deepEqual(received, []);
    } finally {
      await standby.close();
      stranger.close();
    }
  });
});

test('a namespace goes with every request', async () => {
  const enterprise = await startSimulator({ namespace: 'hotels' });
  try {
    const client = connect({ address: enterprise.url, namespace: 'hotels' });
    // Nothing is prepared there, so the log-in is refused for its content; without the namespace it would be the same 403 without a look.
    await assert.rejects(readKey(client), VaultError);
    const journal = await fetch(`${enterprise.url}/_control/journal`);
    const { entries } = z
      .object({ entries: z.array(z.object({ namespace: z.string().nullable() })).min(1) })
      .parse(await journal.json());
    assert.deepEqual(new Set(entries.map(({ namespace }) => namespace)), new Set(['hotels']));
  } finally {
    await enterprise.close();
  }
});

test('no error shows a token, a secret id or what was sent', async () => {
  const client = connect();
  await readKey(client);
  const canary = Buffer.from('canary-plaintext').toString('base64');
  const asked = { method: 'POST', path: 'transit/decrypt/hotel-keys', body: { ciphertext: canary } } as const;
  const error: unknown = await client.call('decrypt', asked, keySchema).catch((caught: unknown) => caught);
  assert.ok(error instanceof VaultError);
  const shown = inspect(error, { depth: 10, showHidden: true });
  assert.ok(!shown.includes(canary) && !shown.includes('hvs.'), shown);
});
