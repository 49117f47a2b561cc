import { startChild } from '@centra/dev/child.ts';
import type { Child } from '@centra/dev/child.ts';
import type { Plan } from '@centra/dev/plan.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import type { Watchdog } from './watchdog.ts';

export type ProcessOptions = {
  name: string;
  plan: Plan;
  env: Readonly<Record<string, string>>;
  logFolder: string;
  /** Where what Node has compiled is kept, from run to run. */
  compileCache: string;
  watchdog: Watchdog;
  /** Filled with those that end without having been told to. */
  crashes: string[];
};

/** A process on the stage, restarted as Kubernetes would while it cannot start yet. */
export type StageProcess = Child & {
  readyUrl: string;
  /** Ends it for good: in order while that goes quickly, else at once. */
  close(): Promise<void>;
};

// A dozen processes start at once on as few as two cores, and other stages may do the same.
const READY_TIMEOUT_MS = 90_000;
// What it needs may be down just now, and comes back.
const START_TIMEOUT_MS = 120_000;
// Services drain for up to 25 s; here nobody waits for an answer any more.
const CLOSE_TIMEOUT_MS = 5_000;

/** Starts one process; a first start that fails throws. */
export async function startProcess(options: ProcessOptions): Promise<StageProcess> {
  const { name, plan, watchdog, crashes } = options;
  let isStarting = true;
  let isClosed = false;
  const child = await startChild({
    name,
    script: plan.script,
    env: { ...plan.env, NODE_COMPILE_CACHE: options.compileCache, ...options.env },
    logFolder: options.logFolder,
    readyUrl: plan.readyUrl,
    readyTimeoutMs: READY_TIMEOUT_MS,
    onProcess: (pid, isRunning) => (isRunning ? watchdog.watch(pid) : watchdog.forget(pid)),
    onCrash(_name, code, signal, lastLines) {
      if (!isStarting) crashes.push(`${name} ended by itself (${signal ?? code}):\n${lastLines}`);
    },
  });
  isStarting = false;
  return {
    ...child,
    readyUrl: plan.readyUrl,
    async start(env) {
      if (child.isRunning()) throw new Error(`${name} is running`);
      isStarting = true;
      try {
        await startUntilReady(child, env, () => isClosed);
      } finally {
        isStarting = false;
      }
    },
    async close() {
      isClosed = true;
      const timer = setTimeout(() => void child.kill9(), CLOSE_TIMEOUT_MS);
      await child.stop();
      clearTimeout(timer);
    },
  };
}

async function startUntilReady(
  child: Child,
  env: Readonly<Record<string, string>> | undefined,
  isClosed: () => boolean,
): Promise<void> {
  let lastError: unknown;
  const tryOnce = async (): Promise<true | undefined> => {
    if (isClosed()) throw new Error(`${child.name} was ended while it started`, { cause: lastError });
    try {
      await child.start(env);
      return true;
    } catch (error) {
      lastError = error;
      await child.kill9();
      return undefined;
    }
  };
  await waitFor(`${child.name} to start`, tryOnce, START_TIMEOUT_MS).catch((error: unknown) => {
    throw new Error(error instanceof Error ? error.message : String(error), { cause: lastError });
  });
}
