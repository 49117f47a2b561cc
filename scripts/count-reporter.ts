import { readFileSync } from 'node:fs';
import { z } from 'zod';

// What of node:test's events is counted: tests, not the suites and files around them.
type Event = { type: string; data: unknown };
const dataSchema = z.object({
  name: z.string(),
  file: z.string().optional(),
  skip: z.union([z.boolean(), z.string()]).optional(),
  todo: z.union([z.boolean(), z.string()]).optional(),
  details: z.object({ type: z.string().optional() }).loose().optional(),
});
const lineSchema = z.object({ outcome: z.enum(['pass', 'fail', 'skip']), name: z.string() });

export type Counts = { passed: number; failed: number; skipped: number; skippedNames: string[] };

/** A node:test reporter that writes one JSON line per finished test. */
export default async function* countReporter(events: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const data = dataSchema.parse(event.data);
    if (data.details?.type === 'suite' && event.type === 'test:pass') continue;
    const isSkipped = data.skip !== undefined || data.todo !== undefined;
    yield `${JSON.stringify({ outcome: isSkipped ? 'skip' : event.type === 'test:pass' ? 'pass' : 'fail', name: data.name })}\n`;
  }
}

/** Adds up what the reporter wrote. */
export function readCounts(path: string): Counts {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const tests = lines.map((line) => lineSchema.parse(JSON.parse(line)));
  const count = (outcome: string): number => tests.filter((test) => test.outcome === outcome).length;
  return {
    passed: count('pass'),
    failed: count('fail'),
    skipped: count('skip'),
    skippedNames: tests.filter((test) => test.outcome === 'skip').map((test) => test.name),
  };
}
