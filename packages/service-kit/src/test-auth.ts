import type { ServerWritableStream } from '@grpc/grpc-js';
import { AuthServiceService } from '@centra/proto/centra/auth/v1/auth.ts';
import type {
  RevocationEvent,
  ValidateApiKeyResponse,
  WatchRevocationsRequest,
} from '@centra/proto/centra/auth/v1/auth.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { AppError } from './errors.ts';
import { listenGrpc, unary } from './grpc.ts';
import type { GrpcListening } from './grpc.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createVerifier, readTrustedKeys } from './service-identity.ts';

const log = createLog('auth', 'silent');
/** Far below what the authenticator takes for silence. */
export const HEARTBEAT_MS = 20;

type Watcher = ServerWritableStream<WatchRevocationsRequest, RevocationEvent>;

/** A small auth service over the real transport. What it answers and pushes is the test's choice. */
export class TestAuth {
  readonly #trustedKeys: string;

  constructor(trustedKeys: string) {
    this.#trustedKeys = trustedKeys;
  }

  asked: string[] = [];
  keys = new Map<string, ValidateApiKeyResponse>();
  fault: AppError | undefined;
  gate: Promise<void> | undefined;
  beats = true;
  watchers = new Set<Watcher>();
  watchersEver = 0;
  beatsSent = 0;
  port = 0;
  #server: GrpcListening | undefined;
  #timer: NodeJS.Timeout | undefined;

  async start(): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    const verifier = createVerifier('auth', readTrustedKeys(this.#trustedKeys));
    const options = {
      log,
      metrics: createMetrics('auth'),
      name: 'ValidateApiKey',
      callers: ['api-gateway'],
      verifier,
    };
    const implementation = {
      validateApiKey: unary(options, async ({ secret }: { secret: string }) => await this.#validate(secret)),
      watchRevocations: (call: Watcher) => {
        this.watchersEver += 1;
        this.watchers.add(call);
        call.on('cancelled', () => this.watchers.delete(call));
        if (this.beats) call.write(HEARTBEAT);
      },
    };
    this.#server = await listenGrpc([{ definition: AuthServiceService, implementation }], {
      host: '127.0.0.1',
      port: this.port,
    });
    this.#timer = setInterval(() => {
      if (!this.beats) return;
      this.beatsSent += 1;
      for (const watcher of this.watchers) watcher.write(HEARTBEAT);
    }, HEARTBEAT_MS);
  }

  async #validate(secret: string): Promise<ValidateApiKeyResponse> {
    this.asked.push(secret);
    await this.gate;
    if (this.fault !== undefined) throw this.fault;
    const known = this.keys.get(secret);
    if (known === undefined) throw new AppError('unauthenticated');
    return known;
  }

  push(revokedApiKeyId: string): void {
    for (const watcher of this.watchers)
      watcher.write({ event: { $case: 'revokedApiKeyId', value: revokedApiKeyId } });
  }

  dropWatchers(): void {
    for (const watcher of this.watchers) watcher.end();
    this.watchers.clear();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.dropWatchers();
    this.#server?.server.forceShutdown();
    await this.#server?.close();
  }
}

const HEARTBEAT: RevocationEvent = { event: { $case: 'heartbeat', value: {} } };
