import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Answer, Bench } from '../test-bench.ts';
import { startBench, startTarget } from '../test-bench.ts';

const HARD_NAME = `O'Brien & Søn "x" 100%`;

function send(
  bench: Bench,
  token: string,
  url: string,
  {
    body = '',
    headers = [],
    method = 'post',
  }: { body?: string | Buffer; headers?: string[]; method?: string } = {},
): Promise<Answer> {
  const query = new URLSearchParams({ api_key: bench.apiKey, method, url });
  return bench.http('POST', `${bench.url}/api/v1/cards/${token}/send?${query.toString()}`, body, headers);
}

async function sentBody(
  t: TestContext,
  contentType: string,
  body: string,
  name = HARD_NAME,
): Promise<string> {
  const bench = await startBench(t);
  const target = await startTarget(t);
  const token = await bench.card({ cardholder_name: name });
  assert.equal(
    (await send(bench, token, target.url, { body, headers: ['content-type', contentType] })).status,
    200,
  );
  return target.received[0]?.body.toString('utf8') ?? '';
}

test('the seven drop-ins of a form body are filled and percent-encoded, and nothing else is touched', async (t) => {
  const body =
    'card[number]=%CARD_NUMBER%&card[exp_month]=%EXPIRATION_MM%&card[exp_year]=%EXPIRATION_YYYY%&yy=%EXPIRATION_YY%' +
    '&card[cvc]=%SERVICE_CODE%&name=%CARDHOLDER_NAME%&type=%CARD_TYPE%' +
    '&not=%EXPIRATION_MONTH%&nor=%EXPIRATION_YEAR%&escaped=%25CARD_NUMBER%25&lower=%card_number%&amp=%26';
  const got = await sentBody(t, 'application/x-www-form-urlencoded', body);
  const encoded = encodeURIComponent(HARD_NAME);
  assert.equal(
    got,
    'card[number]=4111111111111111&card[exp_month]=09&card[exp_year]=2048&yy=48' +
      `&card[cvc]=123&name=${encoded}&type=visa` +
      '&not=%EXPIRATION_MONTH%&nor=%EXPIRATION_YEAR%&escaped=%25CARD_NUMBER%25&lower=%card_number%&amp=%26',
  );
  assert.equal(new URLSearchParams(got.slice(0, got.indexOf('&not'))).get('name'), HARD_NAME);
});

test('drop-ins of a JSON body are escaped as JSON, so that any name arrives as it is', async (t) => {
  const body =
    '{"number":"%CARD_NUMBER%","holder":"%CARDHOLDER_NAME%","exp":"%EXPIRATION_MM%/%EXPIRATION_YY%"}';
  const got = await sentBody(t, 'application/json; charset=utf-8', body);
  assert.deepEqual(JSON.parse(got), { number: '4111111111111111', holder: HARD_NAME, exp: '09/48' });
});

test('drop-ins of another media type are filled raw, and a name that spells a drop-in is not filled again', async (t) => {
  const got = await sentBody(t, 'text/plain', 'a %CARDHOLDER_NAME% b', '%CARD_NUMBER%');
  assert.equal(got, 'a %CARD_NUMBER% b');
});

test('request headers reach the target unchanged except those of the connection', async (t) => {
  const bench = await startBench(t);
  const target = await startTarget(t);
  const headers = [
    'Authorization',
    'Bearer sk_test',
    'Idempotency-Key',
    'op_1',
    'X-Twice',
    'a',
    'X-Twice',
    'b',
  ];
  const hop = ['TE', 'trailers', 'Proxy-Authorization', 'Basic x', 'Content-Type', 'application/json'];
  const answer = await send(bench, await bench.card(), `${target.url}/v1/charge?expand=a&b=%CARD_NUMBER%`, {
    body: '{}',
    headers: [...headers, ...hop],
    method: 'put',
  });
  assert.equal(answer.status, 200);
  const got = target.received[0];
  assert.equal(got?.method, 'PUT');
  assert.equal(got.url, '/v1/charge?expand=a&b=%CARD_NUMBER%');
  assert.equal(got.headers.host, new URL(target.url).host);
  assert.equal(got.headers['content-length'], '2');
  assert.equal(got.headers.te, undefined);
  assert.equal(got.headers['proxy-authorization'], undefined);
  const raw = got.rawHeaders.map((name, at) => `${name}: ${got.rawHeaders[at + 1] ?? ''}`);
  for (const line of ['Authorization: Bearer sk_test', 'Idempotency-Key: op_1', 'X-Twice: a', 'X-Twice: b']) {
    assert.ok(raw.includes(line), line);
  }
});

test('the status, headers and body of the target come back verbatim, a refusal and a redirect too', async (t) => {
  const bench = await startBench(t);
  const token = await bench.card();
  const body = JSON.stringify({ error: { code: 'card_declined' } });
  for (const status of [200, 201, 302, 402, 404, 500, 503]) {
    const target = await startTarget(t, (_req, res) => {
      res.writeHead(status, 'As Told', {
        'content-type': 'application/json; x=1',
        'request-id': 'req_1',
        'set-cookie': ['a=1', 'b=2'],
        location: 'https://elsewhere.example/',
        date: 'Tue, 01 Jan 2030 00:00:00 GMT',
      });
      res.end(body);
    });
    const answer = await send(bench, token, target.url, { body: '{}' });
    assert.equal(answer.status, status);
    assert.equal(answer.text, body);
    assert.equal(answer.headers['content-type'], 'application/json; x=1');
    assert.equal(answer.headers['request-id'], 'req_1');
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal(answer.headers.date, 'Tue, 01 Jan 2030 00:00:00 GMT');
    assert.equal(target.received.length, 1, 'a redirect is not followed');
  }
});

