import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { hasRedisServer, startRedisServer } from './redis-server.ts';

test(
  'a started Redis answers, keeps nothing, and is gone after its stop',
  { skip: hasRedisServer() ? false : 'redis-server is not installed' },
  async () => {
    const server = await startRedisServer();
    const client = new Redis(server.url, { retryStrategy: () => null });
    client.on('error', () => {});
    assert.equal(await client.set('a', '1'), 'OK');
    assert.equal(await client.config('GET', 'save').then(String), 'save,');
    client.disconnect();
    await server.stop();
    const late = new Redis(server.url, { lazyConnect: true, retryStrategy: () => null });
    late.on('error', () => {});
    await assert.rejects(late.connect());
    late.disconnect();
  },
);
