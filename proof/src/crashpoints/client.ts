import { join } from 'node:path';
import { waitFor } from '@centra/testkit/pause.ts';
import { ask, amountOf, fingerprintOf, paymentIdOf } from '../load/ask.ts';
import type { Answered, Asked, Unanswered } from '../load/ask.ts';
import { openClientJournal } from '../load/client-journal.ts';
import type { End } from '../load/client-journal.ts';
import { endOf, isFinal } from '../load/end-of.ts';
import { RUN_FILES } from '../run-folder.ts';
import type { StageHotel } from '../stage/stage.ts';

export type Client = {
  /** One request, on disk before it leaves. */
  ask(door: string, hotel: StageHotel, asked: Asked): Promise<Answered | Unanswered>;
  close(): Promise<void>;
};

/** A client that writes `client.jsonl`. */
export async function createClient(folder: string): Promise<Client> {
  const journal = await openClientJournal(join(folder, RUN_FILES.client));
  return {
    async ask(door, hotel, asked) {
      const id = await journal.invoke({
        type: 'invoke',
        merchantId: hotel.merchantId,
        action: asked.action,
        key: asked.key,
        paymentId: paymentIdOf(asked),
        amount: amountOf(asked),
        currency: CURRENCY,
        fingerprint: fingerprintOf(asked),
        door,
      });
      const answer = await ask(door, hotel, asked);
      journal.end(id, endOf(answer));
      return answer;
    },
    close: async () => await journal.close(),
  };
}

/** Of every payment here. */
export const CURRENCY = 'EUR';

/**
 * Does what the documentation says: the same request with the same key until it has an outcome. Throws when it has none
 * in time.
 */
export async function untilFinal(
  once: () => Promise<Answered | Unanswered>,
  timeoutMs: number,
): Promise<{ answer: Answered; end: End }> {
  let nextAt = 0;
  return await waitFor(
    'an outcome under the same key',
    async () => {
      if (performance.now() < nextAt) return undefined;
      const answer = await once();
      const end = endOf(answer);
      nextAt = performance.now() + AGAIN_AFTER_MS;
      return 'bytes' in answer && isFinal(end) ? { answer, end } : undefined;
    },
    timeoutMs,
  );
}

// A lease of some seconds is waited for; many cases do so at once.
const AGAIN_AFTER_MS = 400;
