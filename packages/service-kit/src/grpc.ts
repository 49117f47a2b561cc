import { Metadata, status as grpcStatus } from '@grpc/grpc-js';
import type {
  CallOptions,
  ChannelCredentials,
  ChannelOptions,
  ClientOptions,
  ClientUnaryCall,
  Server,
  ServiceError,
  ServerUnaryCall,
  handleUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { z } from 'zod';
import { AppError, ERRORS, bigintAsText, isErrorCode } from './errors.ts';
import type { AppErrorOptions } from './errors.ts';
import { NamedCallersServer, requireCaller } from './grpc-caller.ts';
import type { Tls } from './grpc-credentials.ts';
import { timeCalls } from './grpc-duration.ts';
import { toAppError } from './http.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

const REQUEST_ID_KEY = 'x-request-id';
const ERROR_KEY = 'centra-error-bin';
// Larger than any answer of ours (100 payments of 4 KiB), smaller than what would hurt.
const MESSAGE_MAX_BYTES = 2 * 1024 * 1024;

/** What a handler may know of its call. */
export type CallContext = {
  /** The calling service, by its certificate. */
  caller: string;
  requestId: string;
  /** The bearer token as it came, for methods that take a merchant's credential. */
  bearer: string;
  /** The peer's network address. */
  address: string;
};

type UnaryOptions = {
  log: Logger;
  metrics: Metrics;
  name: string;
  /** Services that may call it, proven by their certificates. */
  callers: readonly string[];
};

/** Wraps one RPC: caller check, metrics, and refusals mapped to gRPC status with our code in the trailers. */
export function unary<Req, Res>(
  options: UnaryOptions,
  handler: (request: Req, context: CallContext) => Promise<Res>,
): handleUnaryCall<Req, Res> {
  return (call, callback) => {
    const end = options.metrics.requestSeconds.startTimer({ route: options.name, method: 'grpc' });
    const requestId = requestIdOf(call.metadata);
    answer(options, handler, call, requestId).then(
      (response) => {
        end({ status: 'OK' });
        callback(null, response);
      },
      (error: unknown) => {
        const refusal = toAppError(error);
        const code = ERRORS[refusal.code].grpc;
        end({ status: grpcStatus[code] ?? String(code) });
        if (ERRORS[refusal.code].http >= 500)
          options.log.error({ err: error, requestId, rpc: options.name }, 'call failed');
        callback({
          code,
          details: refusal.detail ?? ERRORS[refusal.code].title,
          metadata: toTrailers(refusal),
        });
      },
    );
  };
}

async function answer<Req, Res>(
  options: UnaryOptions,
  handler: (request: Req, context: CallContext) => Promise<Res>,
  call: ServerUnaryCall<Req, Res>,
  requestId: string,
): Promise<Res> {
  const caller = requireCaller(call, options.name, options.callers);
  const authorization = String(call.metadata.get('authorization')[0] ?? '');
  return await handler(call.request, {
    caller,
    requestId,
    bearer: /^Bearer (\S+)$/i.exec(authorization)?.[1] ?? '',
    address: call.getPeer(),
  });
}

function requestIdOf(metadata: Metadata): string {
  return String(metadata.get(REQUEST_ID_KEY)[0] ?? '').slice(0, 64);
}

function toTrailers(refusal: AppError): Metadata {
  const metadata = new Metadata();
  const { code, detail, errors, retryAfterSeconds, extra } = refusal;
  const text = JSON.stringify({ code, detail, errors, retryAfterSeconds, extra }, bigintAsText);
  metadata.set(ERROR_KEY, Buffer.from(text));
  return metadata;
}

const trailerSchema = z.object({
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), reason: z.string() })).optional(),
  retryAfterSeconds: z.number().optional(),
  extra: z.record(z.string(), z.unknown()).optional(),
});

/** Whether a rejected call carries a gRPC status (it always does; the compiler cannot know). */
export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error && 'metadata' in error;
}

/** The refusal that another service sent, as it was thrown there; or what a lost or late call amounts to. */
export function fromServiceError(error: unknown): AppError {
  if (!isServiceError(error)) return new AppError('internal', { cause: error });
  const sent = readTrailer(error);
  if (sent !== undefined && isErrorCode(sent.code)) {
    const { code, ...options } = sent;
    return new AppError(code, { ...withoutUndefined(options), internal: error.message });
  }
  if (error.code === grpcStatus.UNAVAILABLE)
    return new AppError('unavailable', { cause: error, retryAfterSeconds: 1 });
  return new AppError('internal', { cause: error, internal: `call failed: ${error.message}` });
}

