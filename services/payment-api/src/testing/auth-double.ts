import { status as grpcStatus } from '@grpc/grpc-js';
import type { ServerWritableStream, ServiceError } from '@grpc/grpc-js';
import { AuthServiceService } from '@centra/proto/centra/auth/v1/auth.ts';
import type {
  AuthServiceServer,
  RevocationEvent,
  WatchRevocationsRequest,
} from '@centra/proto/centra/auth/v1/auth.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { listenGrpc, unary } from '@centra/service-kit/grpc.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { testTls } from '@centra/testkit/test-tls.ts';
import { toMode } from '../mode.ts';

/** What may keep a good key out. */
export type KeyLimits = { allowedAddresses?: string[]; suspended?: boolean };

export type AuthDouble = {
  address: string;
  /** Makes a key known. */
  addKey(secret: string, identity: Identity, limits?: KeyLimits): void;
  close(): Promise<void>;
};

const HEARTBEAT_MS = 1_000;

/** Test only: keeps auth's contract for keys (proto/centra/auth/v1) in memory, so that this service is tested alone. */
export async function startAuthDouble(): Promise<AuthDouble> {
  const keys = new Map<string, Identity & KeyLimits>();
  const streams = new Set<ServerWritableStream<WatchRevocationsRequest, RevocationEvent>>();
  const heartbeat = setInterval(() => {
    for (const stream of streams) stream.write({ event: { $case: 'heartbeat', value: {} } });
  }, HEARTBEAT_MS);
  const options = { log: createLog('auth-double', 'fatal'), metrics: createMetrics('auth-double') };
  const implementation: AuthServiceServer = {
    validateApiKey: unary(
      { ...options, name: 'ValidateApiKey', callers: ['payment-api'] },
      async ({ secret }) => {
        const identity = keys.get(secret);
        if (identity === undefined) throw new AppError('unauthenticated');
        const { merchantId, mode, actor, scopes, allowedAddresses = [], suspended = false } = identity;
        return {
          apiKeyId: actor,
          merchantId,
          mode: toMode(mode),
          scopes: [...scopes],
          expiresAt: undefined,
          allowedAddresses,
          suspended,
        };
      },
    ),
    watchRevocations(stream) {
      streams.add(stream);
      stream.on('close', () => streams.delete(stream));
      stream.on('cancelled', () => stream.end());
    },
    createApiKey: refuse,
    validateAccessToken: refuse,
    checkPermission: refuse,
    recordKeyUsage(_call, callback) {
      callback(null, {});
    },
    setMember: refuse,
    setMerchantAccess: refuse,
    rotateSigningKey: refuse,
    listMemberships: refuse,
    listAuditEvents: refuse,
  };
  const listening = await listenGrpc([{ definition: AuthServiceService, implementation }], {
    host: '127.0.0.1',
    port: 0,
    tls: testTls('auth'),
  });
  return {
    address: `127.0.0.1:${listening.port}`,
    addKey: (secret, identity, limits) => void keys.set(secret, { ...identity, ...limits }),
    async close() {
      clearInterval(heartbeat);
      for (const stream of streams) stream.end();
      await listening.close();
    },
  };
}

/** Not this service's to call. */
function refuse(_call: unknown, callback: (error: Partial<ServiceError>) => void): void {
  callback({ code: grpcStatus.PERMISSION_DENIED });
}
