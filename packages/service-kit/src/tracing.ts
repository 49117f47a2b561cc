/**
 * What a process that traces offers to its own code. Nothing here knows OpenTelemetry: without tracing none of its code is
 * loaded, and each question below is a look at one variable.
 */
export type Tracing = {
  /** The trace that the running code works for; undefined outside of one. */
  traceId(): string | undefined;
  /** Names the request under way by the pattern of its route; its path may hold what belongs in no trace. */
  nameRoute(pattern: string): void;
  /** Opens the running request's part of work that it shares with others; undefined when nobody follows it. */
  openPart(name: string): Part | undefined;
  /** Does the work once, in the trace of one of those who share it; the others' parts point there. */
  runShared<T>(parts: readonly Part[], work: () => Promise<T>): Promise<T>;
  /** Sends what is left, and gives up in time for a stop. */
  close(): Promise<void>;
};

/** What one request sees of shared work: from when it asked until it was answered. */
export type Part = { end(failed: boolean): void };

// One for the process, like what it stands for: the code that is followed is loaded already patched, or not at all.
let current: Tracing | undefined;

/** Called once, before the program itself is loaded; see `otel.ts`. */
export function useTracing(own: Tracing): void {
  current = own;
}

/** Undefined unless this process traces. */
export function tracing(): Tracing | undefined {
  return current;
}

/** Runs a statement or call that several requests share; see `Tracing.runShared`. */
export async function runShared<T>(parts: readonly (Part | undefined)[], work: () => Promise<T>): Promise<T> {
  if (current === undefined) return await work();
  return await current.runShared(
    parts.filter((part) => part !== undefined),
    work,
  );
}
