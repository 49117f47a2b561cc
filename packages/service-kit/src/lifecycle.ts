import type { Env } from './env.ts';
import type { Logger } from './log.ts';
import { ConfigError, envChoice, readEnv } from './env.ts';
import { createLog } from './log.ts';
import { tracing } from './tracing.ts';

/** A started service: how to stop it without dropping work. */
export type Running = { close(): Promise<void> };

// Kubernetes sends SIGKILL after 30 s by default; everything must be drained before.
const STOP_TIMEOUT_MS = 25_000;

/**
 * Boots a service and stops it on SIGTERM or SIGINT. A refused configuration or failed start is one clear line and exit 1;
 * an escaped error is logged and the process ends, since its state is no longer known.
 */
export async function runService(
  service: string,
  start: (env: Env, log: Logger) => Promise<Running>,
): Promise<void> {
  const env = readEnv();
  const log = startLog(service, env);
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception');
    process.exit(1);
  });
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled rejection');
    process.exit(1);
  });
  let running: Running;
  try {
    running = await start(env, log);
  } catch (error) {
    refuseStart(log, error);
  }
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.error('did not stop in time');
      process.exit(1);
    }, STOP_TIMEOUT_MS).unref();
    closeAll(running).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'failed while stopping');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
}

/** The traces of what was drained are sent last. */
async function closeAll(running: Running): Promise<void> {
  try {
    await running.close();
  } finally {
    await tracing()?.close();
  }
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

function startLog(service: string, env: Env): Logger {
  try {
    return createLog(service, envChoice(env, 'LOG_LEVEL', LOG_LEVELS, 'info'));
  } catch (error) {
    return refuseStart(createLog(service), error);
  }
}

function refuseStart(log: Logger, error: unknown): never {
  if (error instanceof ConfigError) log.fatal(`cannot start: ${error.message}`);
  else log.fatal({ err: error }, 'cannot start');
  process.exit(1);
}
