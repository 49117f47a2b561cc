import assert from 'node:assert/strict';
import { mock } from 'node:test';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { AuthServiceService, Barrier } from '@centra/proto/centra/auth/v1/auth.ts';
import type {
  RevocationEvent,
  ValidateAccessTokenResponse,
  ValidateApiKeyResponse,
  WatchRevocationsRequest,
} from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { testTls } from '@centra/testkit/test-tls.ts';
import { AppError } from './errors.ts';
import { listenGrpc, unary } from './grpc.ts';
import type { GrpcListening } from './grpc.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';

const log = createLog('auth', 'silent');
/** Far below what the authenticator takes for silence. */
export const HEARTBEAT_MS = 20;

type Watcher = ServerWritableStream<WatchRevocationsRequest, RevocationEvent>;

/** A small auth service over the real transport. What it answers and pushes is the test's choice. */
export class TestAuth {
  asked: string[] = [];
  keys = new Map<string, ValidateApiKeyResponse>();
  tokens = new Map<string, ValidateAccessTokenResponse>();
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
    const options = { log, metrics: createMetrics('auth'), callers: ['api-gateway'] };
    const implementation = {
      validateApiKey: unary(
        { ...options, name: 'ValidateApiKey' },
        async ({ secret }: { secret: string }) => await this.#validate(this.keys, secret),
      ),
      validateAccessToken: unary(
        { ...options, name: 'ValidateAccessToken' },
        async ({ token }: { token: string }) => await this.#validate(this.tokens, token),
      ),
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
      tls: testTls('auth'),
    });
    this.#timer = setInterval(() => {
      if (!this.beats) return;
      this.beatsSent += 1;
      for (const watcher of this.watchers) watcher.write(HEARTBEAT);
    }, HEARTBEAT_MS);
  }

  async #validate<Answer>(known: ReadonlyMap<string, Answer>, credential: string): Promise<Answer> {
    this.asked.push(credential);
    await this.gate;
    if (this.fault !== undefined) throw this.fault;
    const answer = known.get(credential);
    if (answer === undefined) throw new AppError('unauthenticated');
    return answer;
  }

  push(revokedApiKeyId: string): void {
    this.tell({ $case: 'revokedApiKeyId', value: revokedApiKeyId });
  }

  tell(event: RevocationEvent['event']): void {
    for (const watcher of this.watchers) watcher.write({ event });
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

/** A key for anything, from anywhere, for ever. */
export function keyOf(apiKeyId: string): ValidateApiKeyResponse {
  return {
    apiKeyId,
    merchantId: 'm_1',
    mode: Mode.MODE_TEST,
    scopes: [],
    expiresAt: undefined,
    allowedAddresses: [],
    suspended: false,
  };
}

/** A person's token at the same hotel, good for an hour. */
export function tokenOf(number: string): ValidateAccessTokenResponse {
  return {
    userId: `usr_${number}`,
    sessionId: `ses_${number}`,
    merchantId: 'm_1',
    mode: Mode.MODE_TEST,
    permissions: [],
    expiresAt: new Date(Date.now() + 3_600_000),
    barrier: Barrier.BARRIER_UNSPECIFIED,
  };
}

/** Waits until somebody follows the revocations and has heard of some. */
export async function liveStream(auth: TestAuth): Promise<void> {
  await waitFor('the stream', async () => (auth.watchers.size > 0 ? true : undefined));
  await moreBeats(auth);
}

/** Lets the time of day, which the test holds still, pass while heartbeats keep coming. */
export async function passTime(auth: TestAuth, ms: number): Promise<void> {
  mock.timers.tick(ms);
  await moreBeats(auth);
}

/** Waits until some more heartbeats have certainly arrived. */
export async function moreBeats(auth: TestAuth): Promise<void> {
  const sent = auth.beatsSent;
  await waitFor('heartbeats', async () => (auth.beatsSent >= sent + 3 ? true : undefined));
}

/** The refusal, which must have that code. */
export async function refused(asking: Promise<unknown>, code: string): Promise<AppError> {
  const error: unknown = await asking.then(
    () => assert.fail('the credential was accepted'),
    (refusal: unknown) => refusal,
  );
  assert.ok(error instanceof AppError, String(error));
  assert.equal(error.code, code);
  return error;
}
