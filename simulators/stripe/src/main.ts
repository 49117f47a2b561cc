import { envToConfig, readEnv } from './config.ts';
import { startSimulator } from './simulator.ts';

const simulator = await startSimulator(envToConfig(readEnv()));
console.log(`listening ${simulator.url}`);

let stopping: Promise<void> | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopping ??= simulator.close();
  });
}
