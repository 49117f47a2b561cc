/** Waits so many milliseconds. */
export async function pauseMs(ms: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, ms));
}

// Long enough for a loaded two-core machine; reaching it is a failure, never a measurement.
const WAIT_TIMEOUT_MS = 60_000;

/** Asks again until the answer is not undefined; throws naming `what` after 30 s (or `timeoutMs`). */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  timeoutMs = WAIT_TIMEOUT_MS,
): Promise<T> {
  // Not the time of day: tests hold that still.
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await pauseMs(50);
  }
}
