import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import express from 'express';
import { DatabaseError } from 'pg';
import supertest from 'supertest';
import { z } from 'zod';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import { AppError, ERRORS } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import {
  BODY_MAX_BYTES,
  contextOf,
  identityOf,
  jsonBody,
  notFound,
  parseWith,
  problemErrors,
  queryOf,
  requestContext,
  requireIdentity,
} from './http.ts';
import { listen } from './listen.ts';
import type { Listening } from './listen.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createSigner, createVerifier, readTrustedKeys } from './service-identity.ts';
import type { Identity } from './service-identity.ts';

const CARD = '4242424242424242';
const INTERNAL = 'relation "secret_table" does not exist at db-1.internal';
const keys = createServiceKeys();
const metrics = createMetrics('kit');
const identity: Identity = {
  merchantId: '01890a5d-ac96-774b-bcce-b302099a8057',
  mode: 'live',
  actor: 'api_key:key_01h455vb4pex5vsknk084sn02q',
  scopes: ['rooms:read'],
};
const logged: Record<string, unknown>[] = [];
let server: Listening;

before(async () => {
  const log = createLog('kit', 'silent');
  log.error = (fields: unknown) => void logged.push(Object(fields));
  server = await listen(createApp(log), { host: '127.0.0.1', port: 0 });
});
after(() => server.close());

function createApp(log: ReturnType<typeof createLog>): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(requestContext(metrics));
  const verifier = createVerifier('kit', readTrustedKeys(keys.trustedKeys));
  app.post('/echo', jsonBody(), (request, response) => void response.json({ got: request.body }));
  app.post('/rooms', jsonBody(), (request, response) => void response.json(parseWith(roomSchema, request.body)));
  app.get('/query', (request, response) => void response.json(queryOf(request)));
  app.get('/rooms/:id', (request, response) => void response.json({ id: request.params.id }));
  app.get('/me', requireIdentity(verifier, 'rooms:read'), (request, response) => {
    response.json({ ...identityOf(request), address: contextOf(request).address });
  });
  app.get('/write', requireIdentity(verifier, 'rooms:write'), (_request, response) => void response.json({}));
  app.get('/fail/:kind', (request) => {
    throw failures[request.params.kind] ?? new Error('unknown kind');
  });
  app.get('/fail-late', async (_request, response) => {
    response.write('half of an answer');
    throw new Error(INTERNAL);
  });
  app.use(notFound());
  app.use(problemErrors(log));
  return app;
}

const roomSchema = z.strictObject({ number: z.int().min(1), floor: z.strictObject({ level: z.int() }).optional() });
const failures: Record<string, Error> = {
  bug: new TypeError(INTERNAL, { cause: new Error(INTERNAL) }),
  refusal: new AppError('state_conflict', { detail: 'It is taken.', internal: INTERNAL, retryAfterSeconds: 7 }),
  internal: new AppError('internal', { internal: INTERNAL }),
  'database-stopping': Object.assign(new DatabaseError(INTERNAL, 1, 'error'), { code: '57P01' }),
  'database-refused': Object.assign(new Error(INTERNAL), { code: 'ECONNREFUSED' }),
  'database-statement': Object.assign(new DatabaseError(INTERNAL, 1, 'error'), { code: '42P01' }),
};

