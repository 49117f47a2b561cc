import { runService } from '@centra/service-kit/lifecycle.ts';
import { envToConfig } from './config.ts';
import { startAuth } from './service.ts';

await runService('auth', (env, log) => startAuth(envToConfig(env), { log }));
