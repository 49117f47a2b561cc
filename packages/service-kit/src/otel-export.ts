import { SpanKind } from '@opentelemetry/api';
import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import { maskCardNumbers } from './card-data.ts';

// All that leaves the process. What is not here stays: SQL texts (the ORM writes values into them), paths (a guest's page
// has its secret there), queries (Vaultera's API key), headers, user agents, messages and stacks of errors.
const EXPORTED: ReadonlySet<string> = new Set([
  'http.request.method',
  'http.response.status_code',
  'http.route',
  'rpc.system',
  'rpc.service',
  'rpc.method',
  'rpc.grpc.status_code',
  'rpc.response.status_code',
  'db.system.name',
  'db.namespace',
  'db.postgresql.plan',
  'error.type',
  'centra.request_id',
  'centra.shared_by',
]);
// Of whom we call; in a request that came to us they are what the caller wrote into its Host header.
const EXPORTED_OF_CALLS: ReadonlySet<string> = new Set(['server.address', 'server.port']);
const REQUEST_ID_OF_CALL = 'rpc.request.metadata.x_request_id';
const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;
// Longer than any name of ours.
const TEXT_MAX_LENGTH = 128;

/**
 * Passes spans on with nothing but what is listed above, whatever an instrumentation has noted. `complain` is told why
 * spans were not taken; they are lost then.
 */
export function exportOnlyListed(inner: SpanExporter, complain: (error: unknown) => void): SpanExporter {
  return {
    export(spans, done) {
      inner.export(spans.map(listedOnly), (result) => {
        if (result.error !== undefined) complain(result.error);
        done(result);
      });
    },
    shutdown: async () => await inner.shutdown(),
    forceFlush: async () => await inner.forceFlush?.(),
  };
}

/** The span without everything that is not listed; exported for its test. */
export function listedOnly(span: ReadableSpan): ReadableSpan {
  return {
    name: span.name.slice(0, TEXT_MAX_LENGTH),
    kind: span.kind,
    spanContext: () => {
      const { traceId, spanId, traceFlags } = span.spanContext();
      return { traceId, spanId, traceFlags };
    },
    ...(span.parentSpanContext === undefined ? {} : { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    // A database or provider says what it was given.
    status: { code: span.status.code },
    attributes: listedAttributes(span),
    links: span.links.map(({ context }) => ({ context })),
    events: [],
    duration: span.duration,
    ended: span.ended,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: span.droppedLinksCount,
  };
}

function listedAttributes({ attributes, kind }: ReadableSpan): Attributes {
  const listed: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    const isListed = EXPORTED.has(name) || (kind === SpanKind.CLIENT && EXPORTED_OF_CALLS.has(name));
    if (isListed && (typeof value === 'string' || typeof value === 'number'))
      listed[name] = typeof value === 'string' ? value.slice(0, TEXT_MAX_LENGTH) : value;
  }
  const requestId = listed['centra.request_id'] ?? firstOf(attributes[REQUEST_ID_OF_CALL]);
  delete listed['centra.request_id'];
  // A caller may choose it, so it is looked at once more.
  if (typeof requestId === 'string' && REQUEST_ID.test(requestId))
    listed['centra.request_id'] = maskCardNumbers(requestId);
  return listed;
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value;
}
