import type { ApiRequest } from './api-request.ts';
import { lockTimeout } from './stripe-error.ts';

/** Names the object a request changes; undefined when there is none to protect. */
export type LockOf = (request: ApiRequest) => string | undefined;

type Waiting = { enter: () => void };

/** One writer at a time for each object; the others queue, and give up after a while as they do at Stripe. */
export class ObjectLocks {
  readonly #queues = new Map<string, Waiting[]>();

  /** Resolves when the object is free, with the function that frees it again. Throws lock_timeout (429) after `waitMs`. */
  async acquire(name: string, waitMs: number): Promise<() => void> {
    const queue = this.#queues.get(name);
    if (!queue) {
      this.#queues.set(name, []);
      return () => this.#release(name);
    }
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        queue.splice(queue.indexOf(waiting), 1);
        reject(lockTimeout());
      }, waitMs);
      const waiting: Waiting = {
        enter: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      queue.push(waiting);
    });
    return () => this.#release(name);
  }

  /** The next in the queue holds the lock from now on; without one it is gone. */
  #release(name: string): void {
    const next = this.#queues.get(name)?.shift();
    if (next) next.enter();
    else this.#queues.delete(name);
  }
}

/** The PaymentIntent in the path, with its charge. */
export const lockPaymentIntent: LockOf = (request) => lockName(request, request.id('payment_intent'));

/** A refund changes the payment it is of. */
export const lockRefundedPayment: LockOf = (request) => {
  const { charge, payment_intent: intent } = request.params;
  if (typeof intent === 'string') return lockName(request, intent);
  const found = typeof charge === 'string' ? request.mode.charges.get(charge) : undefined;
  return found && lockName(request, found.payment_intent);
};

/** Ids are unique over all accounts, but a stranger's guess must not hold up their owner. */
function lockName({ mode }: ApiRequest, id: string): string {
  return `${mode.account}/${mode.livemode}/${id}`;
}
