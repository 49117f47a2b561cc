import { runService } from '@centra/service-kit/lifecycle.ts';
import { envToConfig } from './config.ts';
import { startTransaction } from './service.ts';

await runService('transaction', async (env, log) => await startTransaction(envToConfig(env), log));
