import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { AuthServiceService } from '@centra/proto/centra/auth/v1/auth.ts';
import type { AuthServiceClient, RecordKeyUsageRequest } from '@centra/proto/centra/auth/v1/auth.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { testTls } from '@centra/testkit/test-tls.ts';
import { AppError } from './errors.ts';
import { listenGrpc, unary } from './grpc.ts';
import type { GrpcListening } from './grpc.ts';
import { createKeyUsageReporter } from './key-usage-reporter.ts';
import type { KeyUsageReporter } from './key-usage-reporter.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import type { Identity } from './service-identity.ts';
import { clientOf } from './test-rpc.ts';

const log = createLog('auth', 'silent');
const INTERVAL_MS = 20;
const DAY_MS = 86_400_000;
const NOON = Date.parse('2026-03-01T12:00:00Z');

/** What auth was asked, and how it answers: each fault once. */
const reports: RecordKeyUsageRequest[] = [];
const faults: (() => Error)[] = [];
let server: GrpcListening;
let client: AuthServiceClient;
let reporter: KeyUsageReporter;
let now = NOON;

before(async () => {
  const implementation = {
    recordKeyUsage: unary(
      { log, metrics: createMetrics('auth'), name: 'RecordKeyUsage', callers: ['api-gateway'] },
      async (request: RecordKeyUsageRequest) => {
        reports.push(request);
        const fault = faults.shift();
        if (fault !== undefined) throw fault();
        return {};
      },
    ),
  };
  server = await listenGrpc([{ definition: AuthServiceService, implementation }], {
    host: '127.0.0.1',
    port: 0,
    tls: testTls('auth'),
  });
  client = clientOf(server.port);
});
after(async () => {
  client.close();
  await server.close();
});
afterEach(async () => {
  await reporter.stop();
  reports.length = 0;
  faults.length = 0;
  now = NOON;
});

function start(intervalMs = INTERVAL_MS): KeyUsageReporter {
  reporter = createKeyUsageReporter({ client, log, intervalMs, now: () => now });
  return reporter;
}

const keyed = (key: string, merchantId = 'm_1'): Identity => ({
  merchantId,
  mode: 'test',
  actor: `api_key:key_${key}`,
  scopes: [],
});

/** Requests by day and key over all reports that were taken. */
function sums(taken: readonly RecordKeyUsageRequest[] = reports): Record<string, number> {
  const counts: Record<string, number> = {};
  const once = new Map(taken.map((report) => [report.reportId, report]));
  for (const { usage } of once.values())
    for (const { day, apiKeyId, merchantId, requests } of usage) {
      const name = `${day} ${merchantId} ${apiKeyId}`;
      counts[name] = (counts[name] ?? 0) + Number(requests);
    }
  return counts;
}

test('requests are counted by key and UTC day; people and guests are not', async () => {
  const { note, stop } = start(60_000);
  for (let count = 0; count < 3; count += 1) note(keyed('a'));
  note(keyed('b', 'm_2'));
  now = NOON + DAY_MS / 2;
  note(keyed('a'));
  for (const actor of ['user:usr_1', 'checkout:pay_1', 'service:operator', ''])
    note({ ...keyed('a'), actor });
  await stop();
  assert.deepEqual(sums(), {
    '2026-03-01 m_1 key_a': 3,
    '2026-03-01 m_2 key_b': 1,
    '2026-03-02 m_1 key_a': 1,
  });
});

test('nothing is sent while nothing happens, and what happens is sent soon', async () => {
  const { note } = start();
  await pauseMs(INTERVAL_MS * 5);
  assert.equal(reports.length, 0);
  note(keyed('a'));
  await waitFor('the report', async () => (reports.length > 0 ? true : undefined));
  assert.deepEqual(sums(), { '2026-03-01 m_1 key_a': 1 });
});

test('a report whose answer was lost is sent again under its id, before what came later', async () => {
  faults.push(
    () => new AppError('unavailable'),
    () => new Error('bug'),
  );
  const { note } = start();
  note(keyed('a'));
  await waitFor('the first attempt', async () => (reports.length > 0 ? true : undefined));
  note(keyed('a'));
  await waitFor('what came later', async () => (reports.length >= 4 ? true : undefined));
  const [first, second, third, later] = reports;
  assert.deepEqual(second, first);
  assert.deepEqual(third, first);
  assert.notEqual(later?.reportId, first?.reportId);
  assert.deepEqual(sums(), { '2026-03-01 m_1 key_a': 2 });
});

test('a report that auth refuses for good is given up, and the next one goes', async () => {
  faults.push(() => new AppError('validation_failed'));
  const { note } = start();
  note(keyed('bad'));
  await waitFor('the refusal', async () => (reports.length > 0 ? true : undefined));
  note(keyed('good'));
  await waitFor('the next', async () => (reports.length > 1 ? true : undefined));
  assert.deepEqual(
    reports.map(({ usage }) => usage[0]?.apiKeyId),
    ['key_bad', 'key_good'],
  );
});

test('a report that may have arrived hours ago is not sent again: auth no longer knows it', async () => {
  faults.push(() => new AppError('unavailable'));
  const { note } = start(200);
  note(keyed('old'));
  await waitFor('the first attempt', async () => (reports.length > 0 ? true : undefined));
  now = NOON + DAY_MS;
  note(keyed('new'));
  await waitFor('the next report', async () =>
    reports.some(({ usage }) => usage[0]?.apiKeyId === 'key_new') ? true : undefined,
  );
  assert.equal(reports.filter(({ usage }) => usage[0]?.apiKeyId === 'key_old').length, 1);
});

test('many keys go in reports that auth takes, all of them before the stop ends', async () => {
  const { note, stop } = start(60_000);
  for (let key = 0; key < 2_500; key += 1) note(keyed(String(key)));
  await stop();
  assert.ok(reports.every(({ usage }) => usage.length <= 1_000));
  assert.equal(Object.keys(sums()).length, 2_500);
});

test('more keys than are held go uncounted, and those that are held go on', async () => {
  const { note, stop } = start(60_000);
  for (let key = 0; key < 20_005; key += 1) note(keyed(String(key)));
  note(keyed('0'));
  await stop();
  const counted = sums();
  assert.equal(Object.keys(counted).length, 20_000);
  assert.equal(counted['2026-03-01 m_1 key_0'], 2);
});

test('a stop ends though auth cannot be reached, and says what is lost', async () => {
  start();
  const away = clientOf(await freePort());
  const own = createLog('auth', 'silent');
  const said: unknown[] = [];
  own.error = (_fields: unknown, ...words: unknown[]) => void said.push(words[0]);
  const { note, stop } = createKeyUsageReporter({ client: away, log: own, intervalMs: 60_000 });
  note(keyed('a'));
  await stop();
  away.close();
  assert.deepEqual(said, ['the last use of keys could not be reported']);
});
