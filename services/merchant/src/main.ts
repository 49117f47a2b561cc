import { runService } from '@centra/service-kit/lifecycle.ts';
import { envToConfig } from './config.ts';
import { startMerchant } from './service.ts';

await runService('merchant', (env, log) => startMerchant(envToConfig(env), log));
