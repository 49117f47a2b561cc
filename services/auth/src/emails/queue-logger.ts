import type { Logger } from '@centra/service-kit/log.ts';
import { Logger as QueueLogger } from 'graphile-worker';

const LEVELS = { error: 'error', warning: 'warn', info: 'debug', debug: 'trace' } as const;

/** The queue's words in our log, without what it attaches: that holds whole jobs, and jobs hold addresses. */
export function queueLogger(log: Logger): QueueLogger {
  return new QueueLogger(({ taskIdentifier }) => (level, message) => {
    log[LEVELS[level]]({ queue: 'emails', task: taskIdentifier }, message);
  });
}
