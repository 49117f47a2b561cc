import { createServer } from 'node:http';
import { once } from 'node:events';
import { boundPort } from '@centra/service-kit/listen.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';

const valueSchema = z
  .object({ stringValue: z.string(), intValue: z.union([z.int(), z.string()]) })
  .partial()
  .loose();
const attributesSchema = z
  .array(z.object({ key: z.string(), value: valueSchema }).loose())
  .transform(
    (list) => new Map(list.map(({ key, value }) => [key, value.stringValue ?? String(value.intValue ?? '')])),
  );
const spanSchema = z
  .object({
    traceId: z.string(),
    spanId: z.string(),
    parentSpanId: z.string().default(''),
    name: z.string(),
    kind: z.int(),
    attributes: attributesSchema.prefault([]),
    links: z.array(z.object({ traceId: z.string(), spanId: z.string() }).loose()).default([]),
    status: z
      .object({ code: z.int().default(0) })
      .loose()
      .prefault({}),
  })
  .loose();
const requestSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: attributesSchema }).loose(),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) }).loose()),
    }),
  ),
});

export type ExportedSpan = z.infer<typeof spanSchema> & { service: string };

export type Collector = {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string;
  /** All that was received, byte for byte. */
  bytes(): Buffer;
  spans(): ExportedSpan[];
  /** The whole trace of a request of ours, once it has come. */
  traceOf(requestId: string, isWhole: (spans: ExportedSpan[]) => boolean): Promise<ExportedSpan[]>;
  /** `hang` takes requests and never answers. */
  become(mood: 'taking' | 'hanging'): void;
  /** Requests seen while hanging. */
  hanging(): number;
  close(): Promise<void>;
};

/** What stands in for an operator's OpenTelemetry collector: OTLP over HTTP, in JSON. */
export async function startCollector(): Promise<Collector> {
  const bodies: Buffer[] = [];
  let mood: 'taking' | 'hanging' = 'taking';
  let hanging = 0;
  const server = createServer((request, response) => {
    if (mood === 'hanging') {
      hanging += 1;
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const spans = (): ExportedSpan[] => bodies.flatMap(toSpans);
  return {
    url: `http://127.0.0.1:${boundPort(server)}`,
    bytes: () => Buffer.concat(bodies),
    spans,
    async traceOf(requestId, isWhole) {
      return await waitFor(`the trace of ${requestId}`, async () => {
        const all = spans();
        const own = all.find(({ attributes }) => attributes.get('centra.request_id') === requestId);
        const trace = all.filter(({ traceId }) => traceId === own?.traceId);
        return trace.length > 0 && isWhole(trace) ? trace : undefined;
      });
    },
    become: (next) => void (mood = next),
    hanging: () => hanging,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function toSpans(body: Buffer): ExportedSpan[] {
  return requestSchema
    .parse(JSON.parse(body.toString()))
    .resourceSpans.flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) =>
        spans.map((span) => ({ ...span, service: resource.attributes.get('service.name') ?? '' })),
      ),
    );
}
