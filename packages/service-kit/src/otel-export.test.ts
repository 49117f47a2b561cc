import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { exportOnlyListed } from './otel-export.ts';

test('what an instrumentation notes and is not listed does not leave the process', async () => {
  const span = await exported(SpanKind.CLIENT, {
    'http.request.method': 'POST',
    'http.response.status_code': 200,
    'server.address': 'api.stripe.com',
    'url.full': 'https://vault/cards?api_key=canary',
    'url.query': '?api_key=canary',
    'db.query.text': "insert into users values ('canary')",
    'user_agent.original': 'canary',
    'http.request.header.authorization': 'canary',
    'invented.by.the.next.version': 'canary',
  });
  assert.deepEqual(span.attributes, {
    'http.request.method': 'POST',
    'http.response.status_code': 200,
    'server.address': 'api.stripe.com',
  });
  assert.deepEqual(span.status, { code: SpanStatusCode.ERROR });
  assert.deepEqual(span.events, []);
  assert.doesNotMatch(JSON.stringify([span.attributes, span.status, span.events, span.links]), /canary/);
});

test('in a request that came to us the host is what the caller wrote, and stays', async () => {
  const span = await exported(SpanKind.SERVER, {
    'server.address': 'canary.example',
    'http.route': '/v1/charge',
  });
  assert.deepEqual(span.attributes, { 'http.route': '/v1/charge' });
});

test('a request id goes along by either door, if it is one, and without what looks like a card', async () => {
  for (const [given, told] of [
    [{ 'centra.request_id': 'req_01m7za06r7eapvyjrbexga30v1' }, 'req_01m7za06r7eapvyjrbexga30v1'],
    [{ 'rpc.request.metadata.x_request_id': ['req_of_a_call'] }, 'req_of_a_call'],
    [{ 'rpc.request.metadata.x_request_id': ['not an id'] }, undefined],
    [{ 'centra.request_id': 'sk' }, undefined],
  ] as const)
    assert.equal((await exported(SpanKind.SERVER, given)).attributes['centra.request_id'], told);
  const card = await exported(SpanKind.SERVER, { 'centra.request_id': '4000056655665556' });
  assert.doesNotMatch(String(card.attributes['centra.request_id']), /4000056655665556/);
});

test('what the collector does not take is told, and nothing is thrown', async () => {
  const told: unknown[] = [];
  // Nobody listens on the discard port.
  const away = new OTLPTraceExporter({ url: 'http://127.0.0.1:9/v1/traces', timeoutMillis: 300 });
  const refusing = exportOnlyListed(away, (error) => told.push(error));
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(refusing)] });
  provider.getTracer('test').startSpan('one').end();
  await provider.shutdown();
  assert.ok(told[0] instanceof Error);
});

async function exported(
  kind: SpanKind,
  attributes: Record<string, string | number | readonly string[]>,
): Promise<ReadableSpan> {
  const memory = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'test' }),
    spanProcessors: [new SimpleSpanProcessor(exportOnlyListed(memory, () => {}))],
  });
  const span = provider.getTracer('test').startSpan('POST api.stripe.com', { kind });
  for (const [name, value] of Object.entries(attributes))
    span.setAttribute(name, typeof value === 'object' ? [...value] : value);
  span.recordException(new Error('canary'));
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'canary' });
  span.end();
  await provider.forceFlush();
  const [found] = memory.getFinishedSpans();
  assert.ok(found !== undefined);
  return found;
}
