import { TraceFlags, isSpanContextValid, trace } from '@opentelemetry/api';
import type {
  Context,
  SpanContext,
  TextMapGetter,
  TextMapPropagator,
  TextMapSetter,
} from '@opentelemetry/api';

/** Where strangers come in: the gateway's HTTP, and payment-api's gRPC, which takes a hotel's own credential. */
const OUTSIDE_DOORS: Readonly<Record<string, 'http' | 'grpc'>> = {
  'api-gateway': 'http',
  'payment-api': 'grpc',
};

/** Every request to a service of ours carries it, and none to anybody else; see `http.ts`. */
const IDENTITY_HEADER = 'x-centra-identity';
// W3C Trace Context, version 00.
const HEADER = 'traceparent';
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * Trace context between our own services only. At an outside door a caller's `traceparent` is not read: it would choose our
 * trace ids, and whether we record. Providers are not told ours. Baggage and tracestate go nowhere.
 */
export function createPropagator(service: string): TextMapPropagator {
  const outside = OUTSIDE_DOORS[service];
  return {
    inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
      const span = trace.getSpanContext(context);
      if (span === undefined || !isSpanContextValid(span)) return;
      // All our gRPC goes to services of ours.
      if (isMetadata(carrier) || carriesIdentity(carrier)) setter.set(carrier, HEADER, toHeader(span));
    },
    extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
      if ((isMetadata(carrier) ? 'grpc' : 'http') === outside) return context;
      const span = fromHeader(getter.get(carrier, HEADER));
      return span === undefined ? context : trace.setSpanContext(context, span);
    },
    fields: () => [HEADER],
  };
}

/** gRPC's headers, unlike HTTP's, are an object with methods. */
function isMetadata(carrier: unknown): boolean {
  return (
    typeof carrier === 'object' &&
    carrier !== null &&
    'getMap' in carrier &&
    typeof carrier.getMap === 'function'
  );
}

function carriesIdentity(carrier: unknown): boolean {
  return typeof carrier === 'object' && carrier !== null && IDENTITY_HEADER in carrier;
}

function toHeader({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-0${(traceFlags & TraceFlags.SAMPLED).toString(16)}`;
}

function fromHeader(given: string | string[] | undefined): SpanContext | undefined {
  const text = Array.isArray(given) ? given[0] : given;
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(text ?? '') ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED };
  return isSpanContextValid(context) ? { ...context, isRemote: true } : undefined;
}
