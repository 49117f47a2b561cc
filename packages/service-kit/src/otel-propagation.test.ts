import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter, trace } from '@opentelemetry/api';
import type { Context } from '@opentelemetry/api';
import { createPropagator } from './otel-propagation.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const HEADER = `00-${TRACE_ID}-b7ad6b7169203331-01`;
const FOLLOWED = trace.setSpanContext(ROOT_CONTEXT, {
  traceId: TRACE_ID,
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
});
const metadataGetter = {
  get: (carrier: Metadata, key: string) => carrier.get(key).map(String),
  keys: (carrier: Metadata) => Object.keys(carrier.getMap()),
};

describe('the trace goes on', () => {
  test('in an HTTP request that carries our identity, and in every gRPC call', () => {
    const headers: Record<string, string> = { 'x-centra-identity': 'token' };
    createPropagator('api-gateway').inject(FOLLOWED, headers, defaultTextMapSetter);
    assert.equal(headers['traceparent'], HEADER);
    const metadata = new Metadata();
    createPropagator('payment-api').inject(FOLLOWED, metadata, {
      set: (carrier: Metadata, key, value) => carrier.set(key, value),
    });
    assert.deepEqual(metadata.get('traceparent'), [HEADER]);
  });

  for (const [service, carrier] of [
    ['payment-api', 'http'],
    ['transaction', 'grpc'],
    ['merchant', 'http'],
  ] as const)
    test(`at the ${carrier} door of ${service}`, () => {
      assert.equal(traceIdAfter(extract(service, carrier, HEADER)), TRACE_ID);
    });
});

describe('the trace ends', () => {
  test('where a provider is called', () => {
    const headers: Record<string, string> = { authorization: 'Bearer sk_test' };
    createPropagator('transaction').inject(FOLLOWED, headers, defaultTextMapSetter);
    assert.deepEqual(Object.keys(headers), ['authorization']);
  });

  for (const [service, carrier] of [
    ['api-gateway', 'http'],
    ['payment-api', 'grpc'],
  ] as const)
    test(`at the ${carrier} door of ${service}, where strangers come in`, () => {
      assert.equal(traceIdAfter(extract(service, carrier, HEADER)), undefined);
    });

  for (const given of [
    '',
    'x',
    `01-${TRACE_ID}-b7ad6b7169203331-01`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `${HEADER}x`,
    HEADER.toUpperCase(),
  ])
    test(`with a header like "${given}"`, () => {
      assert.equal(traceIdAfter(extract('transaction', 'grpc', given)), undefined);
    });
});

function extract(service: string, carrier: 'http' | 'grpc', header: string): Context {
  const propagator = createPropagator(service);
  if (carrier === 'http')
    return propagator.extract(ROOT_CONTEXT, { traceparent: header }, defaultTextMapGetter);
  const metadata = new Metadata();
  metadata.set('traceparent', header);
  return propagator.extract(ROOT_CONTEXT, metadata, metadataGetter);
}

function traceIdAfter(context: Context): string | undefined {
  return trace.getSpanContext(context)?.traceId;
}
