import { ConfigError, envIsProduction, envOptional } from './env.ts';
import type { Env } from './env.ts';

/** Called at a named step of a money path. Does nothing unless a test armed that name. */
export type Failpoint = (name: string) => void;

/**
 * Reads `FAILPOINT`: the name of the one step at which this process kills itself with SIGKILL, as a power cut would.
 * Refused in production, where the returned function is empty.
 */
export function createFailpoint(env: Env): Failpoint {
  const armed = envOptional(env, 'FAILPOINT');
  if (armed === undefined) return () => {};
  if (envIsProduction(env)) throw new ConfigError('FAILPOINT must not be set in production');
  return (name) => {
    if (name === armed) process.kill(process.pid, 'SIGKILL');
  };
}
