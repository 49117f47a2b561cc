import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createLeakScanner, filesBelow, spellingsOf } from '@centra/testkit/leak-scan.ts';
import type { Canary, LeakScanner } from '@centra/testkit/leak-scan.ts';
import { RUN_FILES } from '../run-folder.ts';
import { check } from '../scenario.ts';
import type { Check } from '../scenario.ts';
import { REPLICAS } from '../stage/stage.ts';
import { EVIDENCE } from './evidence.ts';

// Where secrets are at home: the outside world's own folders and journals, and key files.
const AT_HOME = [
  /^stage\/simulators\//,
  /^stage\/keys\//,
  new RegExp(`^(${[RUN_FILES.keyring, RUN_FILES.stripe, RUN_FILES.vaultera].join('|')})$`),
];
// Hits that are told one by one; how many there are in all is told beside them.
const HITS_SHOWN = 10;

/** Scans everything that a run left on disk, after its stage has stopped. `elsewhere`: folders of it outside the run's own. */
export function scanRun(
  folder: string,
  canaries: readonly Canary[],
  elsewhere: readonly string[],
): { checks: Check[]; counts: Record<string, number> } {
  const scanner = createLeakScanner(canaries);
  const files = [folder, ...elsewhere].flatMap(filesBelow);
  const nameOf = (file: string): string => relative(folder, file);
  const scanned = files.filter((file) => !AT_HOME.some((home) => home.test(nameOf(file))));
  const hits = scanned.flatMap((file) => scanner.scanFile(file));
  const shown = hits
    .slice(0, HITS_SHOWN)
    .map(({ canary, spelling, file, offset }) => `${canary} (${spelling}) in ${nameOf(file)} at ${offset}`);
  const bytes = scanned.reduce((sum, file) => sum + statSync(file).size, 0);
  return {
    checks: [
      check(
        'I24 no card number, code, key or secret is in databases, WAL, stores, logs, dumps, metrics, answers or environments, in any spelling',
        hits.length === 0,
        `${hits.length} hits: ${shown.join('; ')}`,
      ),
      ...everywhere(scanned.map(nameOf), elsewhere.length > 0),
      checkMarker(scanned, nameOf),
      checkSight(folder, canaries, scanner),
    ],
    counts: {
      filesScanned: scanned.length,
      mebibytesScanned: Math.round(bytes / 2 ** 20),
      spellings: scanner.needles,
    },
  };
}

/** A scan that passes over a place finds nothing there. */
function everywhere(names: readonly string[], hasDatabaseElsewhere: boolean): Check[] {
  const places: [string, RegExp][] = [
    ['raw database files', hasDatabaseElsewhere ? /\/base\/\d+\/\d+/ : /^stage\/postgres\/base\/\d+\/\d+/],
    ['write-ahead log', /\/pg_wal\/[0-9A-F]{24}$/],
    ['dumps', /^dump\/transaction\/payments\.jsonl$/],
    ['answers', new RegExp(`^${EVIDENCE}/answers\\.jsonl$`)],
    ['Redis', new RegExp(`^${EVIDENCE}/redis\\.jsonl$`)],
    ...REPLICAS.flatMap((name): [string, RegExp][] => [
      [`environment of ${name}`, new RegExp(`^${EVIDENCE}/environ-${name}$`)],
      [`metrics of ${name}`, new RegExp(`^${EVIDENCE}/metrics-${name}$`)],
      [`log of ${name}`, new RegExp(`^stage/logs/${name}\\.log$`)],
    ]),
  ];
  const missing = places.flatMap(([place, pattern]) =>
    names.some((name) => pattern.test(name)) ? [] : [place],
  );
  return [check('every place is scanned', missing.length === 0, `not there: ${missing.join(', ')}`)];
}

// What every charge of the load says, and what is therefore kept.
const MARKER: Canary = { name: 'marker', kind: 'text', value: 'PROOF-charge' };

/** What must be there is found with the same scan of the same files. */
function checkMarker(files: readonly string[], nameOf: (file: string) => string): Check {
  const scanner = createLeakScanner([MARKER]);
  const found = files.filter((file) => scanner.scanFile(file).length > 0).map(nameOf);
  const wanted = [/\/base\//, /\/pg_wal\//, /^dump\//];
  const missing = wanted.filter((place) => !found.some((name) => place.test(name)));
  return check(
    'the scan sees: booking references are found in database files, write-ahead log and dumps',
    missing.length === 0,
    `found only in ${found.slice(0, HITS_SHOWN).join(', ') || 'nothing'}`,
  );
}

/** Each spelling of each canary is planted in a file among noise, and every one of them must be found. */
function checkSight(folder: string, canaries: readonly Canary[], scanner: LeakScanner): Check {
  const scratch = join(folder, 'scratch');
  mkdirSync(scratch);
  const missed = canaries.flatMap((canary) => {
    const file = join(scratch, 'planted');
    const spellings = spellingsOf(canary);
    const parts = spellings.flatMap(({ bytes }) => [randomBytes(61), bytes]);
    writeFileSync(file, Buffer.concat([...parts, randomBytes(61)]));
    const seen = new Set(scanner.scanFile(file).map((hit) => `${hit.canary} ${hit.spelling}`));
    return spellings.flatMap(({ name }) =>
      seen.has(`${canary.name} ${name}`) ? [] : [`${canary.name} as ${name}`],
    );
  });
  rmSync(scratch, { recursive: true });
  return check(
    `the scan is not blind: each of ${scanner.needles} planted spellings is found`,
    missed.length === 0,
    `missed: ${missed.slice(0, HITS_SHOWN).join(', ')}`,
  );
}
