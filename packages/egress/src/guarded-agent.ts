import { isIP } from 'node:net';
import { Client } from 'undici';
import { isForbiddenAddress } from './forbidden-address.ts';
import { connectPinned, dialTcp } from './pinned-connection.ts';
import type { Destination, Dial, Progress } from './pinned-connection.ts';
import { checkPublicUrl } from './public-url.ts';
import type { UrlRefusal } from './public-url.ts';
import { createResolver, resolveName } from './resolve-name.ts';
import type { NameResolver } from './resolve-name.ts';
import { portOf } from './trusted-targets.ts';
import type { TrustedTargets } from './trusted-targets.ts';

/** What came of a call. Nothing of the receiver's answer but its status; of a call that was not allowed not even a reason. */
export type CallOutcome =
  | { result: 'delivered'; status: number }
  | { result: 'failed'; reason: 'status' | 'redirect'; status: number }
  | { result: 'failed'; reason: 'timeout' | 'tls' | 'connection' | 'too_slow' }
  | { result: 'not_allowed' };

/** What may be said of a URL before anything is sent to it; `unavailable`: the name servers did not answer. */
export type UrlVerdict = { result: 'allowed'; url: string } | { result: 'not_allowed' | 'unavailable' };

/** Why a call was not made. For our log and metrics, never for whoever chose the URL. */
export type Blocked = UrlRefusal | 'no_address' | 'forbidden_resolution' | 'strayed';

export type GuardedAgent = {
  /** Looks at the form of a URL, and at where its name leads now. */
  checkUrl(text: string): Promise<UrlVerdict>;
  /** One POST, judged anew. Throws AgentBusyError when too many are under way. */
  post(text: string, call: GuardedCall): Promise<CallOutcome>;
};

export type GuardedCall = { headers: Readonly<Record<string, string>>; body: string };

export type AgentOptions = {
  /** Default: the machine's name servers. */
  resolver?: NameResolver;
  /** Exceptions for development; empty in production. */
  trustedTargets?: TrustedTargets;
  /** Told why a call was not made. */
  onBlocked?: (why: Blocked) => void;
  /** Calls under way at once. */
  concurrentMax?: number;
  /** Milliseconds from the start of a call to its end, whatever the receiver does. */
  totalTimeoutMs?: number;
  /** PEM: authorities to trust instead of the system's. */
  ca?: string;
  /** How TCP connections are opened; tests stand in for the internet here. */
  dial?: Dial;
};

/** All places are taken: nothing was sent, and the caller tries later. */
export class AgentBusyError extends Error {
  override name = 'AgentBusyError';
}

// A call takes 10 s at most and a few kB; 64 of them are little memory and few sockets.
const CONCURRENT_MAX = 64;
// Failure 40: what a receiver may take in all.
const TOTAL_TIMEOUT_MS = 10_000;
// A receiver that answers more has said enough: what it sends is thrown away unread.
const ANSWER_MAX_BYTES = 64 * 1024;
const ANSWER_HEADERS_MAX_BYTES = 16 * 1024;
// "Not allowed" comes at multiples of this, so that the time it takes tells nobody whether a name exists inside, or
// whether it was the name, the address or the port that was refused. Most lookups end within the first.
const REFUSAL_STEP_MS = 250;

/**
 * Calls URLs that others chose. Each call resolves the name itself, checks every address it has, and connects to a checked
 * address and to no other. No redirect is followed, no proxy is used, no connection is used twice.
 */
export function createGuardedAgent(options: AgentOptions = {}): GuardedAgent {
  const guard: Guard = {
    resolver: options.resolver ?? createResolver(),
    trustedTargets: options.trustedTargets ?? [],
    dial: options.dial ?? dialTcp,
    ca: options.ca,
    totalTimeoutMs: options.totalTimeoutMs ?? TOTAL_TIMEOUT_MS,
  };
  const concurrentMax = options.concurrentMax ?? CONCURRENT_MAX;
  let underWay = 0;
  async function admit<T>(work: () => Promise<T>): Promise<T | { result: 'not_allowed' }> {
    if (underWay >= concurrentMax) throw new AgentBusyError('too many calls are under way');
    underWay += 1;
    const startedAt = performance.now();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BlockedError)) throw error;
      options.onBlocked?.(error.why);
      await untilNextStep(startedAt);
      return { result: 'not_allowed' };
    } finally {
      underWay -= 1;
    }
  }
  return {
    checkUrl: (text) => admit(() => checkUrl(guard, text)),
    post: (text, call) => admit(() => guardedPost(guard, text, call)),
  };
}

