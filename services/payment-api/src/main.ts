import { runService } from '@centra/service-kit/lifecycle.ts';
import { envToConfig } from './config.ts';
import { startPaymentApi } from './service.ts';

await runService('payment-api', async (env, log) => await startPaymentApi(envToConfig(env), { log }));
