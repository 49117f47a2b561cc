import { writeSync } from 'node:fs';
import { ConfigError, envIsProduction, envOptional } from './env.ts';
import type { Env } from './env.ts';

/** Called at a named step of a money path. Does nothing unless a test armed that name. */
export type Failpoint = (name: string) => void;

/** What transaction asks a provider for; each passes the same steps. */
const KINDS = ['sale', 'authorize', 'capture', 'void', 'refund', 'adjust'] as const;
const KIND_STEPS = ['before-write-1', 'after-write-1', 'before-provider', 'after-provider', 'after-write-2'];

/** Every step at which a test may kill a process, by the service that passes it. README.md says where each stands. */
export const FAILPOINTS = {
  'api-gateway': ['gateway.before-forward', 'gateway.after-answer'],
  'payment-api': ['payment-api.before-operation', 'payment-api.after-operation', 'payment-api.after-store'],
  transaction: [
    ...KINDS.flatMap((kind) => KIND_STEPS.map((step) => `${kind}.${step}`)),
    'stripe.after-payment-method',
    'sweeper.after-claim',
    'sweeper.after-provider',
    'sweeper.after-settle',
    'provider-event.after-store',
    'provider-event.after-settle',
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** A service that passes named steps. */
export type FailpointService = keyof typeof FAILPOINTS;

/** The one that every process has in production: nothing to look up, nothing to compare. */
const NOTHING_ARMED: Failpoint = () => {};

/**
 * Reads `FAILPOINT`: the name of the one step at which this process kills itself with SIGKILL, as a power cut would.
 * Refuses the start in production, and for a name that this service does not pass: a crash that cannot happen proves nothing.
 */
export function createFailpoint(env: Env, service: FailpointService): Failpoint {
  const armed = envOptional(env, 'FAILPOINT');
  if (armed === undefined) return NOTHING_ARMED;
  if (envIsProduction(env)) throw new ConfigError('FAILPOINT must not be set in production');
  const known: readonly string[] = FAILPOINTS[service];
  if (!known.includes(armed))
    throw new ConfigError(`FAILPOINT must be one of ${known.join(', ')}, not "${armed}"`);
  return (name) => {
    if (name === armed) die(service, name);
  };
}

/** Its last words are written at once, since nothing that waits to be flushed survives. */
function die(service: string, failpoint: string): void {
  const line = { level: 'fatal', time: new Date().toISOString(), service, failpoint };
  writeSync(process.stderr.fd, `${JSON.stringify({ ...line, message: 'killed at a failpoint' })}\n`);
  process.kill(process.pid, 'SIGKILL');
}