/** What a peer of ours sent along; undefined for other peers and for garbled bytes. */
function readTrailer(error: ServiceError): z.infer<typeof trailerSchema> | undefined {
  const bytes = error.metadata?.get(ERROR_KEY)[0];
  if (!(bytes instanceof Buffer)) return undefined;
  try {
    return trailerSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

function withoutUndefined(options: Omit<z.infer<typeof trailerSchema>, 'code'>): AppErrorOptions {
  return {
    ...(options.detail === undefined ? {} : { detail: options.detail }),
    ...(options.errors === undefined ? {} : { errors: options.errors }),
    ...(options.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: options.retryAfterSeconds }),
    ...(options.extra === undefined ? {} : { extra: options.extra }),
  };
}

type UnaryMethod<Req, Res> = (
  request: Req,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Res) => void,
) => ClientUnaryCall;

/** Calls one RPC as a promise. Rejects with the raw ServiceError: only the caller knows what a lost answer means. */
export async function callUnary<Req, Res>(
  method: UnaryMethod<Req, Res>,
  request: Req,
  options: {
    metadata: Metadata;
    deadlineMs: number;
    /** Waits for a connection within the deadline instead of failing while one is being made, for example at start-up. */
    waitForReady?: boolean;
  },
): Promise<Res> {
  if (options.waitForReady === true) options.metadata.setOptions({ waitForReady: true });
  return await new Promise<Res>((resolve, reject) => {
    method(request, options.metadata, { deadline: Date.now() + options.deadlineMs }, (error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

/** Metadata that carries the request id onwards. */
export function callMetadata(requestId: string): Metadata {
  const metadata = new Metadata();
  metadata.set(REQUEST_ID_KEY, requestId);
  return metadata;
}

/** Keepalive that notices a dead peer within seconds instead of TCP's minutes. */
export const CLIENT_OPTIONS = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.max_receive_message_length': MESSAGE_MAX_BYTES,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  // A retry policy belongs to the caller, who knows whether the call is safe to repeat.
  'grpc.enable_retries': 0,
};

type ClientClass<C> = new (
  address: string,
  credentials: ChannelCredentials,
  options: Partial<ClientOptions>,
) => C;

/** A client of the service `server` with our certificate. It does not connect before it is used. */
export function createClient<C>(
  Client: ClientClass<C>,
  address: string,
  {
    tls,
    server,
    metrics,
    options,
  }: { tls: Tls; server: string; metrics?: Metrics; options?: Partial<ChannelOptions> },
): C {
  return new Client(address, tls.credentialsFor(server), {
    ...CLIENT_OPTIONS,
    // What the handshake asks for by name: the address may be an IP, or a proxy's.
    'grpc.ssl_target_name_override': server,
    ...(metrics === undefined ? {} : { interceptors: [timeCalls(metrics, server)] }),
    ...options,
  });
}

export type GrpcListening = { server: Server; host: string; port: number; close(): Promise<void> };

type GrpcService = { definition: ServiceDefinition; implementation: UntypedServiceImplementation };

// A call under way at a stop gets this long; a provider call may take most of it.
const DRAIN_TIMEOUT_MS = 20_000;

/**
 * Serves RPCs over TLS, with the standard health service, to whoever holds a certificate of ours. Port 0 takes a free one.
 */
export async function listenGrpc(
  services: readonly GrpcService[],
  address: { host: string; port: number; tls: Tls },
  extend?: (server: Server) => void,
): Promise<GrpcListening> {
  const server = new NamedCallersServer({
    'grpc.max_receive_message_length': MESSAGE_MAX_BYTES,
    // Our clients ping every 10 s; the default would refuse that as abuse.
    'grpc.http2.min_ping_interval_without_data_ms': 5_000,
  });
  const health = new HealthImplementation({ '': 'SERVING' });
  health.addToServer(server);
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  extend?.(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${address.host}:${address.port}`, address.tls.serverCredentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    server,
    host: address.host,
    port,
    close: async () => {
      health.setStatus('', 'NOT_SERVING');
      await drain(server);
    },
  };
}

async function drain(server: Server): Promise<void> {
  const timer = setTimeout(() => server.forceShutdown(), DRAIN_TIMEOUT_MS);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  clearTimeout(timer);
}
