import type { FaultProxy } from '@centra/testkit/fault-proxy.ts';
import type { ReplicaName, Stage } from '../stage/stage.ts';
import type { ArmedService } from './crash-cases.ts';

/** The process that is armed, and the one that takes over. */
export const REPLICAS_OF = {
  'api-gateway': { armed: 'api-gateway-2', other: 'api-gateway-1' },
  'payment-api': { armed: 'payment-api-2', other: 'payment-api-1' },
  transaction: { armed: 'transaction-2', other: 'transaction-1' },
} as const satisfies Record<ArmedService, { armed: ReplicaName; other: ReplicaName }>;

export type Wiring = {
  /** Requests that any process may answer; never while an armed one is in the way. */
  shared<T>(work: () => Promise<T>): Promise<T>;
  /** While nobody else asks for anything. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** From now on every request passes this replica of the service; connections to another one are cut. */
  route(service: ArmedService, replica: ReplicaName): void;
};

/**
 * Decides who gets the requests. An armed process dies of the first request of its kind, so it may be reached by the
 * one operation that is meant for it, and by nobody's repetition of another.
 */
export function createWiring(stage: Stage): Wiring {
  // Any request is the end of an armed gateway; a provider's would be one that nobody here has sent.
  lead(stage.links.webhooks, stage.replica(REPLICAS_OF['api-gateway'].other).ports.http);
  const gate: { closed: Promise<void> | undefined } = { closed: undefined };
  const inside = new Set<Promise<unknown>>();
  return {
    async shared(work) {
      while (gate.closed !== undefined) await gate.closed;
      const working = work();
      inside.add(working);
      try {
        return await working;
      } finally {
        inside.delete(working);
      }
    },
    async alone(work) {
      while (gate.closed !== undefined) await gate.closed;
      const { promise, resolve } = Promise.withResolvers<void>();
      gate.closed = promise;
      try {
        await Promise.allSettled(inside);
        return await work();
      } finally {
        gate.closed = undefined;
        resolve();
      }
    },
    route(service, replica) {
      // Each gateway has a door of its own; which one a client asks is its own choice.
      if (service === 'api-gateway') return;
      const { http, grpc } = stage.replica(replica).ports;
      if (service === 'payment-api') lead(stage.links['payment-api'], http);
      else lead(stage.links['transaction-grpc'], grpc);
    },
  };
}

function lead(link: FaultProxy, port: number): void {
  link.setTargets([{ host: '127.0.0.1', port }]);
  // Connections that are kept for the next request lead where they led before.
  link.breakAll();
}
