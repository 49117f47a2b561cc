import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  CircuitState,
  SamplingBreaker,
  bulkhead,
  circuitBreaker,
  handleWhenResult,
} from 'cockatiel';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Failpoint } from '@centra/service-kit/failpoint.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import type { UpstreamConfig } from '../config.ts';
import type { Context, GatewayCounters } from '../context.ts';
import { knownMethod } from '../edge/access-log.ts';
import type { UpstreamName } from '../routes.ts';
import type { Outcome } from './attempt.ts';
import { createProxy } from './proxy.ts';

export type Upstream = {
  host: string;
  /** Throws 503 when a request would be refused anyway, so that no work is done for it. */
  refuseOverload(): void;
  /**
   * Passes the request on under the breaker and the concurrency limits; throws 503 when they refuse it. One holder may
   * hold a share of the places. What is not known does not count for the breaker: strangers must neither take the
   * hotels' places nor shut the door on them.
   */
  pass(
    holder: string,
    isKnown: boolean,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Outcome>;
  close(): void;
};

// Half of at least 20 calls in ten seconds: not one unlucky request, and noticed before callers give up.
const FAILURE_SHARE = 0.5;
const SAMPLE_MS = 10_000;
const SAMPLE_CALLS_MIN = 20;
// One request is tried after this long; a restarted service is back in about two seconds.
const PROBE_AFTER_MS = 2_000;
// One hotel whose provider hangs may hold this share of the places, so that the others still get through.
const HOLDER_SHARE = 0.25;
const RETRY_AFTER_S = 1;

/** One upstream service with its keep-alive connections, breaker and places. */
export function createUpstream(options: {
  name: UpstreamName;
  config: UpstreamConfig;
  failpoint: Failpoint;
  lifecycle: Context['lifecycle'];
  counters: GatewayCounters;
  log: Logger;
}): Upstream {
  const { name, config, counters } = options;
  const proxy = createProxy(config, options);
  const places = bulkhead(config.concurrency, 0);
  const held = createHoldings(Math.max(Math.floor(config.concurrency * HOLDER_SHARE), 1));
  const { breaker, isOpen } = createBreaker(options);

  const refuse = (reason: string): never => {
    counters.shed.inc({ upstream: name, reason });
    throw new AppError('unavailable', { retryAfterSeconds: RETRY_AFTER_S, internal: `${name}: ${reason}` });
  };

  return {
    host: config.url.host,
    refuseOverload() {
      if (places.executionSlots === 0) refuse('full');
      if (isOpen()) refuse('breaker');
    },
    async pass(holder, isKnown, request, response) {
      // A second request would otherwise wait for the outcome of the one that probes.
      if (breaker.state === CircuitState.HalfOpen) refuse('breaker');
      if (!held.take(holder)) refuse('merchant');
      const end = counters.clientSeconds.startTimer({ target: name, method: knownMethod(request.method) });
      try {
        const pass = () => proxy.pass(request, response);
        const outcome = await places.execute(() => (isKnown ? breaker.execute(pass) : pass()));
        counters.outcomes.inc({ upstream: name, outcome });
        end({ status: outcome });
        return outcome;
      } catch (error) {
        if (error instanceof BulkheadRejectedError) refuse('full');
        if (error instanceof BrokenCircuitError) refuse('breaker');
        throw error;
      } finally {
        held.release(holder);
      }
    },
    close: () => proxy.close(),
  };
}

// The policy sees what `proxy.pass` resolved to, an Outcome, as unknown.
const FAILURES: ReadonlySet<unknown> = new Set<Outcome>(['failed', 'unreachable', 'broken', 'late']);

function createBreaker(options: { name: UpstreamName; counters: GatewayCounters; log: Logger }) {
  const { name, counters, log } = options;
  const breaker = circuitBreaker(
    handleWhenResult((outcome) => FAILURES.has(outcome)),
    {
      halfOpenAfter: PROBE_AFTER_MS,
      breaker: new SamplingBreaker({
        threshold: FAILURE_SHARE,
        duration: SAMPLE_MS,
        minimumRps: SAMPLE_CALLS_MIN / (SAMPLE_MS / 1000),
      }),
    },
  );
  let openUntil = 0;
  counters.breaker.set({ upstream: name }, CircuitState.Closed);
  breaker.onStateChange((state) => {
    if (state === CircuitState.Open) openUntil = Date.now() + PROBE_AFTER_MS;
    counters.breaker.set({ upstream: name }, state);
    log.warn({ upstream: name, state: CircuitState[state] }, 'breaker changed');
  });
  return { breaker, isOpen: () => breaker.state === CircuitState.Open && Date.now() < openUntil };
}

/** How many places each holder has right now; those without any are not kept. */
function createHoldings(max: number): {
  take(holder: string): boolean;
  release(holder: string): void;
} {
  const held = new Map<string, number>();
  return {
    take(holder) {
      const count = held.get(holder) ?? 0;
      if (count >= max) return false;
      held.set(holder, count + 1);
      return true;
    },
    release(holder) {
      const count = held.get(holder) ?? 0;
      if (count <= 1) held.delete(holder);
      else held.set(holder, count - 1);
    },
  };
}
