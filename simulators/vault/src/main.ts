import { envToConfig, readEnv } from './config.ts';
import { startSimulator } from './simulator.ts';

const simulator = await startSimulator(envToConfig(readEnv()));
console.log(`listening ${simulator.url}`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    simulator.close().catch((error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    });
  });
}