type Guard = {
  resolver: NameResolver;
  trustedTargets: TrustedTargets;
  dial: Dial;
  ca: string | undefined;
  totalTimeoutMs: number;
};

class BlockedError extends Error {
  override name = 'BlockedError';
  readonly why: Blocked;

  constructor(why: Blocked) {
    super(why);
    this.why = why;
  }
}

async function untilNextStep(startedAt: number): Promise<void> {
  const passedMs = performance.now() - startedAt;
  await new Promise((resolve) => setTimeout(resolve, REFUSAL_STEP_MS - (passedMs % REFUSAL_STEP_MS)));
}

async function checkUrl(guard: Guard, text: string): Promise<UrlVerdict> {
  const { url, trusted } = requirePublic(guard, text);
  const timeUp = AbortSignal.timeout(guard.totalTimeoutMs);
  const known = trusted || (await orAbort(pinnedAddress(guard, hostOf(url)), timeUp)) !== undefined;
  return known ? { result: 'allowed', url: url.href } : { result: 'unavailable' };
}

async function guardedPost(guard: Guard, text: string, call: GuardedCall): Promise<CallOutcome> {
  const { url, trusted } = requirePublic(guard, text);
  const timeUp = new AbortController();
  const timer = setTimeout(() => timeUp.abort(), guard.totalTimeoutMs);
  try {
    const host = hostOf(url);
    const pinned = trusted ? undefined : await orAbort(pinnedAddress(guard, host), timeUp.signal);
    if (!trusted && pinned === undefined)
      return { result: 'failed', reason: timeUp.signal.aborted ? 'timeout' : 'connection' };
    const to = { host, port: portOf(url), pinned, secure: url.protocol === 'https:' };
    return await send(guard, url, to, call, timeUp.signal);
  } finally {
    clearTimeout(timer);
  }
}

function requirePublic(guard: Guard, text: string): { url: URL; trusted: boolean } {
  const checked = checkPublicUrl(text, guard);
  if (!checked.allowed) throw new BlockedError(checked.why);
  return checked;
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/** The address to connect to, when every address of the name may be called; undefined when no name server answered. */
async function pinnedAddress(guard: Guard, host: string): Promise<string | undefined> {
  if (isIP(host) !== 0) return host;
  const resolution = await resolveName(guard.resolver, host);
  if (!resolution.found) {
    if (resolution.why === 'unavailable') return undefined;
    throw new BlockedError('no_address');
  }
  // All of them, not only the one that would be used: whoever mixes one of ours in is trying it out.
  if (resolution.addresses.some(isForbiddenAddress)) throw new BlockedError('forbidden_resolution');
  return resolution.addresses[0];
}

async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  return await Promise.race([work, aborted]);
}

async function send(
  guard: Guard,
  url: URL,
  to: Destination,
  call: GuardedCall,
  timeUp: AbortSignal,
): Promise<CallOutcome> {
  const progress: Progress = { stage: 'tcp', timedOut: false, strayed: false };
  // One connection for one call. undici's own client knows no redirects, no cookies, no proxy and no environment.
  const client = new Client(url.origin, {
    connect: (_options, done) => connectPinned(to, { ...guard, progress }, done),
    maxHeaderSize: ANSWER_HEADERS_MAX_BYTES,
    headersTimeout: guard.totalTimeoutMs,
    bodyTimeout: guard.totalTimeoutMs,
  });
  try {
    const { statusCode, body } = await client.request({
      method: 'POST',
      path: url.pathname + url.search,
      // Nothing compressed: a small answer could unfold into a large one.
      headers: { ...call.headers, 'accept-encoding': 'identity' },
      body: call.body,
      signal: timeUp,
      // Closes the connection after the answer.
      reset: true,
    });
    await body.dump({ limit: ANSWER_MAX_BYTES, signal: timeUp }).catch(() => {});
    return timeUp.aborted ? { result: 'failed', reason: 'too_slow' } : judge(statusCode);
  } catch {
    // The error's own words come from the receiver's side and are nobody's business.
    return afterFailure(progress, timeUp);
  } finally {
    await client.destroy();
  }
}

function judge(status: number): CallOutcome {
  if (status >= 200 && status < 300) return { result: 'delivered', status };
  return { result: 'failed', reason: status >= 300 && status < 400 ? 'redirect' : 'status', status };
}

function afterFailure(progress: Progress, timeUp: AbortSignal): CallOutcome {
  if (progress.strayed) throw new BlockedError('strayed');
  if (progress.timedOut || timeUp.aborted) return { result: 'failed', reason: 'timeout' };
  return { result: 'failed', reason: progress.stage === 'tls' ? 'tls' : 'connection' };
}
