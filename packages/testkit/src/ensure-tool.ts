import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';

/** Something of the operating system that tests use and npm does not bring. */
export type Tool = {
  /** Its Debian and Ubuntu package. */
  package: string;
  /** Any of these files means that it is there. */
  files: readonly string[];
  /** What is not tested without it. */
  without: string;
};

export const REDIS: Tool = {
  package: 'redis-server',
  files: ['/usr/bin/redis-server'],
  without: 'shared rate limits',
};
export const CHROMIUM: Tool = {
  package: 'chromium',
  files: ['/usr/bin/chromium'],
  without: 'pages in a real browser',
};
export const NATS: Tool = {
  package: 'nats-server',
  files: ['/usr/sbin/nats-server', '/usr/bin/nats-server'],
  without: 'a broker beside the services',
};
export const FAKETIME: Tool = {
  package: 'libfaketime',
  files: ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`),
  without: 'clocks that lie',
};

/** Where the tool is; undefined when this machine does not have it. */
export function findTool({ files }: Tool): string | undefined {
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
