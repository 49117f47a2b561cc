import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

// Lints the contracts and generates packages/proto/gen from them.
const cwd = join(import.meta.dirname, '..', 'proto');
for (const verb of ['lint', 'generate']) {
  const { status } = spawnSync('buf', [verb], { cwd, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
