import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import express from 'express';
import supertest from 'supertest';
import { contextOf, identityOf } from './http.ts';
import { createSigner } from './service-identity.ts';
import type { Identity, Signer } from './service-identity.ts';
import { CARD, rawExchange, refused, requestHead, startTestApp } from './test-app.ts';
import type { TestApp } from './test-app.ts';

const identity: Identity = {
  merchantId: '01890a5d-ac96-774b-bcce-b302099a8057',
  mode: 'live',
  actor: 'api_key:key_01h455vb4pex5vsknk084sn02q',
  scopes: ['rooms:read'],
};

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.server.close());

describe('query parameters', () => {
  test('arrive decoded, each once', async () => {
    const answer = await supertest(app.server.url).get('/query?limit=20&cursor=a%20b%2Bc&empty=');
    assert.deepEqual(answer.body, { limit: '20', cursor: 'a b+c', empty: '' });
    assert.deepEqual((await supertest(app.server.url).get('/query')).body, {});
  });

  test('given twice are 400, in any spelling', async () => {
    for (const query of ['a=1&a=2', 'a=1&a=1', 'a=1&%61=2', 'a&a', '__proto__=1&__proto__=2'])
      await refused(supertest(app.server.url).get(`/query?${query}`), 'validation_failed');
  });

  test('that reach the prototype are 400, not lost', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', '%5f_proto__'])
      await refused(supertest(app.server.url).get(`/query?${name}=1`), 'validation_failed');
  });

  test('with NUL, which no column of ours can hold, are 400', async () => {
    await refused(supertest(app.server.url).get('/query?a=%00'), 'validation_failed');
    await refused(supertest(app.server.url).get('/query?%00=a'), 'validation_failed');
  });

  test('with card data are 422, and the value is nowhere in the answer', async () => {
    for (const query of [`note=${CARD}`, `${CARD}=1`, `${CARD}=1&${CARD}=2`, 'card_number=']) {
      const answer = await refused(supertest(app.server.url).get(`/query?${query}`), 'card_data_not_allowed');
      assert.doesNotMatch(answer.text, /4242/);
    }
  });

  test('are read from a target that is no valid URL without a fault', async () => {
    const raw = await rawExchange(app, requestHead('GET http://[/query?a=1', ['connection: close']));
    assert.doesNotMatch(raw, /^HTTP\/1\.1 5/);
  });
});

