import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import express from 'express';
import { DatabaseError } from 'pg';
import supertest from 'supertest';
import { z } from 'zod';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import { AppError, ERRORS } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import {
  contextOf,
  identityOf,
  jsonBody,
  notFound,
  parseWith,
  problemErrors,
  queryOf,
  requestContext,
  requireIdentity,
} from './http.ts';
import { listen } from './listen.ts';
import type { Listening } from './listen.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import type { Metrics } from './metrics.ts';
import { createVerifier, readTrustedKeys } from './service-identity.ts';

/** A published test number. */
export const CARD = '4242424242424242';
/** What must stay inside. */
export const INTERNAL = 'relation "secret_table" does not exist at db-1.internal';

/** An app of every middleware on a real port, and what it logged as errors. */
export type TestApp = {
  server: Listening;
  metrics: Metrics;
  /** PEM by service name. */
  privateKeys: Record<string, string>;
  logged: Record<string, unknown>[];
};

export async function startTestApp(): Promise<TestApp> {
  const keys = createServiceKeys();
  const metrics = createMetrics('kit');
  const logged: Record<string, unknown>[] = [];
  const log = createLog('kit', 'silent');
  log.error = (fields: unknown) => void logged.push(Object(fields));
  const verifier = createVerifier('kit', readTrustedKeys(keys.trustedKeys));
  const app = express();
  app.use(requestContext(metrics, log));
  app.post('/echo', jsonBody(), (request, response) => void response.json({ got: request.body }));
  app.post(
    '/rooms',
    jsonBody(),
    (request, response) => void response.json(parseWith(roomSchema, request.body)),
  );
  app.get('/query', (request, response) => void response.json(queryOf(request)));
  app.get('/rooms/:id', (request, response) => void response.json({ id: request.params.id }));
  app.get('/me', requireIdentity(verifier, 'rooms:read'), (request, response) => {
    response.json({ ...identityOf(request), address: contextOf(request).address });
  });
  app.get('/write', requireIdentity(verifier, 'rooms:write'), (_request, response) => void response.json({}));
  app.get('/fail/:kind', (request) => {
    throw failures[request.params.kind] ?? new Error('unknown kind');
  });
  app.get('/fail-late', async (_request, response) => {
    response.write('half of an answer');
    throw new Error(INTERNAL);
  });
  app.use(notFound());
  app.use(problemErrors(log));
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  return { server, metrics, privateKeys: keys.privateKeys, logged };
}

const roomSchema = z.strictObject({
  number: z.int().min(1),
  floor: z.strictObject({ level: z.int() }).optional(),
});
const failures: Record<string, Error> = {
  bug: new TypeError(INTERNAL, { cause: new Error(INTERNAL) }),
  refusal: new AppError('state_conflict', {
    detail: 'It is taken.',
    internal: INTERNAL,
    retryAfterSeconds: 7,
  }),
  internal: new AppError('internal', { internal: INTERNAL }),
  'database-stopping': Object.assign(new DatabaseError(INTERNAL, 1, 'error'), { code: '57P01' }),
  'database-refused': Object.assign(new Error(INTERNAL), { code: 'ECONNREFUSED' }),
  'database-statement': Object.assign(new DatabaseError(INTERNAL, 1, 'error'), { code: '42P01' }),
};

/** A POST whose bytes arrive as they are. */
export function post(
  app: TestApp,
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): supertest.Test {
  const request = supertest(app.server.url)
    .post(path)
    .set({ 'content-type': 'application/json', ...headers });
  // As bytes: text would be serialised by its content type.
  request.write(body);
  return request;
}

/** Checks that the answer is this refusal, whole. */
export async function refused(request: supertest.Test, code: ErrorCode): Promise<supertest.Response> {
  const answer = await request;
  assert.equal(answer.body.code, code, answer.text);
  assert.equal(answer.status, ERRORS[code].http);
  assert.equal(answer.body.status, answer.status);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.body.request_id, answer.headers['x-request-id']);
  return answer;
}

export function requestHead(line: string, headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, 'host: kit.test', ...headers, '', ''].join('\r\n');
}

export function chunkedRequest(path: string, chunks: readonly string[]): string {
  const head = requestHead(`POST ${path}`, [
    'content-type: application/json',
    'transfer-encoding: chunked',
    'connection: close',
  ]);
  return `${head}${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`;
}

/** Sends bytes as they are and reads until the server closes. */
export async function rawExchange(app: TestApp, bytes: string): Promise<string> {
  const socket = connect(app.server.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  // A server that closes while we still write resets the connection; what it said before counts.
  socket.on('error', () => {});
  socket.setTimeout(60_000, () => socket.destroy());
  socket.write(Buffer.from(bytes));
  await once(socket, 'close');
  return answer;
}
