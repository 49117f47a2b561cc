/** A step that somebody wants to take and has not been allowed to. */
export type WaitingStep = {
  instance: string;
  label: string;
  /** Takes the step to its end; whoever asked for it goes on. */
  take(): Promise<void>;
};

/**
 * Holds every step of every instance (a statement, half a call to a provider) until it is chosen. One is taken at a time, so
 * that the order of all steps, and with it the whole run, is what the chooser makes of it.
 */
export type Scheduler = {
  /** Waits to be chosen, then runs. Of an instance that is gone it never ends: a dead process goes nowhere. */
  ask<T>(instance: string, label: string, run: () => T | Promise<T>): Promise<T>;
  /** What waits, once everybody who can move has come to a step. */
  waiting(): Promise<readonly WaitingStep[]>;
  /** The process dies: nothing it was about to do happens. */
  kill(instance: string): void;
};

// A continuation may hand on by setImmediate (the micro-batches do), and what that starts may do so again. More turns
// change nothing, since no real input or output is under way between two steps.
const QUIET_TURNS = 4;

export function createScheduler(): Scheduler {
  let steps: WaitingStep[] = [];
  const dead = new Set<string>();
  return {
    ask: async <T>(instance: string, label: string, run: () => T | Promise<T>) =>
      await new Promise<T>((resolve, reject) => {
        if (dead.has(instance)) return;
        const step: WaitingStep = {
          instance,
          label,
          async take() {
            steps = steps.filter((other) => other !== step);
            try {
              resolve(await run());
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          },
        };
        steps.push(step);
      }),
    async waiting() {
      for (let turn = 0; turn < QUIET_TURNS; turn += 1)
        await new Promise<void>((resolve) => setImmediate(resolve));
      return steps;
    },
    kill(instance) {
      dead.add(instance);
      steps = steps.filter((step) => step.instance !== instance);
    },
  };
}
