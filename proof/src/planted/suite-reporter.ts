import { readFileSync } from 'node:fs';
import { z } from 'zod';

type Event = { type: string; data: unknown };
const eventSchema = z.object({
  name: z.string(),
  skip: z.union([z.boolean(), z.string()]).optional(),
  todo: z.union([z.boolean(), z.string()]).optional(),
  details: z
    .object({
      type: z.string().optional(),
      error: z
        .object({
          failureType: z.string().optional(),
          cause: z.unknown().optional(),
        })
        .loose()
        .optional(),
    })
    .loose()
    .optional(),
});
const causeSchema = z.object({ name: z.string().optional(), message: z.string().optional() }).loose();

const resultSchema = z.object({
  outcome: z.enum(['pass', 'fail', 'skip']),
  name: z.string(),
  isSuite: z.boolean(),
  /** node:test's word; `testCodeFailure` is a test that ran and threw. */
  failureType: z.string(),
  errorName: z.string(),
  message: z.string(),
});
/** One finished test, suite or file. */
export type TestResult = z.infer<typeof resultSchema>;

/** A node:test reporter: one JSON line for each finished test, with what kind of failure it was. */
export default async function* suiteReporter(events: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name, skip, todo, details } = eventSchema.parse(data);
    const cause = causeSchema.safeParse(details?.error?.cause).data;
    const isSkipped = skip !== undefined || todo !== undefined;
    const result: TestResult = {
      outcome: isSkipped ? 'skip' : type === 'test:pass' ? 'pass' : 'fail',
      name,
      isSuite: details?.type === 'suite',
      failureType: details?.error?.failureType ?? '',
      errorName: cause?.name ?? '',
      message: (cause?.message ?? '').trim().slice(0, 300),
    };
    yield `${JSON.stringify(result)}\n`;
  }
}

/** What the reporter wrote. */
export function readResults(path: string): TestResult[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => resultSchema.parse(JSON.parse(line)));
}
