import { Agent, request } from 'undici';
import type { CredentialResult } from './provider.ts';

/** Where a provider's API is in each mode: our configuration, never a hotel's. */
export type ModeUrls = Readonly<Record<'test' | 'live', string>>;

export type CheckOptions = { urls: ModeUrls; timeoutMs: number };

/** A provider that this service can ask whether credentials work, and nothing else yet. */
export type CredentialChecker = {
  /** Moves no money, stores nothing, never throws for what the provider does. */
  checkCredentials(
    mode: 'test' | 'live',
    credentials: ReadonlyMap<string, string>,
  ): Promise<CredentialResult>;
  close(): Promise<void>;
};

export type CheckCall = {
  method: 'GET' | 'POST';
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
};
export type CheckReply = { status: number; body: string };

/** Asks one call of a check; throws when there is no whole answer within the limits. */
export type Ask = (call: CheckCall) => Promise<CheckReply>;

// Shorter than the merchant service waits, so that it hears our words and not its own deadline.
const CHECK_TIMEOUT_MAX_MS = 10_000;
// Answers to such questions are below a kilobyte or two; more is not one.
const REPLY_MAX_BYTES = 64 * 1024;

/**
 * A checker whose calls go to the mode's own host, follow no redirect, and have ten seconds altogether. Whatever hinders an
 * answer (no connection, a timeout, a torn or oversized body) comes out as `unreachable`.
 */
export function createChecker(
  options: CheckOptions & { label: string },
  check: (
    ask: Ask,
    mode: 'test' | 'live',
    credentials: ReadonlyMap<string, string>,
  ) => Promise<CredentialResult>,
): CredentialChecker {
  const agent = new Agent({ connections: 8, keepAliveTimeout: 10_000 });
  return {
    async checkCredentials(mode, credentials) {
      const signal = AbortSignal.timeout(Math.min(options.timeoutMs, CHECK_TIMEOUT_MAX_MS));
      const ask: Ask = async (call) => await send(agent, options.urls[mode], call, signal);
      try {
        return await check(ask, mode, credentials);
      } catch {
        return noAnswer(options.label);
      }
    },
    close: async () => await agent.close(),
  };
}

/** The provider gave no answer that can be understood: nothing is known about the credentials. */
export function noAnswer(label: string): CredentialResult {
  const message = `${label} could not be reached. Nothing was saved; please try again in a few minutes.`;
  return { result: 'unreachable', message, accountName: '' };
}

async function send(agent: Agent, base: string, call: CheckCall, signal: AbortSignal): Promise<CheckReply> {
  const reply = await request(`${base}${call.path}`, {
    dispatcher: agent,
    method: call.method,
    headers: call.headers,
    body: call.body ?? null,
    signal,
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of reply.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > REPLY_MAX_BYTES) throw new Error('the answer is larger than 64 KiB');
    chunks.push(chunk);
  }
  return { status: reply.statusCode, body: Buffer.concat(chunks).toString('utf8') };
}

/** The JSON of a body, or undefined. */
export function tryJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
