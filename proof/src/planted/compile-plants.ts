import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyPlant } from './plant.ts';
import type { Plant } from './plant.ts';
import type { SuitePlace } from './run-suite.ts';

type Place = Pick<SuitePlace, 'root' | 'signal'>;

// A few seconds of work, and minutes where two cores are shared by many.
const TYPES_TIMEOUT_MS = 600_000;

/**
 * Which plants the compiler finds by itself, by name, with its words: such a bug would not get as far as a test. Plants of
 * different files are checked together, with all that these files import. What they have of errors without the plants does
 * not count.
 */
export async function compilePlants(place: Place, plants: readonly Plant[]): Promise<Map<string, string>> {
  const files = [...new Set(plants.flatMap(({ edits }) => edits.map(({ file }) => file)))];
  const before = new Set(await typeErrors(place, files));
  const found = new Map<string, string>();
  for (const group of groupByFiles(plants)) {
    const takeBacks = group.map((plant) => applyPlant(place.root, plant));
    try {
      for (const line of await typeErrors(place, files)) {
        if (before.has(line)) continue;
        // An error elsewhere, in a file that uses a planted one, may be any of theirs.
        const own = group.filter(({ edits }) => edits.some(({ file }) => line.startsWith(`${file}:`)));
        for (const { name } of own.length === 0 ? group : own) found.set(name, line);
      }
    } finally {
      for (const takeBack of takeBacks) if (typeof takeBack === 'function') takeBack();
    }
  }
  return found;
}

/** As few groups as the order gives, none with two plants of one file. */
function groupByFiles(plants: readonly Plant[]): Plant[][] {
  const groups: { files: Set<string>; plants: Plant[] }[] = [];
  for (const plant of plants) {
    const files = plant.edits.map(({ file }) => file);
    let group = groups.find((each) => files.every((file) => !each.files.has(file)));
    if (group === undefined) groups.push((group = { files: new Set(), plants: [] }));
    for (const file of files) group.files.add(file);
    group.plants.push(plant);
  }
  return groups.map((group) => group.plants);
}

/** One line for each type error, without its line and column, which move with every edit. */
async function typeErrors({ root, signal }: Place, files: readonly string[]): Promise<string[]> {
  const project = join(root, 'tsconfig.planted.json');
  writeFileSync(project, JSON.stringify({ extends: './tsconfig.json', include: [], files }));
  const args = ['-p', project, '--pretty', 'false'];
  const output = await new Promise<string>((done, fail) => {
    const options = { cwd: root, timeout: TYPES_TIMEOUT_MS, signal };
    execFile(join(root, 'node_modules', '.bin', 'tsc'), args, options, (error, stdout) => {
      // An exit code says that there are type errors; anything else, that it was not finished.
      if (error === null || typeof error.code === 'number') done(stdout);
      else fail(new Error('the type check did not end', { cause: error }));
    });
  });
  const lines = output.split('\n').filter((line) => line.includes('error TS'));
  return lines.map((line) => line.replace(/\(\d+,\d+\): error/, ': error'));
}
