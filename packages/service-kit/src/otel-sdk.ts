import { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { ROOT_CONTEXT, SpanStatusCode, context, trace } from '@opentelemetry/api';
import type { Span } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import { ConfigError, envChoice, envOptional, envUrl } from './env.ts';
import type { Env } from './env.ts';
import { exportOnlyListed } from './otel-export.ts';
import { createPropagator } from './otel-propagation.ts';
import { useTracing } from './tracing.ts';
import type { Part, Tracing } from './tracing.ts';

// Some ten seconds of a busy service; when the collector is away longer, spans are dropped and nothing else.
const QUEUE_MAX = 4_096;
const BATCH_MAX = 512;
const EXPORT_INTERVAL_MS = 1_000;
// A collector stands in the same cluster. Nobody waits for it, but a hanging one holds a batch this long.
const EXPORT_TIMEOUT_MS = 3_000;
// A stop may take 25 s, of which the gateway needs 24 at most.
const CLOSE_TIMEOUT_MS = 800;

/** Follows requests through this process. Throws `ConfigError` for variables that make no sense. */
export function startTracing(env: Env, program: string): void {
  envUrl(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  const service = serviceName(program);
  const exporter = new OTLPTraceExporter({ timeoutMillis: EXPORT_TIMEOUT_MS });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': envOptional(env, 'OTEL_SERVICE_NAME') ?? service }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(toRatio(env)) }),
    // Events are errors with their words, which are not exported.
    spanLimits: {
      attributeCountLimit: 32,
      attributeValueLengthLimit: 256,
      eventCountLimit: 0,
      linkCountLimit: 64,
    },
    spanProcessors: [
      new BatchSpanProcessor(exportOnlyListed(exporter, complainer(service, env)), {
        maxQueueSize: QUEUE_MAX,
        maxExportBatchSize: BATCH_MAX,
        scheduledDelayMillis: EXPORT_INTERVAL_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  provider.register({ propagator: createPropagator(service) });
  registerInstrumentations({ tracerProvider: provider, instrumentations: instrumentations() });
  patchBuiltins();
  useTracing(createTracing(provider));
}

/** Node's own modules are patched when they are required; whoever imports them then sees the same. */
function patchBuiltins(): void {
  const require = createRequire(import.meta.url);
  for (const name of ['node:http', 'node:https']) require(name);
  syncBuiltinESMExports();
}

/** `…/services/transaction/src/main.ts` is transaction, wherever it lies and whatever the environment calls it. */
function serviceName(program: string): string {
  return /([^/\\]+)[/\\]src[/\\][^/\\]+$/.exec(program)?.[1] ?? 'unknown';
}

/** OTEL_TRACES_SAMPLER_ARG: the share of requests that is followed, from 0 to 1. */
function toRatio(env: Env): number {
  const text = envOptional(env, 'OTEL_TRACES_SAMPLER_ARG') ?? '1';
  const ratio = Number(text);
  if (!(ratio >= 0 && ratio <= 1))
    throw new ConfigError('OTEL_TRACES_SAMPLER_ARG must be a share from 0 to 1');
  return ratio;
}

const COMPLAIN_INTERVAL_MS = 60_000;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** One line a minute while spans cannot be sent. */
function complainer(service: string, env: Env): (error: unknown) => void {
  let quietUntil = 0;
  return (error) => {
    if (performance.now() < quietUntil) return;
    quietUntil = performance.now() + COMPLAIN_INTERVAL_MS;
    void complain(service, env, error);
  };
}

async function complain(service: string, env: Env, error: unknown): Promise<void> {
  // Loaded late: what it needs is followed too.
  const { createLog } = await import('./log.ts');
  createLog(service, envChoice(env, 'LOG_LEVEL', LOG_LEVELS, 'info')).warn(
    { err: error },
    'traces are not taken',
  );
}

const OPS_PATHS = new Set(['/health', '/ready', '/metrics']);

function instrumentations() {
  return [
    new HttpInstrumentation({
      ignoreIncomingRequestHook: ({ url }) => OPS_PATHS.has(url ?? ''),
      // Loops of our own begin no traces: a sweep that finds nothing is no story.
      requireParentforOutgoingSpans: true,
      applyCustomAttributesOnSpan(span, request, response) {
        if (request instanceof IncomingMessage && response instanceof ServerResponse)
          nameIncoming(span, request, response);
        else if (request instanceof ClientRequest) span.updateName(`${request.method} ${request.host}`);
      },
    }),
    new GrpcInstrumentation({
      // Streams live as long as the process, and health is asked for all the time.
      ignoreGrpcMethods: ['Check', 'Watch', 'WatchRevocations'],
      metadataToSpanAttributes: { server: { requestMetadata: ['x-request-id'] } },
    }),
    new PgInstrumentation({
      requireParentSpan: true,
      ignoreConnectSpans: true,
      requestHook: (span, { query }) => span.updateName(`SQL ${query.name ?? verbOf(query.text)}`),
    }),
    new UndiciInstrumentation({
      requireParentforSpans: true,
      requestHook: (span, { method, origin }) =>
        span.updateName(`${method} ${URL.parse(origin)?.host ?? ''}`),
    }),
  ];
}

/** By route pattern and never by path. Express notes the route on the request; the gateway says its own. */
function nameIncoming(span: Span, request: IncomingMessage, response: ServerResponse): void {
  const route = routeOf(span) ?? expressRoute(request) ?? 'unmatched';
  span.updateName(`${request.method ?? ''} ${route}`);
  span.setAttribute('http.route', route);
  const requestId = response.getHeader('x-request-id');
  if (typeof requestId === 'string') span.setAttribute('centra.request_id', requestId);
}

function routeOf(span: Span): string | undefined {
  const attributes = 'attributes' in span ? span.attributes : undefined;
  const route =
    typeof attributes === 'object' && attributes !== null && 'http.route' in attributes
      ? attributes['http.route']
      : undefined;
  return typeof route === 'string' ? route : undefined;
}

function expressRoute(request: IncomingMessage): string | undefined {
  const route = 'route' in request ? request.route : undefined;
  const path = typeof route === 'object' && route !== null && 'path' in route ? route.path : undefined;
  return typeof path === 'string' ? path : undefined;
}

/** The first word of a statement; nothing behind it, since values may stand there. */
function verbOf(text: string): string {
  return /^\s*([a-z]{2,12})\b/i.exec(text)?.[1]?.toLowerCase() ?? 'statement';
}

function createTracing(provider: NodeTracerProvider): Tracing {
  const tracer = provider.getTracer('centra');
  const spans = new WeakMap<Part, Span>();
  return {
    traceId: () => trace.getActiveSpan()?.spanContext().traceId,
    nameRoute: (pattern) => void trace.getActiveSpan()?.setAttribute('http.route', pattern),
    openPart(name) {
      if (trace.getActiveSpan()?.isRecording() !== true) return undefined;
      const span = tracer.startSpan(name);
      const part: Part = {
        end(failed) {
          if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
      spans.set(part, span);
      return part;
    },
    async runShared(parts, work) {
      const [lead, ...others] = parts.flatMap((part) => spans.get(part) ?? []);
      if (lead === undefined) return await context.with(ROOT_CONTEXT, work);
      lead.setAttribute('centra.shared_by', parts.length);
      for (const span of others) {
        span.setAttribute('centra.shared_by', parts.length);
        span.addLink({ context: lead.spanContext() });
      }
      return await context.with(trace.setSpan(ROOT_CONTEXT, lead), work);
    },
    close: async () => await closeInTime(provider),
  };
}

/** What is left is sent, but a collector that is away or hangs holds no stop up. */
async function closeInTime(provider: NodeTracerProvider): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  await Promise.race([provider.shutdown().catch(() => {}), late]);
  clearTimeout(timer);
}