describe('the request id', () => {
  test('of the caller is kept when it is a plain one', async () => {
    for (const id of ['req_01h455vb4pex5vsknk084sn02q', 'abcdefgh', 'A-b_9'.repeat(12)]) {
      const answer = await supertest(app.server.url).get('/nothing').set('x-request-id', id);
      assert.equal(answer.headers['x-request-id'], id);
      assert.equal(answer.body.request_id, id);
    }
  });

  test('is made when there is none, another each time', async () => {
    const ids = await Promise.all(
      [1, 2].map(async () => (await supertest(app.server.url).get('/nothing')).headers['x-request-id']),
    );
    for (const id of ids) assert.match(String(id), /^req_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
    assert.notEqual(ids[0], ids[1]);
  });

  test('is replaced when it is hostile', async () => {
    const hostile = [
      'short',
      'x'.repeat(65),
      '<script>alert(1)</script>',
      'a b c d e f',
      'abcdefgh;drop',
      '../../etc/passwd',
      'é'.repeat(8),
    ];
    for (const id of hostile) {
      const raw = await rawExchange(
        app,
        requestHead('GET /nothing', [`x-request-id: ${id}`, 'connection: close']),
      );
      assert.match(raw, /\r\nx-request-id: req_[0-9a-z]{26}\r\n/i, id);
      assert.ok(!raw.includes(id));
    }
    const two = await rawExchange(
      app,
      requestHead('GET /nothing', ['x-request-id: abcdefgh', 'x-request-id: ijklmnop', 'connection: close']),
    );
    assert.match(two, /\r\nx-request-id: req_[0-9a-z]{26}\r\n/i);
  });
});

describe('an identity', () => {
  let gateway: Signer;
  before(() => {
    gateway = createSigner('api-gateway', app.privateKeys['api-gateway'] ?? '');
  });

  test('that the gateway vouched for is taken, with the address it saw', async () => {
    const answer = await supertest(app.server.url)
      .get('/me')
      .set('x-centra-identity', gateway.identityToken('kit', identity))
      .set('x-centra-client-address', '203.0.113.9');
    assert.deepEqual(answer.body, { ...identity, address: '203.0.113.9' });
  });

  test('that is missing or not for this service is 401', async () => {
    await refused(supertest(app.server.url).get('/me'), 'unauthenticated');
    for (const token of ['garbage', gateway.identityToken('auth', identity), gateway.serviceToken('kit')])
      await refused(supertest(app.server.url).get('/me').set('x-centra-identity', token), 'unauthenticated');
    await refused(
      supertest(app.server.url)
        .get('/me')
        .set('authorization', `Bearer ${gateway.identityToken('kit', identity)}`),
      'unauthenticated',
    );
  });

  test('without the scope is 403 that names it', async () => {
    const answer = await refused(
      supertest(app.server.url)
        .get('/write')
        .set('x-centra-identity', gateway.identityToken('kit', identity)),
      'forbidden',
    );
    assert.equal(answer.body.required_scope, 'rooms:write');
  });
});

describe('a failure', () => {
  test('of a request without a body keeps the connection for the next one', async () => {
    const raw = await rawExchange(
      app,
      requestHead('GET /nothing', []) +
        requestHead('GET /fail/bug', []) +
        requestHead('GET /query', ['connection: close']),
    );
    assert.deepEqual(raw.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 404', 'HTTP/1.1 500', 'HTTP/1.1 200']);
  });

  test('that is a refusal says what is public, and when to come back', async () => {
    const answer = await refused(supertest(app.server.url).get('/fail/refusal'), 'state_conflict');
    assert.equal(answer.body.detail, 'It is taken.');
    assert.equal(answer.headers['retry-after'], '7');
  });

  test('that is a bug is 500, logged with its request id, and says nothing of its cause', async () => {
    for (const kind of ['bug', 'internal', 'database-statement']) {
      const loggedBefore = app.logged.length;
      const answer = await refused(supertest(app.server.url).get(`/fail/${kind}`), 'internal');
      assert.deepEqual(Object.keys(answer.body).toSorted(), [
        'code',
        'request_id',
        'status',
        'title',
        'type',
      ]);
      assert.doesNotMatch(
        JSON.stringify([answer.text, answer.headers]),
        /secret_table|db-1|TypeError|\.ts|node_modules/,
      );
      assert.equal(app.logged.length, loggedBefore + 1);
      assert.equal(app.logged.at(-1)?.['requestId'], answer.body.request_id);
    }
  });

  test('of the database to be there is 503 that may be tried again', async () => {
    for (const kind of ['database-stopping', 'database-refused']) {
      const answer = await refused(supertest(app.server.url).get(`/fail/${kind}`), 'unavailable');
      assert.equal(answer.headers['retry-after'], '1');
      assert.doesNotMatch(answer.text, /secret_table|db-1/);
    }
  });

  test('after half of an answer cuts the connection, so that nobody takes it for whole', async () => {
    const loggedBefore = app.logged.length;
    await assert.rejects(supertest(app.server.url).get('/fail-late'), /aborted|socket hang up/);
    assert.equal(app.logged.length, loggedBefore + 1);
  });

  test('to find a route, or to read a path, is 404 or 400, never 500', async () => {
    for (const path of ['/', '/nothing', '/rooms', '/rooms/1/2', '/ECHO/x', '/echo%2f', '/;/echo'])
      await refused(supertest(app.server.url).get(path), 'not_found');
    for (const path of ['/rooms/%', '/rooms/%zz', '/rooms/%ff'])
      await refused(supertest(app.server.url).get(path), 'malformed_request');
  });
});

test('durations are counted by route pattern, never by raw path', async () => {
  await supertest(app.server.url).get('/rooms/room-with-its-own-name');
  await supertest(app.server.url).get('/path-that-nobody-serves');
  const text = await app.metrics.registry.metrics();
  assert.match(text, /centra_request_duration_seconds_count\{[^}]*route="\/rooms\/:id"[^}]*\} \d+/);
  assert.match(text, /route="unmatched"/);
  assert.doesNotMatch(text, /room-with-its-own-name|path-that-nobody-serves/);
});

test('a handler without the middleware it needs fails as a bug', () => {
  const request: express.Request = Object.create(express.request);
  assert.throws(() => contextOf(request), /requestContext/);
  assert.throws(() => identityOf(request), /requestContext/);
});
