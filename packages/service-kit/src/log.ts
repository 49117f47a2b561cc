import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger } from 'pino';

// Header and field names whose values never belong in a log, wherever they stand. Values are also kept out by the
// rule that nobody logs a body, and by Secret; this list is the second net.
const REDACTED_PATHS = [
  'authorization',
  'cookie',
  'secret',
  'password',
  'token',
  'card',
  'card_number',
  'service_code',
  'cvv',
  'cvc',
  'api_key',
  'secret_key',
  'client_secret',
  'credentials',
  'body',
].flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);

/** JSON lines on standard output with the service's name and UTC time. */
export function createLog(service: string, level = 'info'): Logger {
  return pino({
    level,
    base: { service },
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    serializers: { err: errorForLog },
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** What of an error may be logged: name, message, stack, code; never attached requests, bodies or raw replies. */
export function errorForLog(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined;
  return {
    name: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: errorForLog(error.cause) }),
  };
}
