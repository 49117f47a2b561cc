import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Generates everything that is generated and committed again, and fails when that changes anything.
const root = join(import.meta.dirname, '..');
const GENERATED = [
  'packages/proto/gen',
  'services/api-gateway/openapi.json',
  'docs/errors.md',
  'docs/permissions.md',
  'docs/providers',
];
const GENERATORS = ['proto', 'openapi', 'errors', 'permissions', 'providers'];

const before = snapshot();
const folder = mkdtempSync(join(tmpdir(), 'centra-fresh-'));
try {
  for (const path of GENERATED)
    if (existsSync(join(root, path))) cpSync(join(root, path), join(folder, path), { recursive: true });
  for (const name of GENERATORS) {
    const { status } = spawnSync('npm', ['run', '--silent', name], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) throw new Error(`npm run ${name} failed`);
  }
  const after = snapshot();
  const stale = [...new Set([...before.keys(), ...after.keys()])].filter(
    (path) => before.get(path) !== after.get(path),
  );
  for (const path of stale) console.error(`stale: ${path}`);
  if (stale.length > 0) process.exitCode = 1;
  // As it was found: a check does not mend.
  for (const path of GENERATED)
    if (existsSync(join(folder, path))) {
      rmSync(join(root, path), { recursive: true, force: true });
      cpSync(join(folder, path), join(root, path), { recursive: true });
    }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function snapshot(): Map<string, string> {
  return new Map(
    GENERATED.flatMap((path) => filesAt(path)).map((path) => [
      path,
      readFileSync(join(root, path), 'latin1'),
    ]),
  );
}

function filesAt(path: string): string[] {
  if (!existsSync(join(root, path))) return [];
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path)).flatMap((name) => filesAt(`${path}/${name}`));
}
