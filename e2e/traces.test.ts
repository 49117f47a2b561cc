import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Hotel } from '@centra/dev/seed.ts';
import { createLeakScanner } from '@centra/testkit/leak-scan.ts';
import type { Canary } from '@centra/testkit/leak-scan.ts';
import { z } from 'zod';
import {
  IMPATIENT,
  call,
  card,
  charge,
  onboardHotel,
  paymentSchema,
  rows,
  startPlatformUnderTest,
} from './platform-under-test.ts';
import type { Answer, PlatformUnderTest } from './platform-under-test.ts';
import { startCollector } from './trace-collector.ts';
import type { Collector, ExportedSpan } from './trace-collector.ts';

const GUEST_EMAIL = 'amina.traced@example.com';
const SERVICES = ['api-gateway', 'auth', 'merchant', 'payment-api', 'transaction'] as const;

let collector: Collector;
let platform: PlatformUnderTest;
let hotel: Hotel;
before(async () => {
  collector = await startCollector();
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  platform = await startPlatformUnderTest({
    env: {
      ...Object.fromEntries(SERVICES.map((name) => [name, traced])),
      transaction: { ...IMPATIENT, ...traced },
    },
  });
  hotel = await onboardHotel(platform);
});
after(async () => {
  await platform.end();
  await collector.close();
  assert.deepEqual(platform.crashes, [], 'no service ended by itself');
});

test('a charge through the public door is one trace from the gateway to the provider', async () => {
  const answer = await charge(platform, hotel, { cardToken: await card(platform, hotel) });
  assert.equal(answer.status, 201, answer.text);
  const spans = await wholeTrace(answer);
  const [root] = spans.filter(({ parentSpanId }) => parentSpanId === '');
  assert.deepEqual([root?.service, root?.name], ['api-gateway', 'POST /v1/charge']);
  const ids = new Set(spans.map(({ spanId }) => spanId));
  for (const { name, parentSpanId } of spans)
    assert.ok(parentSpanId === '' || ids.has(parentSpanId), `${name} hangs in the trace`);
  assert.equal(
    find(spans, 'payment-api', 'POST /v1/charge').attributes.get('http.response.status_code'),
    '201',
  );
  const sale = find(spans, 'transaction', /TransactionService\/Sale$/);
  const requestId = String(answer.headers['x-request-id']);
  assert.equal(sale.attributes.get('centra.request_id'), requestId);
  // Both durable writes of decision 2, each with its statement, and the provider between them.
  assert.equal(
    find(spans, 'transaction', 'SQL begin-operations').parentSpanId,
    find(spans, 'transaction', 'begin operation').spanId,
  );
  assert.ok(find(spans, 'transaction', 'write transition'));
  assert.ok(find(spans, 'payment-api', 'store reply'));
  const toStripe = spans.filter(
    ({ service, attributes }) =>
      service === 'transaction' && attributes.get('server.port') === new URL(platform.stripeUrl).port,
  );
  assert.ok(toStripe.length > 0, 'the call to Stripe is in the trace');
});

test('a decline and a refused credential are traces too, and say how they ended', async () => {
  const declined = await charge(platform, hotel, {
    cardToken: await card(platform, hotel, '4000000000000002'),
  });
  assert.equal(declined.status, 402, declined.text);
  const spans = await wholeTrace(declined);
  assert.equal(
    find(spans, 'api-gateway', 'POST /v1/charge').attributes.get('http.response.status_code'),
    '402',
  );

  const refused = await call(platform, 'GET', '/v1/payments', { apiKey: `${hotel.apiKey}wrong` });
  assert.equal(refused.status, 401, refused.text);
  const turnedAway = await collector.traceOf(String(refused.headers['x-request-id']), reaches('auth'));
  const door = find(turnedAway, 'api-gateway', 'GET /v1/payments');
  assert.equal(door.attributes.get('http.response.status_code'), '401');
});

test('a stranger can neither choose our trace nor switch it off, and providers are not told it', async () => {
  const theirs = '0af7651916cd43dd8448eb211c80319c';
  const answer = await call(platform, 'GET', '/v1/payments', {
    apiKey: hotel.apiKey,
    headers: { traceparent: `00-${theirs}-b7ad6b7169203331-00`, tracestate: 'evil=1', baggage: 'a=b' },
  });
  assert.equal(answer.status, 200, answer.text);
  const spans = await collector.traceOf(String(answer.headers['x-request-id']), reaches('transaction'));
  assert.ok(spans.every(({ traceId }) => traceId !== theirs));
  assert.doesNotMatch(collector.bytes().toString(), /0af7651916cd43dd|evil/);
  const journal = readFileSync(`${platform.dataDir}/simulators/stripe/journal.jsonl`, 'utf8');
  assert.match(journal, /charge\.succeeded/);
  assert.doesNotMatch(journal, /traceparent/i);
});

test('concurrent charges share statements, and each trace shows where its own write went', async () => {
  const tokens = await Promise.all(Array.from({ length: 12 }, async () => await card(platform, hotel)));
  const answers = await Promise.all(
    tokens.map(async (cardToken) => await charge(platform, hotel, { cardToken })),
  );
  const traces = await Promise.all(answers.map(async (answer) => await wholeTrace(answer)));
  const all = new Set(collector.spans().map(({ spanId }) => spanId));
  for (const spans of traces) {
    const part = find(spans, 'transaction', 'begin operation');
    const isLead = spans.some(
      ({ name, parentSpanId }) => name.startsWith('SQL') && parentSpanId === part.spanId,
    );
    assert.ok(isLead || part.links.some(({ spanId }) => all.has(spanId)), 'its statement, or a link to it');
  }
});

