import { isDatabaseUnavailable } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import { WriteUncertain } from '../operations/begin-operation.ts';
import type { Begun, NewOperation } from '../operations/begin-operation.ts';
import { findOperation } from '../operations/operation.ts';
import type { OperationWithTiming } from '../operations/operation.ts';

// A second try meets the row of the first, if that was written; a third covers a database that restarts.
const BEGIN_ATTEMPTS_MAX = 3;

type BegunOrKnown = Extract<Begun, { kind: 'begun' }> | { kind: 'exists'; known: OperationWithTiming };

/**
 * A connection lost at COMMIT leaves open whether write 1 happened. Writing again finds out: a row with our own new
 * payment id is ours, and its lease is still this call's.
 */
export async function beginDespiteLostConnection(
  context: Context,
  operation: NewOperation,
): Promise<BegunOrKnown> {
  let mayBeStored = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const begun = await context.beginOperation(operation);
      if (begun.kind === 'begun') return begun;
      const known = await findOperation(context, operation.merchantId, operation.operationId);
      if (known === undefined) throw new Error('an operation exists and cannot be found');
      const { payment, attempt: holder, createdAt } = known.operation;
      return payment.id === operation.paymentId && holder === 1
        ? { kind: 'begun', createdAt }
        : { kind: 'exists', known };
    } catch (error) {
      mayBeStored ||= error instanceof WriteUncertain;
      if (attempt === BEGIN_ATTEMPTS_MAX || !(mayBeStored || isDatabaseUnavailable(error)))
        // 503 would say that nothing was done; but what may be stored, the sweeper may charge. The same key tells.
        throw mayBeStored ? new AppError('in_progress', { retryAfterSeconds: 1, cause: error }) : error;
      context.log.warn(
        { err: error, operationId: operation.operationId, requestId: operation.requestId, attempt },
        'operation not begun yet',
      );
    }
  }
}