describe('a JSON body', () => {
  test('is taken as application/json in UTF-8, in every spelling of that', async () => {
    for (const type of ['application/json', 'Application/JSON', 'application/json;charset=utf-8', 'application/json; charset="UTF-8"']) {
      const answer = await post('/echo', '{"a":"é"}', { 'content-type': type });
      assert.deepEqual([answer.status, answer.body], [200, { got: { a: 'é' } }], type);
    }
    const identityEncoded = await post('/echo', '1', { 'content-encoding': 'identity' });
    assert.equal(identityEncoded.status, 200);
  });

  test('of another type or charset is 415', async () => {
    const types = ['', 'text/plain', 'application/jsonx', 'application/json, text/plain', 'application/problem+json', 'multipart/form-data; boundary=x'];
    for (const type of [...types, 'application/json; charset=latin1', 'application/json; charset=utf-16', 'text/json', 'application/json; x=y'])
      await refused(post('/echo', '{}', { 'content-type': type }), 'unsupported_media_type');
  });

  test('with any content encoding is 415', async () => {
    for (const encoding of ['gzip', 'br', 'deflate', 'gzip, identity', 'x'])
      await refused(post('/echo', '{}', { 'content-encoding': encoding }), 'unsupported_media_type');
  });

  test('that is absent, empty, malformed or no UTF-8 is 400', async () => {
    for (const body of ['', '{', '{"a":1,"a":2}', '{"__proto__":1}', '\ufeff{}', Buffer.from([0x22, 0xff, 0x22])])
      await refused(post('/echo', body), 'malformed_json');
    assert.equal(Reflect.get({}, 'isAdmin'), undefined);
  });

  test('of the largest allowed size is read whole, in one piece and in many', async () => {
    const text = JSON.stringify('x'.repeat(BODY_MAX_BYTES - 2));
    assert.equal((await post('/echo', text)).status, 200);
    const raw = await rawExchange(chunkedRequest('/echo', Array.from({ length: 256 }, () => ' '.repeat(1023)).concat('1')));
    assert.match(raw, /^HTTP\/1\.1 200 /);
  });

  test('that announces one byte more is 413 before it is sent', async () => {
    const head = requestHead('POST /echo', ['content-type: application/json', `content-length: ${BODY_MAX_BYTES + 1}`]);
    const raw = await rawExchange(head);
    assert.match(raw, /^HTTP\/1\.1 413 /);
    assert.match(raw, /connection: close/i);
    assert.match(raw, /"code":"payload_too_large"/);
  });

  test('that grows past the limit in chunks is 413, and the connection carries no other request', async () => {
    const chunks = Array.from({ length: 300 }, () => ' '.repeat(1024));
    const raw = await rawExchange(chunkedRequest('/echo', chunks) + requestHead('GET /query', []));
    assert.match(raw, /^HTTP\/1\.1 413 /);
    assert.match(raw, /connection: close/i);
    assert.equal(raw.match(/HTTP\/1\.1 /g)?.length, 1);
  });

  test('far too large is 413 for a sender that writes it all before it reads', async () => {
    const raw = await rawExchange(chunkedRequest('/echo', Array.from({ length: 160 }, () => ' '.repeat(64 * 1024))));
    assert.match(raw, /^HTTP\/1\.1 413 /);
    const answer = await post('/echo', Buffer.alloc(10 * 1024 * 1024, ' '), { 'content-length': String(10 * 1024 * 1024) });
    assert.equal(answer.status, 413);
  });

  test('whose sender goes away half-way is nobody’s alarm', async () => {
    const before = logged.length;
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(requestHead('POST /echo', ['content-type: application/json', 'content-length: 100']) + '{"a":');
    const answered = once(socket, 'close');
    socket.destroy();
    await answered;
    // A request that follows is answered after the server has seen the end of the first.
    for (let round = 0; round < 5; round += 1) assert.equal((await post('/echo', '1')).status, 200);
    assert.equal(logged.length, before);
  });

  test('with card data is 422, and the value is nowhere in the answer', async () => {
    for (const body of [{ note: `pan ${CARD}` }, { [CARD]: 1 }, { a: Number(CARD) }, { cvv: '123' }]) {
      const answer = await refused(post('/echo', JSON.stringify(body)), 'card_data_not_allowed');
      assert.doesNotMatch(answer.text, /4242|123/);
    }
    const twice = await refused(post('/echo', `{"${CARD}":1,"${CARD}":2}`), 'malformed_json');
    assert.doesNotMatch(twice.text, /4242/);
  });
});

describe('fields that are not valid', () => {
  test('are named with their path and reason', async () => {
    const answer = await refused(post('/rooms', '{"number":0,"floor":{"level":"x","status":1},"hotel_id":"h"}'), 'validation_failed');
    const fields = answer.body.errors.map(({ field }: { field: string }) => field);
    assert.deepEqual(fields.toSorted(), ['floor.level', 'floor.status', 'hotel_id', 'number']);
  });

  test('of a body that is no object are called body', async () => {
    const answer = await refused(post('/rooms', '[]'), 'validation_failed');
    assert.equal(answer.body.errors[0].field, 'body');
  });

  test('are named at most 20 times, in bounded length', async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`unknown_${index}`, 1]));
    const answer = await refused(post('/rooms', JSON.stringify({ number: 1, ...many })), 'validation_failed');
    assert.equal(answer.body.errors.length, 20);
    const long = await refused(post('/rooms', JSON.stringify({ number: 1, ['k'.repeat(200_000)]: 1 })), 'validation_failed');
    assert.ok(long.text.length < 2_000);
  });
});

