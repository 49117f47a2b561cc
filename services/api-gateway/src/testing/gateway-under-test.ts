import { join } from 'node:path';
import { createLog, errorForLog } from '@centra/service-kit/log.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { envToConfig } from '../config.ts';
import type { Overrides } from '../context.ts';
import { startGateway } from '../service.ts';
import type { Gateway } from '../service.ts';
import { writeKeys } from './child-service.ts';
import { toJsonObject } from './http-call.ts';
import type { RealAuth } from './real-auth.ts';

export type LogLine = Record<string, unknown>;
export type TestGateway = Gateway & { lines: LogLine[] };

// Nobody listens on port 1: a service that is not there.
export const NOWHERE = 'http://127.0.0.1:1';

/** The gateway in this process on free ports. `urls` are its upstreams; those not given are away. */
export async function startTestGateway(
  auth: RealAuth,
  urls: { paymentApi?: string; merchant?: string; merchantGrpc?: string },
  env: Record<string, string> = {},
  overrides: Overrides = {},
): Promise<TestGateway> {
  const lines: LogLine[] = [];
  const config = envToConfig({
    HTTP_PORT: '0',
    OPS_PORT: '0',
    AUTH_URL: auth.httpUrl,
    AUTH_GRPC_ADDRESS: auth.grpcAddress,
    PAYMENT_API_URL: urls.paymentApi ?? NOWHERE,
    MERCHANT_URL: urls.merchant ?? NOWHERE,
    MERCHANT_GRPC_ADDRESS: urls.merchantGrpc ?? '127.0.0.1:1',
    ...writeKeys('api-gateway', auth.keys, join(auth.folder, 'api-gateway')),
    ...env,
  });
  return Object.assign(await startGateway(config, { log: recordingLog(lines), ...overrides }), { lines });
}

const LEVELS = new Set<unknown>(['debug', 'info', 'warn', 'error', 'fatal']);

/** A log whose lines the test can read. */
function recordingLog(lines: LogLine[]): Logger {
  return new Proxy(createLog('api-gateway', 'silent'), {
    get: (log, name): unknown => (LEVELS.has(name) ? recordAt(String(name), lines) : Reflect.get(log, name)),
  });
}

function recordAt(level: string, lines: LogLine[]): (first: object | string, message?: string) => void {
  return (first, message) => {
    const fields = typeof first === 'string' ? { message: first } : { ...first, message };
    const err = 'err' in fields ? { err: errorForLog(fields.err) } : {};
    const raw = JSON.stringify({ level, ...fields, ...err });
    lines.push({ ...toJsonObject(raw), raw });
  };
}
