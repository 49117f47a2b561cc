import { readFileSync } from 'node:fs';

/** The variables of a process; tests pass a plain object. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A missing or unsafe variable. The service does not start; the message names the variable and what it wants. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** The only place that touches `process.env`. */
export function readEnv(): Env {
  return { ...process.env };
}

/** Text; unset or empty it is the default, and without a default the service does not start. */
export function envText(env: Env, name: string, fallback?: string): string {
  const value = envOptional(env, name) ?? fallback;
  if (value === undefined || value === '') throw new ConfigError(`${name} is not set`);
  return value;
}

/** Text or undefined when unset or empty. */
export function envOptional(env: Env, name: string): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}

/** A whole number within [min, max]. */
export function envInteger(env: Env, name: string, fallback: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max)
    throw new ConfigError(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
  return value;
}

/** A TCP port, 0 to 65535; 0 lets the system choose a free one. */
export function envPort(env: Env, name: string, fallback: number): number {
  return envInteger(env, name, fallback, 0, 65_535);
}

/** "true" or "false". */
export function envFlag(env: Env, name: string, fallback: boolean): boolean {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  if (text !== 'true' && text !== 'false')
    throw new ConfigError(`${name} must be true or false, not "${text}"`);
  return text === 'true';
}

/** An absolute http(s) URL without a trailing slash. */
export function envUrl(env: Env, name: string, fallback?: string): string {
  const text = envText(env, name, fallback);
  // The text is not repeated: what stands here by mistake may be a database URL with its password.
  if (!URL.canParse(text) || !/^https?:\/\//.test(text))
    throw new ConfigError(`${name} must be an http(s) URL`);
  return text.replace(/\/+$/, '');
}

/** The content of the file that the variable names. */
export function envFile(env: Env, name: string): string {
  const path = envText(env, name);
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new ConfigError(`${name} names a file that cannot be read`);
  }
}

/** One of the given words. */
export function envChoice<T extends string>(env: Env, name: string, choices: readonly T[], fallback: T): T {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const found = choices.find((choice) => choice === text);
  if (found === undefined)
    throw new ConfigError(`${name} must be one of ${choices.join(', ')}, not "${text}"`);
  return found;
}

/** `production` switches developer conveniences off (failpoints, plain-http loopback providers, created keyrings). */
export function envIsProduction(env: Env): boolean {
  return env['NODE_ENV'] === 'production';
}
