import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export type Metrics = {
  registry: Registry;
  /** Duration of requests in seconds by route pattern, method and status; never by raw path, which is unbounded. */
  requestSeconds: Histogram<'route' | 'method' | 'status'>;
  /** Duration of calls to others in seconds: service or provider, RPC or operation, and how it ended. */
  clientSeconds: Histogram<'target' | 'method' | 'status'>;
  /** One counter of the service's own, for example provider outcomes. */
  counter<L extends string>(name: string, help: string, labels: readonly L[]): Counter<L>;
  gauge<L extends string>(name: string, help: string, labels: readonly L[]): Gauge<L>;
};

// From a cached answer to the longest provider timeout.
const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The metrics of one process, in a registry of its own. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'centra_request_duration_seconds',
      help: 'Duration of requests by route',
      labelNames: ['route', 'method', 'status'],
      buckets: BUCKETS_S,
      registers: [registry],
    }),
    clientSeconds: new Histogram({
      name: 'centra_client_duration_seconds',
      help: 'Duration of calls to other services and providers',
      labelNames: ['target', 'method', 'status'],
      buckets: BUCKETS_S,
      registers: [registry],
    }),
    counter: (name, help, labels) =>
      new Counter({ name, help, labelNames: [...labels], registers: [registry] }),
    gauge: (name, help, labels) => new Gauge({ name, help, labelNames: [...labels], registers: [registry] }),
  };
}
