import assert from 'node:assert/strict';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '@centra/service-kit/errors.ts';
import { asCaller, connectStripe, newHotel, startTestMerchant } from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';
import { answerFrom, answerWithMany, authEvent } from '../testing/auth-history.ts';
import { auditEntrySchema } from './audit-entry.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());
beforeEach(() => service.auth.reset());

const SCOPES = ['audit_log:read', 'provider_accounts:write'];
const PATH = '/v1/audit-log/export';

function readerOf(merchantId: string): Caller {
  return asCaller(service, { merchantId, scopes: SCOPES });
}

const exportsOf = (merchantId: string) =>
  service.sql(
    `select actor, address, after from audit_events where merchant_id = $1 and action = 'audit_log.exported' order by seq`,
    [merchantId],
  );

/** The answer as it comes in, so that a test may be slow to read it, or leave. */
function open(merchantId: string, query = ''): Promise<IncomingMessage> {
  const identity = { merchantId, mode: 'test', actor: 'api_key:key_1', scopes: SCOPES } as const;
  const headers = { 'x-centra-identity': service.signer('api-gateway').identityToken('merchant', identity) };
  const url = `http://127.0.0.1:${service.service.httpPort}${PATH}${query}`;
  return new Promise((resolve, reject) => get(url, { headers, agent: false }, resolve).on('error', reject));
}

async function readAll(answer: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

describe('200', () => {
  test('JSON lines: every entry of the time, newest first, as the list shows them', async () => {
    const merchantId = await newHotel(service);
    const caller = readerOf(merchantId);
    for (let count = 0; count < 3; count += 1) await connectStripe(caller);
    // More than one page of auth's.
    const events = Array.from({ length: 250 }, (_, index) =>
      authEvent(index + 1, new Date(Date.now() - (300 - index) * 1_000).toISOString()),
    );
    service.auth.answers.listAuditEvents = answerFrom(new Map([[merchantId, events]]));
    const answer = await caller.get(PATH).buffer(true).expect(200);
    assert.match(String(answer.headers['content-type']), /^application\/jsonl/);
    assert.match(
      String(answer.headers['content-disposition']),
      /^attachment; filename="audit-log-[\d-]+-to-[\d-]+\.jsonl"$/,
    );
    assert.equal(answer.headers['cache-control'], 'no-store');
    const text = await readAll(await open(merchantId));
    assert.ok(text.endsWith('\n'));
    const entries = text
      .trimEnd()
      .split('\n')
      .map((line) => auditEntrySchema.strict().parse(JSON.parse(line)));
    assert.equal(entries.length, 250 + 6, 'with the export before this one, without this one');
    const times = entries.map(({ at }) => Date.parse(at));
    assert.deepEqual(
      times,
      times.toSorted((one, other) => other - one),
    );
    const { body } = await caller.get('/v1/audit-log?limit=100').expect(200);
    const listed = body.data.filter((entry: { action: string }) => entry.action !== 'audit_log.exported');
    const exported = entries.filter(({ action }) => action !== 'audit_log.exported');
    assert.deepEqual(listed, exported.slice(0, listed.length));
  });

  test('only the time that is asked for', async () => {
    const merchantId = await newHotel(service);
    const events = ['2026-01-01', '2026-02-01', '2026-03-01'].map((day, index) =>
      authEvent(index + 1, `${day}T00:00:00.000000Z`),
    );
    service.auth.answers.listAuditEvents = answerFrom(new Map([[merchantId, events]]));
    const text = await readAll(
      await open(merchantId, '?from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z&format=jsonl'),
    );
    assert.deepEqual(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).sequence),
      [2],
    );
  });

  test('CSV: a header, a line for each entry, quotes and line breaks kept, and nothing that a spreadsheet would run', async () => {
    const merchantId = await newHotel(service);
    const hostile = ['=1+1', '+1', '-1', '@sum(A1)', '\t=1', '\r=1', 'plain, "quoted"\nand broken', "'=1"];
    const events = hostile.map((actor, index) =>
      authEvent(index + 1, `2026-01-01T00:00:00.00000${index}Z`, { actor, address: '=HYPERLINK("x")' }),
    );
    service.auth.answers.listAuditEvents = answerFrom(new Map([[merchantId, events]]));
    const answer = await open(merchantId, '?format=csv&to=2026-01-02T00:00:00Z&from=2026-01-01T00:00:00Z');
    assert.match(String(answer.headers['content-type']), /^text\/csv; charset=utf-8/);
    assert.match(String(answer.headers['content-disposition']), /audit-log-2026-01-01-to-2026-01-02\.csv"$/);
    const [header, ...rows] = parseCsv(await readAll(answer));
    assert.deepEqual(header, Object.keys(auditEntrySchema.shape));
    assert.equal(rows.length, hostile.length);
    const actors = rows.map((row) => row[header?.indexOf('actor') ?? -1]).toReversed();
    assert.deepEqual(actors, [...hostile.slice(0, 6).map((text) => `'${text}`), ...hostile.slice(6)]);
    for (const row of rows) {
      assert.equal(row.length, header?.length);
      for (const cell of row) assert.doesNotMatch(cell, /^[=+\-@\t\r]/);
      assert.deepEqual(JSON.parse(row[header?.indexOf('after') ?? -1] ?? ''), { name: 'Front desk' });
    }
  });

  test('the export is in the history itself, with what was asked', async () => {
    const merchantId = await newHotel(service);
    await readAll(await open(merchantId, '?format=csv&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z'));
    const [noted, ...others] = await exportsOf(merchantId);
    assert.deepEqual(others, []);
    assert.equal(noted?.['actor'], 'api_key:key_1');
    assert.deepEqual(noted?.['after'], {
      format: 'csv',
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-02T00:00:00.000Z',
    });
  });
});

