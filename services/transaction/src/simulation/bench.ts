import { createPool } from '@centra/service-kit/database.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { testTlsFiles } from '@centra/testkit/test-tls.ts';
import { Client } from 'pg';
import type { Config } from '../config.ts';
import { createContext } from '../context.ts';
import type { Plant } from './plants.ts';
import type { Bench } from './world.ts';

/** What the runs of one thread share, on a database of its own. */
export async function openBench(
  url: string,
  plant: Plant = (context) => context,
): Promise<Bench & { close(): Promise<void> }> {
  const log = createLog('simulation', 'silent');
  const base = createContext(configOf(url), log);
  const pool = createPool({ url, max: 1, applicationName: 'simulation', log });
  // With the pool's own reading of rows; and a statement may follow another before that is answered.
  const connection = new Client({ ...pool.options, pipeline: true });
  await connection.connect();
  return {
    connection,
    base,
    plant,
    async close() {
      await connection.end();
      base.merchantClient.close();
      base.tls.close();
      await base.providers.close();
      await Promise.all([pool.end(), base.pool.end()]);
    },
  };
}

const NOWHERE = { test: 'http://localhost:1', live: 'http://localhost:1' };

/** The service's own defaults. Nothing listens and no loop turns by itself, so what concerns those is never read. */
function configOf(databaseUrl: string): Config {
  return {
    host: '127.0.0.1',
    grpcPort: 0,
    opsPort: 0,
    databaseUrl,
    databasePoolMax: 1,
    merchantGrpcAddress: 'localhost:1',
    tls: testTlsFiles('transaction'),
    stripeApiUrl: 'http://localhost:1',
    vaulteraBaseUrl: 'http://localhost:1',
    checkUrls: { paypal: NOWHERE, payzone: NOWHERE, cmi: NOWHERE, tempo: NOWHERE },
    simulatorChallengeUrl: 'http://localhost:1',
    providerTimeoutMs: 30_000,
    operationLeaseMs: 90_000,
    sweepIntervalMs: 1_000,
    holdIntervalMs: 10_000,
    holdReminderMs: 86_400_000,
    credentialTtlMs: 0,
    failpoint() {},
  };
}
