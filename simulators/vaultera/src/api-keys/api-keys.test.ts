import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attribute, benchAt, startBench } from '../test-bench.ts';

test('a new key is shown once, works beside the first, and is masked ever after', async (t) => {
  const bench = await startBench(t);
  const created = await bench.api('POST', '/api_keys', { api_key: { description: 'booking engine' } });
  assert.equal(created.status, 200);
  const key = attribute(created, 'api_key');
  assert.match(key, /^[0-9a-f]{32}$/);
  const listed = await bench.http('GET', `${bench.url}/api/v1/api_keys?api_key=${key}`);
  assert.equal(listed.status, 200);
  assert.equal(listed.text.includes(key), false);
  assert.ok(listed.text.includes(`****${key.slice(-4)}`));
  const one = await bench.api('GET', `/api_keys/${attribute(created, 'id')}`);
  assert.equal(attribute(one, 'status'), 'active');
  assert.equal(attribute(one, 'description'), 'booking engine');
  assert.equal(one.text.includes(key), false);
});

test('a revoked key answers 401 at once, on every call', async (t) => {
  const bench = await startBench(t);
  const created = await bench.api('POST', '/api_keys', { api_key: { description: '' } });
  const [id, key] = [attribute(created, 'id'), attribute(created, 'api_key')];
  const revoked = await bench.api('DELETE', `/api_keys/${id}`);
  assert.equal(revoked.status, 204);
  assert.equal(revoked.text, '');
  for (const path of ['/api_keys', '/cards/0123456789abcdef0123456789abcdef']) {
    const answer = await bench.http('GET', `${bench.url}/api/v1${path}?api_key=${key}`);
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.json(), { errors: { code: 'unauthorized', title: 'Unauthorized' } });
  }
  const seen = await bench.api('GET', `/api_keys/${id}`);
  assert.equal(attribute(seen, 'status'), 'revoked');
  assert.match(attribute(seen, 'revoked_at'), /^\d{4}-/);
  assert.equal((await bench.api('DELETE', `/api_keys/${id}`)).status, 204);
});

test('the key is read from api_key or apikey in the query, and from nowhere else', async (t) => {
  const bench = await startBench(t);
  const list = `${bench.url}/api/v1/api_keys`;
  assert.equal((await bench.http('GET', `${list}?apikey=${bench.apiKey}`)).status, 200);
  assert.equal((await bench.http('GET', list)).status, 401);
  assert.equal((await bench.http('GET', `${list}?api_key=${'0'.repeat(32)}`)).status, 401);
  assert.equal((await bench.http('GET', list, undefined, ['api-key', bench.apiKey])).status, 401);
  assert.equal(
    (await bench.http('GET', `${list}?api_key=${bench.apiKey}&api_key=${bench.apiKey}`)).status,
    400,
  );
});

test('keys of one account do not exist for another', async (t) => {
  const bench = await startBench(t);
  const other = await benchAt(t, bench.url, bench.dataDir);
  const id = attribute(await bench.api('POST', '/api_keys', { api_key: {} }), 'id');
  assert.equal((await other.api('GET', `/api_keys/${id}`)).status, 404);
  assert.equal((await other.api('DELETE', `/api_keys/${id}`)).status, 404);
  assert.equal((await other.api('GET', '/api_keys')).text.includes(id), false);
  assert.equal(attribute(await bench.api('GET', `/api_keys/${id}`), 'status'), 'active');
});

test('a path or verb that is not in the API answers 404 in its envelope', async (t) => {
  const bench = await startBench(t);
  const answer = await bench.api('GET', '/nothing');
  assert.equal(answer.status, 404);
  assert.deepEqual(answer.json(), { errors: { code: 'resource_not_found', title: 'Resource Not Found' } });
  const undecodable = await bench.api('GET', '/cards/%E0%A4%A');
  assert.equal(undecodable.status, 400);
  assert.match(undecodable.text, /^\{"errors":\{"code":"bad_request"/);
});