/** RFC 4180, strictly: what is left over is an error. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let rest = text;
  while (rest !== '') {
    const [whole, quoted, bare, end] = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest) ?? [];
    assert.ok(whole !== undefined, `no cell: ${rest.slice(0, 60)}`);
    row.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
    if (end === '\r\n') {
      rows.push(row);
      row = [];
    }
    rest = rest.slice(whole.length);
  }
  assert.deepEqual(row, []);
  return rows;
}

describe('400', () => {
  test('another format, a range that is none or longer than 366 days, other filters', async () => {
    const merchantId = await newHotel(service);
    const cases: [query: string, field: string][] = [
      ['?format=xlsx', 'format'],
      ['?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
      ['?from=2025-01-01T00:00:00Z&to=2026-01-02T00:00:00.001Z', 'from'],
      ['?from=1970-01-01T00:00:00Z', 'from'],
      ['?actor=x', 'actor'],
      ['?limit=1', 'limit'],
    ];
    for (const [query, field] of cases) {
      const { body } = await readerOf(merchantId).get(`${PATH}${query}`).expect(400);
      assert.deepEqual([body.code, body.errors[0].field], ['validation_failed', field], query);
    }
    assert.deepEqual(await exportsOf(merchantId), []);
  });

  test('more than 100,000 entries: it says so before the first byte', async () => {
    const merchantId = await newHotel(service);
    service.auth.answers.listAuditEvents = answerWithMany(120_000);
    const { body } = await readerOf(merchantId).get(PATH).expect(400);
    assert.match(body.errors[0].reason, /100,000 entries: narrow the range/);
    assert.deepEqual(await exportsOf(merchantId), []);
    const from = new Date(Date.now() - 1_000_000).toISOString();
    const some = await readAll(await open(merchantId, `?from=${from}`));
    assert.ok(some.split('\n').length > 900);
  });
});

test('403 without the permission', async () => {
  const merchantId = await newHotel(service);
  await asCaller(service, { merchantId, scopes: ['provider_accounts:read'] })
    .get(PATH)
    .expect(403);
  assert.deepEqual(await exportsOf(merchantId), []);
});

describe('429', () => {
  test('one export of a hotel at a time; other hotels have theirs', async () => {
    const [merchantId, other] = [await newHotel(service), await newHotel(service)];
    const held = Promise.withResolvers<void>();
    service.auth.answers.listAuditEvents = async (request) => {
      if (request.merchantId === merchantId) await held.promise;
      return { events: [], hasMore: false };
    };
    const first = open(merchantId).then(readAll);
    await until(() => service.auth.asked.listAuditEvents.some((asked) => asked.merchantId === merchantId));
    const refused = await readerOf(merchantId).get(PATH).expect(429);
    assert.equal(refused.body.code, 'too_many_requests');
    assert.ok(Number(refused.headers['retry-after']) >= 1);
    await readerOf(other).get(PATH).expect(200);
    held.resolve();
    await first;
    await readerOf(merchantId).get(PATH).expect(200);
  });

  test('ten an hour of a hotel, over all processes, and a refused one does not count', async () => {
    const [merchantId, other] = [await newHotel(service), await newHotel(service)];
    const replica = await service.startReplica();
    try {
      for (let count = 0; count < 10; count += 1) await readAll(await open(merchantId));
      const identity = { merchantId, mode: 'test', actor: 'user:usr_1', scopes: SCOPES } as const;
      const token = service.signer('api-gateway').identityToken('merchant', identity);
      const url = `http://127.0.0.1:${replica.httpPort}${PATH}`;
      const refused = await fetch(url, { headers: { 'x-centra-identity': token } });
      assert.equal(refused.status, 429);
      await refused.body?.cancel();
      const wait = Number(refused.headers.get('retry-after'));
      assert.ok(wait > 3_000 && wait <= 3_600, String(wait));
      assert.equal((await exportsOf(merchantId)).length, 10);
      await readerOf(other).get(PATH).expect(200);
    } finally {
      await replica.close();
    }
  });
});

describe('503 and 500: nothing of a file', () => {
  test('auth is away before the first byte', async () => {
    const merchantId = await newHotel(service);
    service.auth.answers.listAuditEvents = () => Promise.reject(new AppError('unavailable'));
    const refused = await readerOf(merchantId).get(PATH).expect(503);
    assert.equal(refused.headers['content-disposition'], undefined);
    assert.deepEqual(await exportsOf(merchantId), []);
  });

  test('the history row of the export cannot be written', async () => {
    const merchantId = await newHotel(service);
    await service.sql(
      `alter table audit_events add constraint closed check (merchant_id <> '${merchantId}') not valid`,
    );
    try {
      const refused = await readerOf(merchantId).get(PATH).expect(500);
      assert.equal(refused.headers['content-disposition'], undefined);
      assert.equal(refused.body.code, 'internal');
    } finally {
      await service.sql('alter table audit_events drop constraint closed');
    }
  });
});

test('when auth fails on the way the answer breaks off: no half file looks whole, and the next export runs', async () => {
  const merchantId = await newHotel(service);
  const many = answerWithMany(5_000);
  service.auth.answers.listAuditEvents = (request) => {
    if (request.beforeSequence !== 0n && request.beforeSequence < 4_000n) throw new AppError('unavailable');
    return many(request);
  };
  const answer = await open(merchantId);
  assert.equal(answer.statusCode, 200);
  await assert.rejects(readAll(answer), { code: 'ECONNRESET' });
  assert.equal(answer.complete, false);
  assert.equal((await exportsOf(merchantId)).length, 1, 'what was sent was noted before');
  service.auth.reset();
  await readAll(await open(merchantId));
});

test('a caller that reads slowly is waited for, one that leaves ends the work', async () => {
  const merchantId = await newHotel(service);
  // 200 pages of about 2 MB: far more than the buffers on the way hold.
  service.auth.answers.listAuditEvents = answerWithMany(20_000, 'x'.repeat(15_000));
  const answer = await open(merchantId);
  answer.pause();
  const asked = () =>
    service.auth.asked.listAuditEvents.filter((each) => each.merchantId === merchantId).length;
  const stopped = await settled(asked);
  assert.ok(stopped < 60, `${stopped} pages were loaded for nobody`);
  answer.resume();
  await until(() => asked() > stopped + 5);
  answer.destroy();
  const left = await settled(asked);
  assert.ok(left < 200, 'it went on to the end');
  // Its place is free again.
  service.auth.reset();
  await readerOf(merchantId).get(PATH).expect(200);
});

const PATIENCE_MS = 30_000;

async function until(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !isSo(); await pause(20))
    assert.ok(Date.now() < end, 'it did not happen');
}

/** The number once it stays for a second. */
async function settled(read: () => number): Promise<number> {
  let last = -1;
  for (let quiet = 0; quiet < 10; await pause(100)) {
    quiet = read() === last ? quiet + 1 : 0;
    last = read();
  }
  return last;
}
