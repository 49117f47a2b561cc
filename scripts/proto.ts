import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

// Lints the contracts and generates packages/proto/gen from them: clients and servers, and the descriptors that gRPC
// reflection answers with.
const cwd = join(import.meta.dirname, '..', 'proto');
const descriptors = [
  'build',
  '--as-file-descriptor-set',
  '--output',
  '../packages/proto/gen/descriptors.binpb',
];
for (const args of [['lint'], ['generate'], descriptors]) {
  const { status } = spawnSync('buf', args, { cwd, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