test('binary bodies pass both ways byte for byte', async (t) => {
  const bench = await startBench(t);
  const up = randomBytes(100_000);
  const down = gzipSync(randomBytes(50_000));
  const target = await startTarget(t, (_req, res) => {
    res.setHeader('content-encoding', 'gzip');
    res.end(down);
  });
  const answer = await send(bench, await bench.card(), target.url, { body: up });
  assert.ok(target.received[0]?.body.equals(up));
  assert.ok(answer.bytes.equals(down));
});

test('a compressed body is forwarded as it is', async (t) => {
  const bench = await startBench(t);
  const target = await startTarget(t);
  const body = gzipSync('n=%CARD_NUMBER%');
  await send(bench, await bench.card(), target.url, { body, headers: ['content-encoding', 'gzip'] });
  assert.ok(target.received[0]?.body.equals(body));
  assert.equal(target.received[0]?.headers['content-encoding'], 'gzip');
});

test('the CVV stays after a send and is an empty string once authorize wiped it', async (t) => {
  const bench = await startBench(t);
  const target = await startTarget(t);
  const token = await bench.card();
  const form = {
    body: 'cvc=%SERVICE_CODE%&x=1',
    headers: ['content-type', 'application/x-www-form-urlencoded'],
  };
  await send(bench, token, target.url, form);
  await send(bench, token, target.url, form);
  await bench.api('POST', `/cards/${token}/authorize`);
  await send(bench, token, target.url, form);
  assert.deepEqual(
    target.received.map((received) => received.body.toString()),
    ['cvc=123&x=1', 'cvc=123&x=1', 'cvc=&x=1'],
  );
});

test('the journal keeps what was sent where, and no body', async (t) => {
  const bench = await startBench(t);
  const target = await startTarget(t, (_req, res) => void res.writeHead(402).end('no'));
  const token = await bench.card();
  const headers = ['idempotency-key', 'op_7', 'content-type', 'text/plain'];
  await send(bench, token, `${target.url}/v1/payment_methods?secret=1`, {
    body: 'marker-of-the-body',
    headers,
  });
  const [sent, ...more] = await bench.effects('card.sent');
  assert.equal(more.length, 0);
  const { seq: _seq, at: _at, ...fields } = sent ?? { seq: 0, at: '' };
  assert.deepEqual(fields, {
    kind: 'effect',
    effect: 'card.sent',
    account: bench.accountId,
    token,
    method: 'POST',
    host: new URL(target.url).host,
    path: '/v1/payment_methods',
    inner_status: 402,
    idempotency_key: 'op_7',
  });
  const text = JSON.stringify(await bench.journal());
  assert.equal(text.includes('marker-of-the-body'), false);
  assert.equal(text.includes('secret=1'), false);
  assert.equal(text.includes(bench.apiKey), false);
});

test('method and url are required, once each, and must be usable', async (t) => {
  const bench = await startBench(t);
  const token = await bench.card();
  const base = `${bench.url}/api/v1/cards/${token}/send?api_key=${bench.apiKey}`;
  for (const query of [
    '&method=post',
    '&url=https://a.example/',
    '&method=brew&url=https://a.example/',
    '&method=post&method=get&url=https://a.example/',
    '&method=post&url=nonsense',
    '&method=post&url=http://a.example/',
    '&method=post&url=ftp://a.example/',
    '&method=post&url=https://10.0.0.1/',
    '&method=post&url=http://169.254.169.254/',
  ]) {
    const answer = await bench.http('POST', base + query, '{}');
    assert.equal(answer.status, 400, query);
    assert.match(answer.text, /"code":"bad_request"/);
  }
  assert.equal((await bench.effects('card.sent')).length, 0);
});

test('an unreachable target answers 502 and one that hangs up after acting too', async (t) => {
  const bench = await startBench(t);
  const token = await bench.card();
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const address = closed.address();
  assert.ok(typeof address === 'object' && address !== null);
  closed.close();
  const refused = await send(bench, token, `http://127.0.0.1:${address.port}/`);
  assert.equal(refused.status, 502);
  assert.deepEqual(refused.json(), { errors: { code: 'bad_gateway', title: 'The target is unreachable' } });

  const target = await startTarget(t, (req) => void req.socket.destroy());
  assert.equal((await send(bench, token, target.url)).status, 502);
  assert.equal(target.received.length, 1);
  const sent = await bench.effects('card.sent');
  assert.deepEqual(
    sent.map((entry) => [entry.inner_status, entry.failure]),
    [
      [null, 'bad_gateway'],
      [null, 'bad_gateway'],
    ],
  );
});

test('a target that is too slow answers 504, in its headers or in its body', async (t) => {
  const bench = await startBench(t, { sendTimeoutMs: 300 });
  const token = await bench.card();
  const silent = await startTarget(t, () => undefined);
  const stalling = await startTarget(t, (_req, res) => void res.write('half'));
  for (const target of [silent, stalling]) {
    const answer = await send(bench, token, target.url, { body: 'x' });
    assert.equal(answer.status, 504);
    assert.match(answer.text, /gateway_timeout/);
    assert.equal(target.received.length, 1);
  }
});
