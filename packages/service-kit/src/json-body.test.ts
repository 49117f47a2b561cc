import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { BODY_MAX_BYTES } from './http.ts';
import { CARD, chunkedRequest, post, rawExchange, refused, requestHead, startTestApp } from './test-app.ts';
import type { TestApp } from './test-app.ts';

let app: TestApp;
before(async () => {
  app = await startTestApp();
});
after(() => app.server.close());

describe('a JSON body', () => {
  test('is taken as application/json in UTF-8, in every spelling of that', async () => {
    for (const type of [
      'application/json',
      'Application/JSON',
      'application/json;charset=utf-8',
      'application/json; charset="UTF-8"',
    ]) {
      const answer = await post(app, '/echo', '{"a":"é"}', { 'content-type': type });
      assert.deepEqual([answer.status, answer.body], [200, { got: { a: 'é' } }], type);
    }
    const identityEncoded = await post(app, '/echo', '1', { 'content-encoding': 'identity' });
    assert.equal(identityEncoded.status, 200);
  });

  test('of another type or charset is 415', async () => {
    const types = [
      '',
      'text/plain',
      'application/jsonx',
      'application/json, text/plain',
      'application/problem+json',
      'multipart/form-data; boundary=x',
    ];
    for (const type of [
      ...types,
      'application/json; charset=latin1',
      'application/json; charset=utf-16',
      'text/json',
      'application/json; x=y',
    ])
      await refused(post(app, '/echo', '{}', { 'content-type': type }), 'unsupported_media_type');
  });

  test('with any content encoding is 415', async () => {
    for (const encoding of ['gzip', 'br', 'deflate', 'gzip, identity', 'x'])
      await refused(post(app, '/echo', '{}', { 'content-encoding': encoding }), 'unsupported_media_type');
  });

  test('that is absent, empty, malformed or no UTF-8 is 400', async () => {
    for (const body of [
      '',
      '{',
      '{"a":1,"a":2}',
      '{"__proto__":1}',
      '\ufeff{}',
      Buffer.from([0x22, 0xff, 0x22]),
    ])
      await refused(post(app, '/echo', body), 'malformed_json');
    assert.equal(Reflect.get({}, 'isAdmin'), undefined);
  });

  test('of the largest allowed size is read whole, in one piece and in many', async () => {
    const text = JSON.stringify('x'.repeat(BODY_MAX_BYTES - 2));
    assert.equal((await post(app, '/echo', text)).status, 200);
    const raw = await rawExchange(
      app,
      chunkedRequest('/echo', Array.from({ length: 256 }, () => ' '.repeat(1023)).concat('1')),
    );
    assert.match(raw, /^HTTP\/1\.1 200 /);
  });

  test('that announces one byte more is 413 before it is sent', async () => {
    const head = requestHead('POST /echo', [
      'content-type: application/json',
      `content-length: ${BODY_MAX_BYTES + 1}`,
    ]);
    const raw = await rawExchange(app, head);
    assert.match(raw, /^HTTP\/1\.1 413 /);
    assert.match(raw, /connection: close/i);
    assert.match(raw, /"code":"payload_too_large"/);
  });

  test('that grows past the limit in chunks is 413, and the connection carries no other request', async () => {
    const chunks = Array.from({ length: 300 }, () => ' '.repeat(1024));
    const raw = await rawExchange(app, chunkedRequest('/echo', chunks) + requestHead('GET /query', []));
    assert.match(raw, /^HTTP\/1\.1 413 /);
    assert.match(raw, /connection: close/i);
    assert.equal(raw.match(/HTTP\/1\.1 /g)?.length, 1);
  });

  test('far too large is 413 for a sender that writes it all before it reads', async () => {
    const raw = await rawExchange(
      app,
      chunkedRequest(
        '/echo',
        Array.from({ length: 160 }, () => ' '.repeat(64 * 1024)),
      ),
    );
    assert.match(raw, /^HTTP\/1\.1 413 /);
    const answer = await post(app, '/echo', Buffer.alloc(10 * 1024 * 1024, ' '), {
      'content-length': String(10 * 1024 * 1024),
    });
    assert.equal(answer.status, 413);
  });

  test('whose sender goes away half-way is nobody’s alarm', async () => {
    const loggedBefore = app.logged.length;
    const socket = connect(app.server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      requestHead('POST /echo', ['content-type: application/json', 'content-length: 100']) + '{"a":',
    );
    const answered = once(socket, 'close');
    socket.destroy();
    await answered;
    // A request that follows is answered after the server has seen the end of the first.
    for (let round = 0; round < 5; round += 1) assert.equal((await post(app, '/echo', '1')).status, 200);
    assert.equal(app.logged.length, loggedBefore);
  });

  test('with card data is 422, and the value is nowhere in the answer', async () => {
    for (const body of [{ note: `pan ${CARD}` }, { [CARD]: 1 }, { a: Number(CARD) }, { cvv: '123' }]) {
      const answer = await refused(post(app, '/echo', JSON.stringify(body)), 'card_data_not_allowed');
      assert.doesNotMatch(answer.text, /4242|123/);
    }
    const twice = await refused(post(app, '/echo', `{"${CARD}":1,"${CARD}":2}`), 'malformed_json');
    assert.doesNotMatch(twice.text, /4242/);
  });
});

describe('fields that are not valid', () => {
  test('are named with their path and reason', async () => {
    const answer = await refused(
      post(app, '/rooms', '{"number":0,"floor":{"level":"x","status":1},"hotel_id":"h"}'),
      'validation_failed',
    );
    const fields = answer.body.errors.map(({ field }: { field: string }) => field);
    assert.deepEqual(fields.toSorted(), ['floor.level', 'floor.status', 'hotel_id', 'number']);
  });

  test('of a body that is no object are called body', async () => {
    const answer = await refused(post(app, '/rooms', '[]'), 'validation_failed');
    assert.equal(answer.body.errors[0].field, 'body');
  });

  test('are named at most 20 times, in bounded length', async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`unknown_${index}`, 1]));
    const answer = await refused(
      post(app, '/rooms', JSON.stringify({ number: 1, ...many })),
      'validation_failed',
    );
    assert.equal(answer.body.errors.length, 20);
    const long = await refused(
      post(app, '/rooms', JSON.stringify({ number: 1, ['k'.repeat(200_000)]: 1 })),
      'validation_failed',
    );
    assert.ok(long.text.length < 2_000);
  });
});
