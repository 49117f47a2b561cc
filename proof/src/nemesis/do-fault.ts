import { request } from 'undici';
import type { ReplicaName, Stage } from '../stage/stage.ts';
import type { PlannedFault } from './planned-fault.ts';

/** What of a stage can break. */
export type Breakable = Pick<Stage, 'links' | 'replica' | 'postgres' | 'redis' | 'stripeUrl' | 'vaulteraUrl'>;

/** Both halves of a fault. Each ends when it is done; `undo` may be called once `begin` has ended, however it did. */
export type Doing = { begin(): Promise<void>; undo(): Promise<void> };

/** How the fault is done to that stage, and undone. */
export function doingOf(planned: PlannedFault, stage: Breakable): Doing {
  switch (planned.kind) {
    case 'kill':
      return {
        begin: async () =>
          void (await Promise.all(planned.replicas.map((name) => stage.replica(name).kill9()))),
        undo: async () => void (await Promise.all(planned.replicas.map((name) => startReplica(stage, name)))),
      };
    case 'pause':
      return {
        begin: async () => stage.replica(planned.replica).pause(),
        undo: async () => stage.replica(planned.replica).resume(),
      };
    case 'network': {
      const link = stage.links[planned.link];
      return { begin: async () => link.set(planned.fault), undo: async () => link.clear() };
    }
    case 'redis-flush':
      return { begin: async () => await stage.redis?.flushAll(), undo: async () => {} };
    case 'redis-kill':
      return { begin: async () => await stage.redis?.kill9(), undo: async () => await stage.redis?.start() };
    case 'postgres-kill':
      return {
        begin: async () => await stage.postgres.kill9(),
        undo: async () => await stage.postgres.start(),
      };
    case 'postgres-pause':
      return { begin: async () => stage.postgres.pause(), undo: async () => stage.postgres.resume() };
    case 'simulator': {
      const url = planned.simulator === 'stripe' ? stage.stripeUrl : stage.vaulteraUrl;
      return {
        begin: async () => await control(url, 'POST', planned.behaviour),
        undo: async () => await control(url, 'DELETE'),
      };
    }
    default:
      throw new Error(`nobody can do ${JSON.stringify(planned satisfies never)}`);
  }
}

async function startReplica(stage: Breakable, name: ReplicaName): Promise<void> {
  const replica = stage.replica(name);
  if (!replica.isRunning()) await replica.start();
}

// The simulator may be busy being slow for others; its control endpoint computes nothing.
const CONTROL_TIMEOUT_MS = 10_000;

async function control(url: string, method: 'POST' | 'DELETE', body?: object): Promise<void> {
  const answer = await request(`${url}/_control/faults`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(CONTROL_TIMEOUT_MS),
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300)
    throw new Error(`${JSON.stringify(body)} is refused: ${answer.statusCode} ${text}`);
}
