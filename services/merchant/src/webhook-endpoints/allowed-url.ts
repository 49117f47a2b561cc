import { AgentBusyError } from '@centra/egress/guarded-agent.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';

/**
 * The URL as it will be called, when it may be. 422 in the same words for everything that is not a public address or leads
 * to none; 503 when the name servers did not answer.
 */
export async function requireAllowedUrl(context: Context, text: string): Promise<string> {
  const verdict = await orUnavailable(context.egress.checkUrl(text));
  switch (verdict.result) {
    case 'allowed':
      return verdict.url;
    case 'not_allowed':
      throw new AppError('url_not_allowed');
    case 'unavailable':
      throw new AppError('unavailable', { retryAfterSeconds: 5, internal: 'no name server answered' });
    default:
      throw new Error(`no rule for ${JSON.stringify(verdict satisfies never)}`);
  }
}

/** Too many calls under way is 503: nothing was sent. */
export async function orUnavailable<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof AgentBusyError)) throw error;
    throw new AppError('unavailable', { retryAfterSeconds: 1, cause: error });
  }
}
