import { pause } from '@centra/service-kit/loop.ts';
import type { Transport, VaultRequest } from './transport.ts';
import { VaultError } from './vault-error.ts';

/** Sends with a few more tries; how many there are over all calls is bounded. */
export type Sender = { send(asked: VaultRequest): Promise<unknown> };

// A leader election takes one or two seconds; whoever waits longer is better off with a refusal.
const ATTEMPTS_MAX = 3;
const FIRST_PAUSE_MS = 100;
// No retry begins after this: a charge is waiting, and its caller gives up at some point too.
const BUDGET_MS = 4_000;
// Retries in stock; a call that works puts a tenth of one back. An outage so costs Vault a tenth more calls, not thrice as many.
const STOCK_MAX = 10;
const STOCK_PER_SUCCESS = 0.1;

/** Everything we ask of Vault may be asked twice: encrypting again only makes another ciphertext. */
export function createSender(transport: Transport): Sender {
  let stock = STOCK_MAX;
  return {
    async send(asked) {
      const begun = performance.now();
      for (let attempt = 1; ; attempt += 1) {
        try {
          const answer = await transport.send(asked);
          stock = Math.min(STOCK_MAX, stock + STOCK_PER_SUCCESS);
          return answer;
        } catch (error) {
          const pauseMs = pauseBefore(error, attempt, performance.now() - begun);
          if (pauseMs === undefined || stock < 1) throw error;
          stock -= 1;
          await pause(pauseMs);
        }
      }
    },
  };
}

/** Undefined when another try is no use or comes too late. */
function pauseBefore(error: unknown, attempt: number, spentMs: number): number | undefined {
  if (!(error instanceof VaultError) || attempt === ATTEMPTS_MAX || !mayPass(error)) return undefined;
  // Full jitter, so that replicas do not come back together.
  const backOffMs = FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
  const pauseMs = Math.max(backOffMs, error.retryAfterMs);
  return spentMs + pauseMs > BUDGET_MS ? undefined : pauseMs;
}

/**
 * Vault: retry 412 (a replica that lags), 429 and 5xx only. A connection that was lost is the same as a 502; an answer that did not
 * come in time has spent the time there was.
 */
function mayPass({ status, message }: VaultError): boolean {
  if (status === undefined) return message.startsWith('Vault cannot be reached');
  return status === 412 || status === 429 || status >= 500;
}
