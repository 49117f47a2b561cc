import { runService } from '@centra/service-kit/lifecycle.ts';
import { envToConfig } from './config.ts';
import { startGateway } from './service.ts';

await runService('api-gateway', async (env, log) => await startGateway(envToConfig(env), { log }));
