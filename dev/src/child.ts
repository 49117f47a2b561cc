import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@centra/testkit/pause.ts';

export type Child = {
  name: string;
  /** Changes with each restart. */
  pid(): number;
  logFile: string;
  isRunning(): boolean;
  /** Ends it as a power cut would. */
  kill9(): Promise<void>;
  /** Lets it drain and waits for its end. */
  stop(): Promise<void>;
  /** Starts it again, with other variables where given, and waits until it is ready. Throws when it runs. */
  start(env?: Readonly<Record<string, string>>): Promise<void>;
  /** Holds it as a machine that hangs would (SIGSTOP), until `resume`. */
  pause(): void;
  resume(): void;
};

type Options = {
  name: string;
  /** Program, relative to the repository. */
  script: string;
  env: Readonly<Record<string, string>>;
  logFolder: string;
  /** Answers 200 once it takes work. */
  readyUrl: string;
  /** How long it may take to get there; 30 s unless told otherwise. */
  readyTimeoutMs?: number;
  /** Called with the number of each process that is started here, and again once it has ended. */
  onProcess?(pid: number, isRunning: boolean): void;
  /** Called when it ends without having been told to. */
  onCrash(name: string, code: number | null, signal: string | null, lastLines: string): void;
};

export const repositoryRoot = join(import.meta.dirname, '..', '..');

/** Starts one of our programs as a process of its own, with only the variables it is given. */
export async function startChild(options: Options): Promise<Child> {
  const logFile = join(options.logFolder, `${options.name}.log`);
  let child: ChildProcess | undefined;
  let expectedEnd = false;

  const isRunning = (): boolean =>
    child !== undefined && child.exitCode === null && child.signalCode === null;
  const start = async (extra: Readonly<Record<string, string>> = {}): Promise<void> => {
    if (isRunning()) throw new Error(`${options.name} is running`);
    expectedEnd = false;
    // The file itself, not a pipe through us: a line costs the service one write and nobody else anything.
    const log = openSync(logFile, 'a');
    child = spawn(process.execPath, [...nodeArguments(options.script), options.script], {
      cwd: repositoryRoot,
      env: { ...inheritedEnv(), ...options.env, ...extra },
      stdio: ['ignore', log, log],
      // A group of its own, so that Ctrl-C reaches the platform first and it stops its parts in order.
      detached: true,
    });
    closeSync(log);
    const { pid = 0 } = child;
    options.onProcess?.(pid, true);
    child.once('exit', (code, signal) => {
      options.onProcess?.(pid, false);
      if (!expectedEnd) options.onCrash(options.name, code, signal, lastLines(logFile));
    });
    const started = child;
    const ready = async (): Promise<true | undefined> => {
      if (started.exitCode !== null || started.signalCode !== null)
        throw new Error(`${options.name} ended while starting:\n${lastLines(logFile)}`);
      return await isReady(options.readyUrl);
    };
    await waitFor(`${options.name} to be ready`, ready, options.readyTimeoutMs);
  };
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    expectedEnd = true;
    const ending = child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => ending.once('exit', () => resolve()));
    ending.kill(signal);
    // One that is held would not see it.
    ending.kill('SIGCONT');
    await ended;
  };
  await start();
  return {
    name: options.name,
    pid: () => child?.pid ?? 0,
    logFile,
    isRunning,
    kill9: async () => await end('SIGKILL'),
    stop: async () => await end('SIGTERM'),
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
  };
}

/** Services can be followed, see docs/observability.md; simulators are the outside world. */
function nodeArguments(script: string): string[] {
  return script.startsWith('services/') ? ['--import', '@centra/service-kit/otel.ts'] : [];
}

// What a process needs of ours to run at all.
const INHERITED = ['PATH', 'HOME', 'TZ', 'NODE_COMPILE_CACHE'];
// Where the traces of `npm start` go, if anywhere; nothing else of ours may change how a service behaves.
const INHERITED_BY_TRACES = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_TRACES_SAMPLER_ARG'];

function inheritedEnv(): Record<string, string> {
  const names = [...INHERITED, ...INHERITED_BY_TRACES];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])),
  );
}

async function isReady(url: string): Promise<true | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.ok ? true : undefined;
  } catch {
    return undefined;
  }
}

const LAST_LINES = 15;

function lastLines(file: string): string {
  return existsSync(file)
    ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LAST_LINES).join('\n')
    : '';
}