describe('query parameters', () => {
  test('arrive decoded, each once', async () => {
    const answer = await supertest(server.url).get('/query?limit=20&cursor=a%20b%2Bc&empty=');
    assert.deepEqual(answer.body, { limit: '20', cursor: 'a b+c', empty: '' });
    assert.deepEqual((await supertest(server.url).get('/query')).body, {});
  });

  test('given twice are 400, in any spelling', async () => {
    for (const query of ['a=1&a=2', 'a=1&a=1', 'a=1&%61=2', 'a&a', '__proto__=1&__proto__=2'])
      await refused(supertest(server.url).get(`/query?${query}`), 'validation_failed');
  });

  test('that reach the prototype are 400, not lost', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', '%5f_proto__'])
      await refused(supertest(server.url).get(`/query?${name}=1`), 'validation_failed');
  });

  test('with NUL, which no column of ours can hold, are 400', async () => {
    await refused(supertest(server.url).get('/query?a=%00'), 'validation_failed');
    await refused(supertest(server.url).get('/query?%00=a'), 'validation_failed');
  });

  test('with card data are 422, and the value is nowhere in the answer', async () => {
    for (const query of [`note=${CARD}`, `${CARD}=1`, `${CARD}=1&${CARD}=2`, 'card_number=']) {
      const answer = await refused(supertest(server.url).get(`/query?${query}`), 'card_data_not_allowed');
      assert.doesNotMatch(answer.text, /4242/);
    }
  });

  test('are read from a target that is no valid URL without a fault', async () => {
    const raw = await rawExchange(requestHead('GET http://[/query?a=1', ['connection: close']));
    assert.doesNotMatch(raw, /^HTTP\/1\.1 5/);
  });
});

