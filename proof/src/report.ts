import { writeFileSync } from 'node:fs';
import type { Outcome, Profile } from './scenario.ts';

/** One scenario under one seed, ended. */
export type Finished = {
  scenario: string;
  promise: string;
  seed: number;
  seconds: number;
  startedAt: Date;
  outcome: Outcome;
};

/** Writes what was run, for how long, with which seeds, and what came of it, as Markdown. */
export function writeReport(
  file: string,
  finished: readonly Finished[],
  options: { minutes: number; profile: Profile },
): void {
  const seeds = [...new Set(finished.map(({ seed }) => seed))];
  const checks = finished.flatMap(({ outcome }) => outcome.checks);
  const failed = checks.filter(({ failure }) => failure !== undefined);
  const seconds = finished.reduce((sum, run) => sum + run.seconds, 0);
  const lines = [
    `# Proof run of ${finished[0]?.startedAt.toISOString().slice(0, 10) ?? 'never'}`,
    '',
    `Profile ${options.profile}, seeds ${seeds.join(', ')}, ${options.minutes} minutes of faults for each seed, ` +
      `${(seconds / 60).toFixed(1)} minutes in all: **${checks.length - failed.length} passed, ${failed.length} failed**.`,
    '',
    '| scenario | seed | seconds | checks | failed | counts |',
    '|---|---|---|---|---|---|',
    ...finished.map(row),
    '',
    ...section(
      'Failed',
      failed.map(({ name, failure }) => `${name}: ${failure}`),
    ),
    ...section('Checks', [...new Set(checks.map(({ name }) => withoutCounts(name)))]),
    ...section('Not judged', [...new Set(finished.flatMap(({ outcome }) => outcome.notes))]),
  ];
  writeFileSync(file, `${lines.join('\n').trimEnd()}\n`);
}

function row({ scenario, seed, seconds, outcome }: Finished): string {
  const failed = outcome.checks.filter(({ failure }) => failure !== undefined).length;
  const counts = Object.entries(outcome.counts).map(([name, count]) => `${name} ${count}`);
  return `| ${scenario} | ${seed} | ${seconds} | ${outcome.checks.length} | ${failed} | ${counts.join(', ')} |`;
}

/** The same check of two runs reads the same. */
function withoutCounts(name: string): string {
  return name.replace(/ \(\d+ checked\)$/, '');
}

function section(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`## ${title}`, '', ...items.map((item) => `- ${item}`), ''];
}
