import { ERRORS } from '@centra/service-kit/errors.ts';
import { callMetadata, callUnary, isServiceError } from '@centra/service-kit/grpc.ts';
import { pause } from '@centra/service-kit/loop.ts';
import type { UnaryMethod } from './ask-transaction.ts';
import type { Context } from './context.ts';
import { sentRefusal, stillInProgress, surelyNotSent, unavailable } from './transaction-refusal.ts';

// A call whose answer was lost is safe to repeat: it carries the same operation id, and transaction answers from its
// record. Twice is enough to outlive a restart of one of its processes; longer waiting is the client's part.
const REPEATS_MAX = 2;
// Time for the connection to come back.
const REPEAT_PAUSE_MS = 200;
// Share of the whole deadline that is kept for each repeat, which only reads a record.
const REPEAT_SHARE = 0.05;

/**
 * Has transaction do something with money, by a request that carries an operation id. Throws its refusals; `unavailable`
 * (503) only when surely nothing was sent, and `in_progress` (409) when the answer was lost, so that the client asks
 * again with the same key and is told.
 */
export async function askOperation<Req, Res>(
  context: Context,
  method: UnaryMethod<Req, Res>,
  request: Req,
  options: { operationId: string; requestId: string },
): Promise<Res> {
  const { config } = context;
  const endsAt = performance.now() + config.saleDeadlineMs;
  let mayHaveRun = false;
  config.failpoint('payment-api.before-operation');
  for (let repeatsLeft = REPEATS_MAX; ; repeatsLeft -= 1) {
    const keptMs = repeatsLeft * (config.saleDeadlineMs * REPEAT_SHARE + REPEAT_PAUSE_MS);
    const leftMs = endsAt - performance.now();
    try {
      const answer = await callUnary(method, request, {
        metadata: callMetadata(options.requestId),
        // Never so short that a repeat cannot be answered, even when the time before was used up to the end.
        deadlineMs: Math.max(leftMs - keptMs, leftMs / (repeatsLeft + 1)),
      });
      config.failpoint('payment-api.after-operation');
      return answer;
    } catch (error) {
      if (!isServiceError(error)) throw error;
      const refusal = sentRefusal(error);
      // "Nothing was done" is about the repeat; what became of the call before is not known.
      if (refusal !== undefined && ERRORS[refusal.code].http === 503 && mayHaveRun)
        throw stillInProgress(error);
      if (refusal !== undefined) throw refusal;
      mayHaveRun ||= !surelyNotSent(error);
      if (repeatsLeft === 0 || endsAt - performance.now() <= REPEAT_PAUSE_MS)
        throw mayHaveRun ? stillInProgress(error) : unavailable(error);
      context.log.warn(
        { err: error, operationId: options.operationId, requestId: options.requestId, mayHaveRun },
        'operation is repeated',
      );
    }
    await pause(REPEAT_PAUSE_MS);
  }
}
