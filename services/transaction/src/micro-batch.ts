import { AppError } from '@centra/service-kit/errors.ts';
import { runShared, tracing } from '@centra/service-kit/tracing.ts';
import type { Part } from '@centra/service-kit/tracing.ts';

/** What a flush made of one item. */
type Settle<Result> = { resolve(result: Result): void; reject(error: unknown): void };
type Waiting<Item, Result> = Settle<Result> & { item: Item; part: Part | undefined };

type Options<Item, Result> = {
  /** How traces call what one item asks for. */
  name: string;
  /** Writes all items in one statement and answers in their order. All or nothing. */
  flush(items: readonly Item[]): Promise<Result[]>;
  /** Statements under way at once; what arrives meanwhile waits and goes together. */
  concurrency: number;
  /** Items of one statement. */
  sizeMax: number;
  /** Whether the failure is one item's own (a violated constraint), so that the others may go without it. */
  isItemFailure(error: unknown): boolean;
};

// A second's worth of writes of a fast database. Behind more than that a caller waits longer than for a retry.
const WAITING_MAX = 4_000;

/**
 * Lets concurrent durable writes share a statement and so a commit. A lone caller waits for nobody: batches only form
 * from what arrives while earlier statements are under way.
 */
export function createMicroBatch<Item, Result>(
  options: Options<Item, Result>,
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let underWay = 0;

  const start = (): void => {
    while (underWay < options.concurrency && waiting.length > 0) {
      underWay += 1;
      const batch = waiting.splice(0, options.sizeMax);
      void write(options, batch).finally(() => {
        underWay -= 1;
        start();
      });
    }
  };

  return async (item) =>
    await new Promise<Result>((resolve, reject) => {
      if (waiting.length >= WAITING_MAX) {
        reject(
          new AppError('unavailable', {
            retryAfterSeconds: 1,
            internal: 'too many writes wait for the database',
          }),
        );
        return;
      }
      waiting.push(withPart(item, { resolve, reject }, tracing()?.openPart(options.name)));
      // One turn of the event loop later, so that everything which arrived in this one goes together.
      if (waiting.length === 1) setImmediate(start);
    });
}

/** In a trace, an item's part ends when it is answered. */
function withPart<Item, Result>(
  item: Item,
  settle: Settle<Result>,
  part: Part | undefined,
): Waiting<Item, Result> {
  if (part === undefined) return { item, part, ...settle };
  return {
    item,
    part,
    resolve(result) {
      part.end(false);
      settle.resolve(result);
    },
    reject(error) {
      part.end(true);
      settle.reject(error);
    },
  };
}

async function write<Item, Result>(
  options: Options<Item, Result>,
  batch: Waiting<Item, Result>[],
): Promise<void> {
  try {
    const results = await runShared(
      batch.map(({ part }) => part),
      async () => await options.flush(batch.map(({ item }) => item)),
    );
    for (const [index, { resolve, reject }] of batch.entries()) {
      const result = results[index];
      if (result === undefined) reject(new Error('the batch answered for fewer items than it was given'));
      else resolve(result);
    }
  } catch (error) {
    if (batch.length === 1 || !options.isItemFailure(error)) {
      for (const { reject } of batch) reject(error);
      return;
    }
    // The statement wrote nothing. Each item goes alone, so that only the guilty one fails.
    for (const single of batch) await write(options, [single]);
  }
}
