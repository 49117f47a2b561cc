import { Agent, errors, request } from 'undici';
import type { Config } from '../config.ts';
import type { Reply } from '../replies.ts';
import { badRequest, VaulteraError } from '../replies.ts';
import type { Target } from './target.ts';
import { guardedLookup, RefusedTarget } from './target.ts';

export type TargetClient = { agent: Agent; timeoutMs: number };

/** RFC 9110, 7.6.1, and what belongs to one connection or is written anew: host, length, expectation. */
const NOT_FORWARDED = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'expect',
]);

/** A gateway's answer is a few kilobytes; this leaves room for a statement or a PDF. */
const REPLY_MAX_BYTES = 10 * 1024 * 1024;

/** A target that does not accept a connection in this time is treated as too slow. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Enough for a load test's concurrency, few enough not to exhaust a target's sockets. */
const CONNECTIONS_PER_TARGET_MAX = 256;

export function openTargetClient(config: Config): TargetClient {
  const agent = new Agent({
    connections: CONNECTIONS_PER_TARGET_MAX,
    pipelining: 1,
    // One deadline covers the whole exchange (see below), so the partial ones are off.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { lookup: guardedLookup(config), timeout: Math.min(CONNECT_TIMEOUT_MS, config.sendTimeoutMs) },
  });
  return { agent, timeoutMs: config.sendTimeoutMs };
}

/**
 * Sends a filled request to its target and returns the target's answer as it came, redirects included.
 * Throws 504 when the target is too slow and 502 when it is unreachable or hangs up: in both it may have acted.
 */
export async function forward(
  client: TargetClient,
  target: Target,
  rawHeaders: string[],
  body: Buffer,
): Promise<Reply> {
  try {
    const response = await request(target.url, {
      dispatcher: client.agent,
      method: target.method,
      headers: forwardedHeaders(rawHeaders),
      body: body.length === 0 ? null : body,
      signal: AbortSignal.timeout(client.timeoutMs),
    });
    return {
      status: response.statusCode,
      reason: response.statusText,
      headers: returnedHeaders(response.headers),
      body: await readReply(response.body),
    };
  } catch (error) {
    throw forwardError(error);
  }
}

/** Raw headers as `[name, value, name, value]`, so that order, spelling and repetition survive. */
function forwardedHeaders(rawHeaders: string[]): string[] {
  const dropped = new Set(NOT_FORWARDED);
  const pairs = rawHeaders.flatMap((name, at) =>
    at % 2 === 0 ? [{ name, value: rawHeaders[at + 1] ?? '' }] : [],
  );
  for (const { name, value } of pairs) {
    if (name.toLowerCase() === 'connection')
      for (const named of value.split(',')) dropped.add(named.trim().toLowerCase());
  }
  return pairs.flatMap(({ name, value }) => (dropped.has(name.toLowerCase()) ? [] : [name, value]));
}

function returnedHeaders(headers: Record<string, string | string[] | undefined>): Reply['headers'] {
  const named = [headers.connection ?? []].flat().flatMap((value) => value.split(','));
  const dropped = new Set([...NOT_FORWARDED, ...named.map((name) => name.trim().toLowerCase())]);
  const returned: Reply['headers'] = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !dropped.has(name)) returned[name] = value;
  }
  return returned;
}

async function readReply(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > REPLY_MAX_BYTES)
      throw new VaulteraError(502, 'bad_gateway', 'The answer of the target is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function forwardError(error: unknown): Error {
  if (error instanceof VaulteraError) return error;
  if (error instanceof RefusedTarget) return badRequest('the target address is not allowed');
  const tooSlow =
    error instanceof errors.ConnectTimeoutError || (error instanceof Error && error.name === 'TimeoutError');
  return tooSlow
    ? new VaulteraError(504, 'gateway_timeout', 'The target did not answer in time')
    : new VaulteraError(502, 'bad_gateway', 'The target is unreachable');
}
