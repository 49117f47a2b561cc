import type { Fault } from '@centra/testkit/fault-proxy.ts';
import type { LinkName, ReplicaName } from '../stage/stage.ts';
import type { SimulatorSwitch } from './simulator-switches.ts';

/** What is done to one thing on the stage, and for how long; drawn before anything is done. */
export type PlannedFault = { name: string; holdMs: number } & (
  | { kind: 'kill'; replicas: readonly ReplicaName[] }
  | { kind: 'pause'; replica: ReplicaName }
  | { kind: 'network'; link: LinkName; fault: Fault }
  | { kind: 'redis-flush' }
  | { kind: 'redis-kill' }
  | { kind: 'postgres-kill' }
  | { kind: 'postgres-pause' }
  | { kind: 'simulator'; simulator: 'stripe' | 'vaultera'; behaviour: SimulatorSwitch }
);

/** What it strikes: two faults of the same thing do not overlap, since the end of one would be the end of the other. */
export function targetsOf(planned: PlannedFault): readonly string[] {
  switch (planned.kind) {
    case 'kill':
      return planned.replicas;
    case 'pause':
      return [planned.replica];
    case 'network':
      return [`link ${planned.link}`];
    case 'redis-flush':
    case 'redis-kill':
      return ['redis'];
    case 'postgres-kill':
    case 'postgres-pause':
      return ['postgres'];
    case 'simulator':
      return [planned.simulator];
    default:
      throw new Error(`nothing is struck by ${JSON.stringify(planned satisfies never)}`);
  }
}

/** What `nemesis.jsonl` tells of it. */
export function detailsOf(planned: PlannedFault): Record<string, string | number | boolean> {
  const { holdMs } = planned;
  if (planned.kind === 'network') return { holdMs, ...planned.fault };
  if (planned.kind === 'simulator') return { holdMs, ...planned.behaviour };
  return { holdMs };
}
