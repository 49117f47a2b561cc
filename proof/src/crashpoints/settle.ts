import { waitFor } from '@centra/testkit/pause.ts';
import type { Answered, Unanswered } from '../load/ask.ts';
import type { Books } from './book.ts';
import { untilFinal } from './client.ts';
import { waitsForAbsence } from './crash-cases.ts';
import type { CrashCase } from './crash-cases.ts';
import { judgeAnswers, judgeEnd } from './judge.ts';
import type { Subject } from './subject.ts';
import { safeDoor } from './world.ts';
import type { World } from './world.ts';

/** What became of one case. */
export type CaseResult = { crash: CrashCase; failures: string[]; settledMs: number };

// A lease and a look of the sweeper, with reserve; absence is proven by two looks a minute apart.
const SETTLE_TIMEOUT_MS = 45_000;
const ABSENCE_TIMEOUT_MS = 180_000;

/** Asks with the same key until there is an outcome, once more, and looks at everything. Never throws. */
export async function settle(
  world: World,
  crash: CrashCase,
  subject: Subject,
  failures: readonly string[],
): Promise<CaseResult> {
  const { wiring, client, books } = world;
  const startedAt = performance.now();
  const once = async (): Promise<Answered | Unanswered> =>
    await wiring.shared(async () => await client.ask(safeDoor(world), subject.hotel, subject.asked));
  try {
    const { answer, end } = await untilFinal(
      once,
      waitsForAbsence(crash) ? ABSENCE_TIMEOUT_MS : SETTLE_TIMEOUT_MS,
    );
    const settledMs = performance.now() - startedAt;
    const again = await untilFinal(once, SETTLE_TIMEOUT_MS);
    const found = [
      ...judgeAnswers(crash, end, answer, again.answer),
      ...judgeEnd(crash, subject, await books.of(subject)),
    ];
    return { crash, failures: [...failures, ...found], settledMs };
  } catch (error) {
    return { ...failed(crash, [...failures, messageOf(error)]), settledMs: performance.now() - startedAt };
  }
}

/** A case that could not be carried out, or not to its end. */
export function failed(crash: CrashCase, failures: string[]): CaseResult {
  return { crash, failures, settledMs: 0 };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// A webhook that met a dead process is sent again after 5 s, then after 10 s, then after 20 s.
const REST_TIMEOUT_MS = 90_000;

/** Waits until no operation is open, no event waits and every webhook is acknowledged. Throws with what is left. */
export async function untilAtRest(books: Books): Promise<void> {
  let last: string[] = [];
  await waitFor(
    'everything to come to rest',
    async () => {
      last = await books.unsettled();
      return last.length === 0 ? true : undefined;
    },
    REST_TIMEOUT_MS,
  ).catch((error: unknown) => {
    throw new Error(`still open: ${last.slice(0, 5).join(', ')}`, { cause: error });
  });
}
