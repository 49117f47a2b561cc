import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { OperationState, TransactionServiceClient } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { createAuthenticator } from '@centra/service-kit/authenticator.ts';
import type { Authenticator } from '@centra/service-kit/authenticator.ts';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createClient } from '@centra/service-kit/grpc.ts';
import { loadTls } from '@centra/service-kit/grpc-credentials.ts';
import type { Tls } from '@centra/service-kit/grpc-credentials.ts';
import { createKeyUsageReporter } from '@centra/service-kit/key-usage-reporter.ts';
import type { KeyUsageReporter } from '@centra/service-kit/key-usage-reporter.ts';
import { createLog } from '@centra/service-kit/log.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import { createSigner, createVerifier, readTrustedKeys } from '@centra/service-kit/service-identity.ts';
import type { Signer, Verifier } from '@centra/service-kit/service-identity.ts';
import type { Config } from './config.ts';
import { createReplyWriter } from './replies/reply-writer.ts';
import type { ReplyWriter } from './replies/reply-writer.ts';

const SERVICE = 'payment-api';
// A page of 100 payments, each with the most metadata that a charge may carry (50 × 540 characters of 3 bytes).
const PAGE_MAX_BYTES = 16 * 1024 * 1024;

/** Everything an action needs, in one plain object. */
export type Context = {
  config: Config;
  log: Logger;
  metrics: Metrics;
  /** What charges came to, and what could not be stored. */
  counters: {
    charges: ReturnType<typeof chargesCounter>;
    /** Counts what a capture, cancellation, adjustment or refund came to. */
    countOperation(kind: string, done: { state: OperationState; replayed: boolean }): void;
    repliesNotStored: ReturnType<typeof notStoredCounter>;
  };
  signer: Signer;
  verifier: Verifier;
  /** Our side of gRPC connections. */
  tls: Tls;
  /** Stored replies. Commits here are not durable; see createContext. */
  pool: Pool;
  replyWriter: ReplyWriter;
  transaction: TransactionServiceClient;
  auth: AuthServiceClient;
  authenticator: Authenticator;
  /** Counts the calls that hotels make over gRPC; their HTTP requests are the gateway's to count. */
  usage: KeyUsageReporter;
  close(): Promise<void>;
};

export type Overrides = Partial<Pick<Context, 'log' | 'metrics'>>;

/** Builds the context of one process; nothing connects before it is used, but the watch of revoked keys. */
export function createContext(config: Config, overrides: Overrides = {}): Context {
  const log = overrides.log ?? createLog(SERVICE);
  const metrics = overrides.metrics ?? createMetrics(SERVICE);
  const signer = createSigner(SERVICE, config.signingKeyPem);
  // The one place where a commit need not be durable: a reply lost in a crash is derived again, byte by byte, from
  // transaction's record of the operation, which was committed durably before the reply was sent.
  const pool = createPool({
    url: config.databaseUrl,
    max: config.databasePoolMax,
    applicationName: SERVICE,
    log,
    sessionOptions: '-c synchronous_commit=off',
  });
  const tls = loadTls(config.tls, { name: SERVICE, log, metrics });
  const transaction = createClient(TransactionServiceClient, config.transactionGrpcAddress, {
    tls,
    server: 'transaction',
    metrics,
    options: { 'grpc.max_receive_message_length': PAGE_MAX_BYTES },
  });
  const auth = createClient(AuthServiceClient, config.authGrpcAddress, { tls, server: 'auth', metrics });
  const authenticator = createAuthenticator({ client: auth, log });
  const usage = createKeyUsageReporter({ client: auth, log });
  return {
    config,
    log,
    metrics,
    counters: {
      charges: chargesCounter(metrics),
      countOperation: operationsCounter(metrics),
      repliesNotStored: notStoredCounter(metrics),
    },
    signer,
    verifier: createVerifier(SERVICE, readTrustedKeys(config.trustedKeys)),
    tls,
    pool,
    replyWriter: createReplyWriter(pool),
    transaction,
    auth,
    authenticator,
    usage,
    async close() {
      authenticator.close();
      await usage.stop();
      auth.close();
      transaction.close();
      tls.close();
      await pool.end();
    },
  };
}

function chargesCounter(metrics: Metrics) {
  return metrics.counter('centra_charges_total', 'Answered charges by outcome', ['outcome', 'replayed']);
}

function operationsCounter(metrics: Metrics) {
  const counter = metrics.counter('centra_operations_total', 'Answered operations on payments by outcome', [
    'kind',
    'outcome',
    'replayed',
  ]);
  return (kind: string, { state, replayed }: { state: OperationState; replayed: boolean }): void =>
    counter.inc({ kind, outcome: outcomeOf(state), replayed: String(replayed) });
}

function outcomeOf(state: OperationState): string {
  if (state === OperationState.OPERATION_STATE_SUCCEEDED) return 'succeeded';
  return state === OperationState.OPERATION_STATE_DECLINED ? 'declined' : 'open';
}

function notStoredCounter(metrics: Metrics) {
  return metrics.counter('centra_replies_not_stored_total', 'Replies that could not be stored or read', []);
}
