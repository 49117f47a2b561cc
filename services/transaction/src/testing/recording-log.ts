import { createLog } from '@centra/service-kit/log.ts';
import type { Logger } from '@centra/service-kit/log.ts';

/** A silent log that keeps the messages of its errors. */
export function recordingLog(): { log: Logger; errors: string[] } {
  const errors: string[] = [];
  const log = createLog('transaction', 'silent');
  log.error = (...line: unknown[]) =>
    void errors.push(line.filter((part) => typeof part === 'string').join(' '));
  return { log, errors };
}
