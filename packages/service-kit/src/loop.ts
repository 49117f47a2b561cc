import type { Logger } from './log.ts';

/** A loop that runs until stopped; `stop` waits for the round under way. */
export type Loop = { stop(): Promise<void> };

type LoopOptions = { name: string; intervalMs: number; log: Logger };

/**
 * Runs `round` again and again: at once while it says there is more to do, else after `intervalMs`. A failed round is
 * logged and tried again after the interval: loops recover money, so they never give up.
 */
export function startLoop(
  options: LoopOptions,
  round: (signal: AbortSignal) => Promise<{ more: boolean }>,
): Loop {
  const abort = new AbortController();
  const done = (async () => {
    while (!abort.signal.aborted) {
      let more = false;
      try {
        ({ more } = await round(abort.signal));
      } catch (error) {
        options.log.error({ err: error, loop: options.name }, 'loop round failed');
      }
      if (!more) await pause(options.intervalMs, abort.signal);
    }
  })();
  return {
    async stop() {
      abort.abort();
      await done;
    },
  };
}

/** Waits, or returns early when the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(finish, ms);
    function finish(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    }
    signal?.addEventListener('abort', finish, { once: true });
  });
}
