import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@centra/testkit/embedded-postgres.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { broken, held } from '../scenario.ts';
import type { Check, Outcome } from '../scenario.ts';
import { compilePlants } from './compile-plants.ts';
import { judgeRun, whyNotPassed } from './judge-run.ts';
import { applyPlant } from './plant.ts';
import type { Plant } from './plant.ts';
import { PLANTS } from './plants.ts';
import { runSuite } from './run-suite.ts';
import type { SuitePlace } from './run-suite.ts';
import { copyTree } from './tree-copy.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

export type PlantedOptions = {
  /** Names of plants; all when absent. */
  only?: readonly string[];
  /** See first that each suite passes without the bug, and that the bug passes the type check as a reviewed one would. */
  sane?: boolean;
  say(line: string): void;
};

/**
 * Promise P22, the tests can fail: puts one bug after the other into a copy of the tree, and demands that the named test of
 * each fails. Throws when the copy or its database cannot be made, or a name in `only` is unknown.
 */
export async function runPlanted({ only, sane = false, say }: PlantedOptions): Promise<Outcome> {
  const plants = choosePlants(only);
  const folder = temporaryFolder('planted');
  const root = join(folder, 'tree');
  const scratch = join(folder, 'scratch');
  const aborted = new AbortController();
  // The tests run in a process group of their own, which Ctrl-C does not reach.
  const abort = (): void => aborted.abort(new Error('the run was ended from outside'));
  process.once('SIGINT', abort).once('SIGTERM', abort);
  try {
    copyTree(ROOT, root);
    mkdirSync(scratch);
    const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres') });
    try {
      const place = { root, scratch, postgresUrl: postgres.url, signal: aborted.signal };
      return {
        checks: await plantAll(place, plants, sane, say),
        notes: NOTES,
        counts: { plants: plants.length },
      };
    } finally {
      await postgres.stop();
    }
  } finally {
    process.removeListener('SIGINT', abort).removeListener('SIGTERM', abort);
    rmSync(folder, { recursive: true, force: true });
  }
}

const NOTES = ['planted: "publish by id cursor" needs the relay of the outbox, which is not there yet.'];

function choosePlants(only: readonly string[] | undefined): readonly Plant[] {
  const unknown = only?.filter((name) => !PLANTS.some((plant) => plant.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`no such plant: ${unknown.join(', ')}`);
  return only === undefined ? PLANTS : PLANTS.filter(({ name }) => only.includes(name));
}

async function plantAll(
  place: SuitePlace,
  plants: readonly Plant[],
  sane: boolean,
  say: (line: string) => void,
): Promise<Check[]> {
  const compilerFinds = sane ? await compilePlants(place, plants) : new Map<string, string>();
  const whySuiteFails = sane ? suiteCheck(place) : undefined;
  const checks: Check[] = [];
  // One after the other: they share the copy.
  for (const plant of plants) {
    const startedAt = performance.now();
    const found = compilerFinds.get(plant.name);
    const verdict =
      (found === undefined ? undefined : `the compiler finds it before any test: ${found}`) ??
      (await whySuiteFails?.(plant)) ??
      (await plantOne(place, plant));
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const name = `P22: ${plant.name} is caught`;
    if (typeof verdict === 'string') {
      say(`✖ ${plant.name} (${seconds} s): ${verdict}`);
      checks.push(broken(name, verdict));
    } else {
      say(`✔ ${plant.name} (${seconds} s): ${plant.suite.file}: "${verdict.test}" (${verdict.message})`);
      checks.push(held(name));
    }
  }
  return checks;
}

async function plantOne(place: SuitePlace, plant: Plant): Promise<ReturnType<typeof judgeRun>> {
  const takeBack = applyPlant(place.root, plant);
  if (typeof takeBack === 'string') return `it no longer applies: ${takeBack}`;
  try {
    return judgeRun(await runSuite(place, plant.suite), plant.suite);
  } finally {
    takeBack();
  }
}

/** Why the suite of a plant fails without it, each suite asked once; undefined where it passes. */
function suiteCheck(place: SuitePlace): (plant: Plant) => Promise<string | undefined> {
  const known = new Map<string, string | undefined>();
  return async ({ suite }) => {
    const name = `${suite.file} ${suite.test}`;
    if (!known.has(name)) known.set(name, whyNotPassed(await runSuite(place, suite), suite));
    return known.get(name);
  };
}
