import { Agent } from 'undici';
import type { Action } from '../run-folder.ts';
import { amountOf, ask, fingerprintOf, paymentIdOf } from './ask.ts';
import { openClientJournal } from './client-journal.ts';
import type { Answered, Unanswered } from './ask.ts';
import { endOf } from './end-of.ts';
import { createKeyBook } from './key-book.ts';
import type { Errand, KeyBook } from './key-book.ts';
import type { LoadCounts } from './load.ts';

/** Asks through every door in turn, and writes down what it asked and what it was told. */
export type Asker = {
  /** One request for the errand, on disk before it leaves. Throws only when the journal cannot be written. */
  once(wanted: Errand, options?: { respelt?: boolean }): Promise<Answered | Unanswered>;
  book: KeyBook;
  counts(): LoadCounts;
  done(): Readonly<Record<Action, number>>;
  close(): Promise<void>;
};

export type AskerOptions = {
  doors: readonly string[];
  /** Of `client.jsonl`. */
  journalFile: string;
};

export async function createAsker({ doors, journalFile }: AskerOptions): Promise<Asker> {
  const journal = await openClientJournal(journalFile);
  // Connections of its own for each door, as two clients would have; as many as there are requests at once.
  const ways = doors.map((door) => ({ door, agent: new Agent() }));
  const book = createKeyBook();
  const counts = { invoked: 0, ok: 0, fail: 0, info: 0, replayed: 0 };
  const done = { charge: 0, create: 0, authorize: 0, capture: 0, cancel: 0, adjust: 0, refund: 0 };
  return {
    book,
    counts: () => ({ ...counts }),
    done: () => ({ ...done }),
    async once(wanted, { respelt = false } = {}) {
      const { hotel, asked } = wanted;
      const way = ways[counts.invoked % ways.length];
      if (way === undefined) throw new Error('there is no door');
      counts.invoked += 1;
      const id = await journal.invoke({
        type: 'invoke',
        merchantId: hotel.merchantId,
        action: asked.action,
        key: asked.key,
        paymentId: paymentIdOf(asked),
        amount: amountOf(asked),
        currency: 'currency' in asked ? asked.currency : wanted.currency,
        fingerprint: fingerprintOf(asked),
        door: way.door,
      });
      const answer = await ask(way.door, hotel, asked, { dispatcher: way.agent, respelt });
      const end = endOf(answer);
      journal.end(id, end);
      counts[end.type] += 1;
      if (end.type !== 'info' && end.replayed) counts.replayed += 1;
      if (end.type === 'ok') done[asked.action] += 1;
      book.note(wanted, end);
      return answer;
    },
    async close() {
      await Promise.all(ways.map(async ({ agent }) => await agent.destroy()));
      await journal.close();
    },
  };
}