describe('the request id', () => {
  test('of the caller is kept when it is a plain one', async () => {
    for (const id of ['req_01h455vb4pex5vsknk084sn02q', 'abcdefgh', 'A-b_9'.repeat(12)]) {
      const answer = await supertest(server.url).get('/nothing').set('x-request-id', id);
      assert.equal(answer.headers['x-request-id'], id);
      assert.equal(answer.body.request_id, id);
    }
  });

  test('is made when there is none, another each time', async () => {
    const ids = await Promise.all([1, 2].map(async () => (await supertest(server.url).get('/nothing')).headers['x-request-id']));
    for (const id of ids) assert.match(String(id), /^req_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
    assert.notEqual(ids[0], ids[1]);
  });

  test('is replaced when it is hostile', async () => {
    const hostile = ['short', 'x'.repeat(65), '<script>alert(1)</script>', 'a b c d e f', 'abcdefgh;drop', '../../etc/passwd', 'é'.repeat(8)];
    for (const id of hostile) {
      const raw = await rawExchange(requestHead('GET /nothing', [`x-request-id: ${id}`, 'connection: close']));
      assert.match(raw, /\r\nx-request-id: req_[0-9a-z]{26}\r\n/i, id);
      assert.ok(!raw.includes(id));
    }
    const two = await rawExchange(requestHead('GET /nothing', ['x-request-id: abcdefgh', 'x-request-id: ijklmnop', 'connection: close']));
    assert.match(two, /\r\nx-request-id: req_[0-9a-z]{26}\r\n/i);
  });
});

describe('an identity', () => {
  const gateway = createSigner('api-gateway', keys.privateKeys['api-gateway'] ?? '');

  test('that the gateway vouched for is taken, with the address it saw', async () => {
    const answer = await supertest(server.url)
      .get('/me')
      .set('x-centra-identity', gateway.identityToken('kit', identity))
      .set('x-centra-client-address', '203.0.113.9');
    assert.deepEqual(answer.body, { ...identity, address: '203.0.113.9' });
  });

  test('that is missing or not for this service is 401', async () => {
    await refused(supertest(server.url).get('/me'), 'unauthenticated');
    for (const token of ['garbage', gateway.identityToken('auth', identity), gateway.serviceToken('kit')])
      await refused(supertest(server.url).get('/me').set('x-centra-identity', token), 'unauthenticated');
    await refused(supertest(server.url).get('/me').set('authorization', `Bearer ${gateway.identityToken('kit', identity)}`), 'unauthenticated');
  });

  test('without the scope is 403 that names it', async () => {
    const answer = await refused(
      supertest(server.url).get('/write').set('x-centra-identity', gateway.identityToken('kit', identity)),
      'forbidden',
    );
    assert.equal(answer.body.required_scope, 'rooms:write');
  });
});

describe('a failure', () => {
  test('of a request without a body keeps the connection for the next one', async () => {
    const raw = await rawExchange(requestHead('GET /nothing', []) + requestHead('GET /fail/bug', []) + requestHead('GET /query', ['connection: close']));
    assert.deepEqual(raw.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 404', 'HTTP/1.1 500', 'HTTP/1.1 200']);
  });

  test('that is a refusal says what is public, and when to come back', async () => {
    const answer = await refused(supertest(server.url).get('/fail/refusal'), 'state_conflict');
    assert.equal(answer.body.detail, 'It is taken.');
    assert.equal(answer.headers['retry-after'], '7');
  });

  test('that is a bug is 500, logged with its request id, and says nothing of its cause', async () => {
    for (const kind of ['bug', 'internal', 'database-statement']) {
      const before = logged.length;
      const answer = await refused(supertest(server.url).get(`/fail/${kind}`), 'internal');
      assert.deepEqual(Object.keys(answer.body).toSorted(), ['code', 'request_id', 'status', 'title', 'type']);
      assert.doesNotMatch(JSON.stringify([answer.text, answer.headers]), /secret_table|db-1|TypeError|\.ts|node_modules/);
      assert.equal(logged.length, before + 1);
      assert.equal(logged.at(-1)?.['requestId'], answer.body.request_id);
    }
  });

  test('of the database to be there is 503 that may be tried again', async () => {
    for (const kind of ['database-stopping', 'database-refused']) {
      const answer = await refused(supertest(server.url).get(`/fail/${kind}`), 'unavailable');
      assert.equal(answer.headers['retry-after'], '1');
      assert.doesNotMatch(answer.text, /secret_table|db-1/);
    }
  });

  test('after half of an answer cuts the connection, so that nobody takes it for whole', async () => {
    const before = logged.length;
    await assert.rejects(supertest(server.url).get('/fail-late'), /aborted|socket hang up/);
    assert.equal(logged.length, before + 1);
  });

  test('to find a route, or to read a path, is 404 or 400, never 500', async () => {
    for (const path of ['/', '/nothing', '/rooms', '/rooms/1/2', '/ECHO/x', '/echo%2f', '/;/echo'])
      await refused(supertest(server.url).get(path), 'not_found');
    for (const path of ['/rooms/%', '/rooms/%zz', '/rooms/%ff'])
      await refused(supertest(server.url).get(path), 'malformed_request');
  });
});

test('durations are counted by route pattern, never by raw path', async () => {
  await supertest(server.url).get('/rooms/room-with-its-own-name');
  await supertest(server.url).get('/path-that-nobody-serves');
  const text = await metrics.registry.metrics();
  assert.match(text, /centra_request_duration_seconds_count\{[^}]*route="\/rooms\/:id"[^}]*\} \d+/);
  assert.match(text, /route="unmatched"/);
  assert.doesNotMatch(text, /room-with-its-own-name|path-that-nobody-serves/);
});

test('a handler without the middleware it needs fails as a bug', () => {
  const request: express.Request = Object.create(express.request);
  assert.throws(() => contextOf(request), /requestContext/);
  assert.throws(() => identityOf(request), /requestContext/);
});

function post(path: string, body: string | Buffer, headers: Record<string, string> = {}): supertest.Test {
  const request = supertest(server.url).post(path).set({ 'content-type': 'application/json', ...headers });
  // As bytes: text would be serialised by its content type.
  request.write(body);
  return request;
}

async function refused(request: supertest.Test, code: ErrorCode): Promise<supertest.Response> {
  const answer = await request;
  assert.equal(answer.body.code, code, answer.text);
  assert.equal(answer.status, ERRORS[code].http);
  assert.equal(answer.body.status, answer.status);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.body.request_id, answer.headers['x-request-id']);
  return answer;
}

function requestHead(line: string, headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, 'host: kit.test', ...headers, '', ''].join('\r\n');
}

function chunkedRequest(path: string, chunks: readonly string[]): string {
  const head = requestHead(`POST ${path}`, ['content-type: application/json', 'transfer-encoding: chunked', 'connection: close']);
  return `${head}${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`;
}

/** Sends bytes as they are and reads until the server closes. */
async function rawExchange(bytes: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  // A server that closes while we still write resets the connection; what it said before counts.
  socket.on('error', () => {});
  socket.setTimeout(60_000, () => socket.destroy());
  socket.write(Buffer.from(bytes));
  await once(socket, 'close');
  return answer;
}
