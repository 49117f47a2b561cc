import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

// The scope of our own packages: links into the tree, which must lead into the copy there.
const OWN_SCOPE = '@centra';
// A listing of some thousand paths; far above it something else is being listed.
const LISTING_MAX_BYTES = 64 * 1024 * 1024;

/** Copies the tree as git sees it, changes and new files included, to a folder that does not exist yet, ready to run. */
export function copyTree(root: string, copy: string): void {
  const files = listFiles(root);
  for (const file of files) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file), { verbatimSymlinks: true });
  }
  linkPackages(root, copy);
  // Versions that a workspace does not share with the others; never our own packages.
  const workspaces = files.filter((file) => file !== 'package.json' && file.endsWith('/package.json'));
  for (const folder of workspaces.map(dirname)) linkNested(join(root, folder), join(copy, folder));
}

function listFiles(root: string): string[] {
  const listing = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: LISTING_MAX_BYTES,
  });
  // What is deleted and not committed is still listed.
  return listing.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
}

/** Links each package of others to where it is installed; our own by the same relative links, hence into the copy. */
function linkPackages(root: string, copy: string): void {
  const from = join(root, 'node_modules');
  const to = join(copy, 'node_modules');
  mkdirSync(join(to, OWN_SCOPE), { recursive: true });
  for (const name of readdirSync(from)) if (name !== OWN_SCOPE) symlinkSync(join(from, name), join(to, name));
  for (const name of readdirSync(join(from, OWN_SCOPE))) {
    const link = join(from, OWN_SCOPE, name);
    if (!lstatSync(link).isSymbolicLink())
      throw new Error(`${OWN_SCOPE}/${name} is not a link into the tree`);
    symlinkSync(readlinkSync(link), join(to, OWN_SCOPE, name));
  }
}

function linkNested(from: string, to: string): void {
  const installed = join(from, 'node_modules');
  if (!existsSync(installed)) return;
  if (existsSync(join(installed, OWN_SCOPE))) throw new Error(`${installed} holds packages of our own`);
  symlinkSync(installed, join(to, 'node_modules'));
}