test('one failed payment is found in the logs of every service by its request id, with its trace', async () => {
  const answer = await charge(platform, hotel, {
    cardToken: await card(platform, hotel, '4000000000000002'),
    extra: { guest: { name: 'Amina', email: GUEST_EMAIL } },
  });
  const requestId = String(answer.headers['x-request-id']);
  const [{ traceId } = { traceId: '' }] = await wholeTrace(answer);
  for (const name of ['api-gateway', 'payment-api', 'transaction'] as const) {
    const lines = logLines(name).filter((line) => line.requestId === requestId);
    assert.ok(lines.length > 0, `${name} says something of the request`);
    for (const line of lines) assert.equal(line.traceId, traceId, `${name} names the trace`);
  }
  const stored = await rows(
    platform,
    'transaction',
    'select request_id from operations where request_id = $1',
    z.object({ request_id: z.string() }),
    [requestId],
  );
  assert.equal(stored.length, 1, 'and in the operation that it made');
});

test('no secret, card token, e-mail address or credential leaves with the traces', async () => {
  const cardToken = await card(platform, hotel);
  const answer = await charge(platform, hotel, {
    cardToken,
    extra: { guest: { name: 'Amina', email: GUEST_EMAIL }, description: 'Canary description' },
  });
  assert.equal(answer.status, 201, answer.text);
  const payment = paymentSchema.parse(answer.json);
  await wholeTrace(answer);
  await call(platform, 'GET', `/v1/simulator/challenges/guest-page-secret-${payment.id}?card=${cardToken}`);
  await call(platform, 'GET', '/v1/payments/4000056655665556', { apiKey: hotel.apiKey });
  const last = await call(platform, 'GET', '/nowhere/4000056655665556?key=query-canary', {
    headers: { 'user-agent': 'agent-canary', host: 'host-canary.example' },
  });
  await collector.traceOf(String(last.headers['x-request-id']), () => true);
  const canaries: Canary[] = [
    ...Object.entries({
      'API key': hotel.apiKey,
      'Stripe key': hotel.stripeKey,
      'Vaultera key': hotel.vaulteraKey,
      'card token': cardToken,
      'guest e-mail': GUEST_EMAIL,
      'query value': 'query-canary',
      'user agent': 'agent-canary',
      'Host header': 'host-canary',
      description: 'Canary description',
      'page secret': 'guest-page-secret-',
    }).map(([name, value]): Canary => ({ name, kind: 'secret', value })),
    { name: 'card number', kind: 'card', value: '4000056655665556' },
    { name: 'SQL text', kind: 'text', value: 'insert into' },
  ];
  const bytes = collector.bytes();
  assert.deepEqual(createLeakScanner(canaries).scanBytes(bytes, 'traces'), []);
  assert.doesNotMatch(bytes.toString(), /eyJ[A-Za-z0-9_-]{10}/, 'no token');
  // The scan itself can see: what must be there is.
  assert.match(bytes.toString(), /\/v1\/simulator\/challenges\/:token/);
});

test('a collector that hangs, or is gone, disturbs no charge and holds no stop up', async () => {
  collector.become('hanging');
  for (let turn = 0; turn < 3; turn += 1) {
    const answer = await charge(platform, hotel, { cardToken: await card(platform, hotel) });
    assert.equal(answer.status, 201, answer.text);
  }
  await platform.child('merchant').stop();
  assert.ok(!logLines('merchant').some(({ message }) => message === 'did not stop in time'));
  await platform.child('merchant').start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  const answer = await charge(platform, hotel, { cardToken: await card(platform, hotel) });
  assert.equal(answer.status, 201, answer.text);
  collector.become('taking');
});

const lineSchema = z
  .object({
    requestId: z.string().optional(),
    traceId: z.string().optional(),
    message: z.string().optional(),
  })
  .loose();

function logLines(service: 'api-gateway' | 'payment-api' | 'transaction' | 'merchant') {
  const text = readFileSync(platform.child(service).logFile, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => lineSchema.parse(JSON.parse(line)));
}

/** Services send on their own: a trace is whole once all that a charge passes has come. */
async function wholeTrace(answer: Answer): Promise<ExportedSpan[]> {
  return await collector.traceOf(
    String(answer.headers['x-request-id']),
    (spans) =>
      spans.some(({ parentSpanId }) => parentSpanId === '') &&
      spans.some(({ name }) => name === 'store reply') &&
      spans.some(({ name }) => name === 'write transition'),
  );
}

function reaches(service: string): (spans: ExportedSpan[]) => boolean {
  return (spans) =>
    spans.some((span) => span.service === service) && spans.some(({ parentSpanId }) => parentSpanId === '');
}

function find(spans: readonly ExportedSpan[], service: string, name: string | RegExp): ExportedSpan {
  const found = spans.find(
    (span) =>
      span.service === service && (typeof name === 'string' ? span.name === name : name.test(span.name)),
  );
  const seen = spans.map((span) => `${span.service}: ${span.name}`).join('\n');
  assert.ok(found !== undefined, `no ${String(name)} of ${service} among\n${seen}`);
  return found;
}
