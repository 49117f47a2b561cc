import { join } from 'node:path';
import { local, planSimulator } from '@centra/dev/plan.ts';
import type { SimulatorName } from '@centra/dev/plan.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { request } from 'undici';
import { startProcess } from './replicas.ts';
import type { ProcessOptions, StageProcess } from './replicas.ts';

export type StageSimulator = {
  url: string;
  port: number;
  journal: string;
  process: StageProcess;
  /** Takes back every fault it was told to show. */
  calm(): Promise<void>;
};

const CONTROL_TIMEOUT_MS = 10_000;

/** A provider as a process of its own, with its journal below `folder`. */
export async function startSimulator(
  name: SimulatorName,
  folder: string,
  options: Omit<ProcessOptions, 'name' | 'plan'>,
): Promise<StageSimulator> {
  const port = await freePort();
  const url = local(port);
  return {
    url,
    port,
    journal: join(folder, name, 'journal.jsonl'),
    process: await startProcess({ ...options, name, plan: planSimulator(name, port, folder) }),
    async calm() {
      const answer = await request(`${url}/_control/faults`, {
        method: 'DELETE',
        headersTimeout: CONTROL_TIMEOUT_MS,
        bodyTimeout: CONTROL_TIMEOUT_MS,
      });
      await answer.body.dump();
      if (answer.statusCode >= 300) throw new Error(`${name} keeps its faults: ${answer.statusCode}`);
    },
  };
}
