import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';

/** Something of the operating system that tests use and npm does not bring. */
export type Tool = {
  /** Its Debian and Ubuntu package. */
  package: string;
  /** A program's name, wherever it is installed, or the paths at which a library may be. */
  is: string | readonly string[];
  /** What is not tested without it. */
  without: string;
};

export const REDIS: Tool = { package: 'redis-server', is: 'redis-server', without: 'shared rate limits' };
export const CHROMIUM: Tool = { package: 'chromium', is: 'chromium', without: 'pages in a real browser' };
export const NATS: Tool = {
  package: 'nats-server',
  is: 'nats-server',
  without: 'a broker beside the services',
};
export const FAKETIME: Tool = {
  package: 'libfaketime',
  is: ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`),
  without: 'clocks that lie',
};

// Where Debian puts servers; an ordinary user's PATH does not lead there.
const SERVER_FOLDERS = ['/usr/sbin', '/sbin'];

/** Where the tool is; undefined when this machine does not have it. */
export function findTool({ is }: Tool): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), ...SERVER_FOLDERS];
  const files = typeof is === 'string' ? folders.map((folder) => join(folder, is)) : is;
  return files.find((file) => existsSync(file));
}

/**
 * Installs a missing tool where that is possible, else says in one line what is skipped. Answers whether it is there. Throws
 * in CI (`CI=true`), where nothing may be skipped.
 */
export function ensureTool(tool: Tool, say: (line: string) => void): boolean {
  if (findTool(tool) !== undefined) return true;
  if (install(tool, say)) return true;
  say(
    `SKIPPED: ${tool.without}, since ${tool.package} is not installed (as root: apt-get install ${tool.package}).`,
  );
  if (process.env['CI'] === 'true') throw new Error(`In CI nothing may be skipped: ${tool.without}.`);
  return false;
}

function install(tool: Tool, say: (line: string) => void): boolean {
  if (userInfo().uid !== 0 || spawnSync('which', ['apt-get'], { stdio: 'ignore' }).status !== 0) return false;
  say(`Installing ${tool.package} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const aptGet = (...args: string[]): boolean =>
    spawnSync('apt-get', args, { env, stdio: 'ignore' }).status === 0;
  const wanted = ['install', '-y', '--no-install-recommends', tool.package];
  return (aptGet(...wanted) || (aptGet('update') && aptGet(...wanted))) && findTool(tool) !== undefined;
}
