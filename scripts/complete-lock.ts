import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

// npm leaves packages for other platforms that it could not fetch out of the lock; npm 11.12 and later then refuse
// `npm ci` with "Missing: … from lock file". An entry that says "optional, for another platform" satisfies every npm.
const entrySchema = z
  .object({
    version: z.string().optional(),
    dev: z.boolean().optional(),
    optional: z.boolean().optional(),
    optionalDependencies: z.record(z.string(), z.string()).optional(),
  })
  .loose();
const lockSchema = z.object({ packages: z.record(z.string(), entrySchema) }).loose();

const path = join(import.meta.dirname, '..', 'package-lock.json');
const lock = lockSchema.parse(JSON.parse(readFileSync(path, 'utf8')));

let added = 0;
for (const [location, entry] of Object.entries(lock.packages))
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {}))
    if (!isLocked(location, name)) {
      const platform = platformOf(name);
      lock.packages[`node_modules/${name}`] = {
        version,
        ...(entry.dev === true ? { dev: true } : {}),
        optional: true,
        ...platform,
      };
      added += 1;
    }
const sorted = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`);
console.log(`${added} entries added`);

/** Whether the name resolves from that location, as Node would look it up. */
function isLocked(location: string, name: string): boolean {
  for (let folder = location; ;) {
    if (lock.packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (folder === '') return false;
    const parent = folder.lastIndexOf('/node_modules/');
    folder = parent === -1 ? '' : folder.slice(0, parent);
  }
}

/** Platform packages are named after the platform. One that is not matches no platform at all, which is as unneeded. */
function platformOf(name: string): { os: string[]; cpu?: string[]; libc?: string[] } {
  const os = [
    'darwin',
    'win32',
    'freebsd',
    'openbsd',
    'android',
    'openharmony',
    'linux',
    'sunos',
    'aix',
  ].find((one) => name.includes(one));
  const cpu = ['arm64', 'x64', 'ia32', 'arm', 's390x', 'ppc64', 'riscv64', 'loong64', 'mips64el'].find(
    (one) => name.includes(one),
  );
  return {
    os: [os ?? 'none'],
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(name.includes('musl') ? { libc: ['musl'] } : {}),
  };
}
