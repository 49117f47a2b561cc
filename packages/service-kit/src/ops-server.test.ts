import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Gauge } from 'prom-client';
import supertest from 'supertest';
import { createMetrics } from './metrics.ts';
import { runChecks, startOpsServer } from './ops-server.ts';
import type { HealthChecks } from './ops-server.ts';

const never = new Promise<void>(() => {});

describe('/health and /ready', () => {
  test('are 200 while every check answers', async () => {
    await withServer({ checks: { database: async () => {}, queue: async () => {} } }, async (url) => {
      const health = await supertest(url).get('/health');
      assert.deepEqual(
        [health.status, health.body],
        [200, { status: 'ok', checks: { database: 'ok', queue: 'ok' } }],
      );
      const ready = await supertest(url).get('/ready');
      assert.deepEqual(
        [ready.status, ready.body],
        [200, { status: 'ready', checks: { database: 'ok', queue: 'ok' } }],
      );
    });
  });

  test('are 503 with the reason when one fails, at once or later, with or without words', async () => {
    const checks: HealthChecks = {
      database: async () => Promise.reject(new Error('connection refused')),
      queue: () => {
        throw new TypeError('');
      },
      disk: async () => {},
    };
    await withServer({ checks }, async (url) => {
      for (const path of ['/health', '/ready']) {
        const answer = await supertest(url).get(path);
        assert.equal(answer.status, 503);
        assert.deepEqual(answer.body.checks, {
          database: 'connection refused',
          queue: 'TypeError',
          disk: 'ok',
        });
      }
    });
  });

  test('a process that drains is healthy but not ready, and its checks are not asked', async () => {
    let asked = 0;
    const checks = { database: async () => void (asked += 1) };
    await withServer({ checks, isAccepting: () => false }, async (url) => {
      const ready = await supertest(url).get('/ready');
      assert.deepEqual([ready.status, ready.body.status], [503, 'not ready']);
      assert.equal(asked, 0);
      assert.equal((await supertest(url).get('/health')).status, 200);
    });
  });
});

test('a check that hangs counts as failed, and the others are still told', async () => {
  const results = await runChecks({ hangs: () => never, works: async () => {} });
  assert.deepEqual(results, { hangs: 'no answer within 900 ms', works: 'ok' });
});

describe('/metrics', () => {
  test('tells the numbers in the format of Prometheus', async () => {
    await withServer({}, async (url, metrics) => {
      metrics.counter('centra_asked_total', 'Asked', []).inc();
      const answer = await supertest(url).get('/metrics?x=1');
      assert.equal(answer.status, 200);
      assert.match(String(answer.headers['content-type']), /^text\/plain/);
      assert.match(answer.text, /^centra_asked_total\{service="kit"\} 1$/m);
    });
  });

  test('is 500 when a number cannot be told, and the process lives on', async () => {
    await withServer({}, async (url, metrics) => {
      const broken = new Gauge({
        name: 'centra_broken',
        help: 'Broken',
        registers: [metrics.registry],
        collect: () => {
          throw new Error('cannot count');
        },
      });
      assert.equal((await supertest(url).get('/metrics')).status, 500);
      broken.remove();
      metrics.registry.removeSingleMetric('centra_broken');
      assert.equal((await supertest(url).get('/metrics')).status, 200);
    });
  });
});

test('further pages are served by exact path; everything else is 404, other methods 405', async () => {
  const pages = {
    '/journal': (_request: unknown, response: { end(text: string): void }) => response.end('page'),
  };
  await withServer({ pages }, async (url) => {
    assert.equal((await supertest(url).get('/journal?x=1')).text, 'page');
    for (const path of ['/', '/journal/', '/metrics/', '/docs', '/__proto__', '/constructor'])
      assert.equal((await supertest(url).get(path)).status, 404, path);
    for (const path of ['/health', '/metrics', '/journal', '/'])
      assert.equal((await supertest(url).post(path)).status, 405, path);
  });
});

type Options = Partial<Omit<Parameters<typeof startOpsServer>[0], 'metrics'>>;

async function withServer(
  options: Options,
  use: (url: string, metrics: ReturnType<typeof createMetrics>) => Promise<void>,
): Promise<void> {
  const metrics = createMetrics('kit');
  const server = await startOpsServer({
    host: '127.0.0.1',
    port: 0,
    metrics,
    checks: {},
    isAccepting: () => true,
    ...options,
  });
  try {
    await use(server.url, metrics);
  } finally {
    await server.close();
  }
}
