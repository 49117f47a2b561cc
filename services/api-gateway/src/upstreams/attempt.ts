import type { ClientRequest } from 'node:http';

/**
 * What became of a request that was passed on.
 * - `answered`: an answer came, whatever it says; `failed`: a 5xx; `shed`: a 503 with Retry-After, which is a policy.
 * - `unreachable`: no connection, so surely nothing was sent.
 * - `broken`: the connection was lost after something was sent; `late`: no whole answer in time.
 * - `oversized`: the body turned out larger than allowed; `abandoned`: the caller went away.
 */
export type Outcome =
  | 'answered'
  | 'failed'
  | 'shed'
  | 'unreachable'
  | 'broken'
  | 'late'
  | 'oversized'
  | 'abandoned';

/** One request passed on to an upstream. */
export type Attempt = {
  outcome: Outcome | undefined;
  /** Whether the connection stood, so that the upstream may have seen something of it. */
  sent: boolean;
  replayed: boolean;
  /** The request to the upstream, once it exists. */
  outgoing: ClientRequest | undefined;
};

export function newAttempt(): Attempt {
  return { outcome: undefined, sent: false, replayed: false, outgoing: undefined };
}

/** Ends the request to the upstream; the first reason stays. */
export function cut(attempt: Attempt, outcome: Outcome): void {
  attempt.outcome ??= outcome;
  attempt.outgoing?.destroy(new Error(`cut: ${outcome}`));
}
