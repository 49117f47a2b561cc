import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

// Holds dependencies tight: exact versions, integrity for every package that is installed, no registry named in the lock,
// no install script that was not looked at.
const root = join(import.meta.dirname, '..');
const entrySchema = z
  .object({
    version: z.string().optional(),
    resolved: z.string().optional(),
    integrity: z.string().optional(),
    link: z.boolean().optional(),
    optional: z.boolean().optional(),
    os: z.union([z.string(), z.array(z.string())]).optional(),
    hasInstallScript: z.boolean().optional(),
    dependencies: z.record(z.string(), z.string()).optional(),
    devDependencies: z.record(z.string(), z.string()).optional(),
    optionalDependencies: z.record(z.string(), z.string()).optional(),
  })
  .loose();
const lock = z
  .object({ packages: z.record(z.string(), entrySchema) })
  .parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
const { allowScripts } = z
  .object({ allowScripts: z.record(z.string(), z.boolean()) })
  .loose()
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

const problems: string[] = [];
for (const [location, entry] of Object.entries(lock.packages)) {
  if (!location.includes('node_modules/')) {
    const wanted = { ...entry.dependencies, ...entry.devDependencies, ...entry.optionalDependencies };
    for (const [name, version] of Object.entries(wanted))
      if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        problems.push(`${location || 'root'} wants ${name} ${version}, which is not pinned`);
    continue;
  }
  if (entry.link === true) continue;
  const name = location.slice(location.lastIndexOf('node_modules/') + 'node_modules/'.length);
  // Packages for other platforms, which npm could not look at, are named without a digest and never installed here.
  const isForeign = entry.optional === true && entry.os !== undefined;
  if (entry.integrity === undefined && !isForeign) problems.push(`${name} has no integrity`);
  if (entry.resolved !== undefined) problems.push(`${name} names where it comes from`);
  if (entry.hasInstallScript === true && allowScripts[name] === undefined)
    problems.push(`${name} has an install script nobody allowed or refused`);
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
