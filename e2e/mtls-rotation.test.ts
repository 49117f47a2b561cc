import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { createHotel } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { CERTIFIED, createAuthority } from '@centra/testkit/certificates.ts';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { status } from '@grpc/grpc-js';
import { HEALTH, PORTS, ask, authorityOf, clientWith, formOf, kitClient } from './mtls-under-test.ts';
import { NO_LIMITS } from './no-limits.ts';
import { IMPATIENT, card, charge, startPlatformUnderTest } from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

const RELOAD_MS = 100;
const RELOADING = { TLS_RELOAD_MS: String(RELOAD_MS) };
const CLIENTS = 3;

let platform: PlatformUnderTest;
let hotel: Hotel;
before(async () => {
  platform = await startPlatformUnderTest({
    env: {
      auth: RELOADING,
      merchant: RELOADING,
      'payment-api': RELOADING,
      transaction: { ...IMPATIENT, ...RELOADING },
      'api-gateway': { ...NO_LIMITS['api-gateway'], ...RELOADING },
    },
  });
  hotel = await createHotel(platform, { name: 'Riad Rotation', provider: 'simulator' });
});
after(async () => await platform.end());

test('a new authority, with new certificates for everyone, takes over under load: no restart, no charge fails', async () => {
  const load = startLoad();
  const old = authorityOf(platform);
  const { caFile } = platform.tlsFiles('');
  const next = createAuthority();
  const byNext = formOf(platform, old.cert).credentials(next.issue('operator'));
  const byOld = formOf(platform, next.cert).credentials(old.issue('operator'));

  // Both are trusted before anybody shows a certificate of the new one.
  swap(caFile, old.cert + next.cert);
  for (const port of PORTS) await ends(port, byNext, status.OK);
  // Who only calls, like the gateway, has no port to ask: a round of looks is waited for instead.
  await pauseMs(20 * RELOAD_MS);

  // The key first: for a moment each pair does not fit, and the old one must stay.
  for (const name of CERTIFIED) {
    const { cert, key } = next.issue(name);
    const { certFile, keyFile } = platform.tlsFiles(name);
    swap(keyFile, key);
    if (name === 'merchant') await pauseMs(3 * RELOAD_MS);
    swap(certFile, cert);
  }
  for (const port of PORTS) await ends(port, byOld, status.OK);
  await pauseMs(20 * RELOAD_MS);

  swap(caFile, next.cert);
  for (const port of PORTS) await ends(port, byOld, status.UNAVAILABLE);
  const { asked, failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(asked >= 10, `${asked} charges are no load`);

  // Fresh connections, of services that have not been restarted, to one that has: both sides show the new certificates.
  for (const port of PORTS) {
    const client = kitClient(platform, 'booking-api', port);
    assert.equal(await ask(client, HEALTH), status.OK);
    client.close();
  }
  await platform.child('merchant').stop();
  await platform.child('merchant').start();
  await platform.child('transaction').stop();
  await platform.child('transaction').start();
  assert.equal(await chargeOnce(), 201);
  assert.deepEqual(platform.crashes, []);
});

test('a file that is broken changes nothing, is told of, and is made up for by a whole one', async () => {
  const { certFile } = platform.tlsFiles('transaction');
  const whole = readFileSync(certFile, 'utf8');
  const told = (): number =>
    readFileSync(platform.child('transaction').logFile, 'utf8').split('certificate files cannot be used')
      .length;
  const toldBefore = told();
  swap(certFile, whole.slice(0, 200));
  await waitFor('the word on it', async () => (told() > toldBefore ? true : undefined));
  const client = kitClient(platform, 'payment-api', 'transaction');
  assert.equal(await ask(client, HEALTH), status.OK);
  assert.equal(await chargeOnce(), 201);
  client.close();
  swap(certFile, whole);
});

/** As deployments do: the whole new file under another name, and then that name changed. */
function swap(file: string, text: string): void {
  writeFileSync(`${file}.next`, text, { mode: 0o600 });
  renameSync(`${file}.next`, file);
}

/** Waits until a fresh connection to that port ends so. */
async function ends(
  port: (typeof PORTS)[number],
  shown: Parameters<typeof clientWith>[2],
  expected: status,
): Promise<void> {
  await waitFor(`${port} to answer ${status[expected]}`, async () => {
    const client = clientWith(platform, port, shown);
    const code = await ask(client, HEALTH);
    client.close();
    return code === expected ? true : undefined;
  });
}

async function chargeOnce(): Promise<number> {
  const cardToken = await card(platform, hotel);
  return (await charge(platform, hotel, { cardToken, key: randomUUID() })).status;
}

/** A few clients that charge one card after the other until they are stopped. */
function startLoad(): { stop(): Promise<{ asked: number; failures: string[] }> } {
  let asked = 0;
  const until = new AbortController();
  const failures: string[] = [];
  const client = async (): Promise<void> => {
    while (!until.signal.aborted) {
      const cardToken = await card(platform, hotel);
      const answer = await charge(platform, hotel, { cardToken });
      asked += 1;
      if (answer.status !== 201) failures.push(`${answer.status} ${answer.text}`);
    }
  };
  const clients = Array.from({ length: CLIENTS }, client);
  return {
    async stop() {
      until.abort();
      await Promise.all(clients);
      return { asked, failures };
    },
  };
}
