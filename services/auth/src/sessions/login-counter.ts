import { isErrorCode } from '@centra/service-kit/errors.ts';
import { contextOf } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { Request } from 'express';
import type { Context } from '../context.ts';

export type OutcomeCounter = { inc(labels: { outcome: string }): void };

/** Log-ins by outcome: a rise of `login_failed` over many accounts is somebody trying passwords. */
export function loginCounter(metrics: Metrics): OutcomeCounter {
  return metrics.counter('centra_auth_logins_total', 'Log-ins by outcome', ['outcome']);
}

/** Refreshes by outcome: each `token_reused` is a stolen token, or a client that refreshes twice at once. */
export function refreshCounter(metrics: Metrics): OutcomeCounter {
  return metrics.counter('centra_auth_refreshes_total', 'Refreshes of tokens by outcome', ['outcome']);
}

/** What a step of a log-in finds out about who it is, for the log. */
export type Who = {
  /** UUID. */
  userId?: string | undefined;
  /** The first letters of the hash of the address: that of an unknown account is somebody's, and not ours to keep. */
  account?: string;
};

/** Counts how a step of a log-in ended, and logs what was refused. */
export async function counted<T extends { status: string }>(
  context: Context,
  request: Request,
  step: (who: Who) => Promise<T>,
): Promise<T> {
  const who: Who = {};
  try {
    const answer = await step(who);
    context.logins.inc({ outcome: answer.status });
    return answer;
  } catch (error) {
    const outcome = outcomeOf(error);
    context.logins.inc({ outcome });
    const { address, requestId } = contextOf(request);
    const userId = who.userId === undefined ? undefined : toPublicId('usr', who.userId);
    context.log.info({ outcome, userId, account: who.account, address, requestId }, 'log-in refused');
    throw error;
  }
}

/** A refusal's code; whatever else went wrong is `error`, so that no text of an error becomes a label. */
export function outcomeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return isErrorCode(code) ? code : 'error';
}
