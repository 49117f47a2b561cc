import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { problemSchema } from '../platform-under-test.ts';
import type { Answer } from '../platform-under-test.ts';
import type { Description, Operation } from './description.ts';
import { mismatch } from './mismatch.ts';

const ERRORS_DOCUMENT = fileURLToPath(new URL('../../docs/errors.md', import.meta.url));

/** Code to HTTP status, as docs/errors.md promises. */
export function documentedCodes(): ReadonlyMap<string, number> {
  const rows = readFileSync(ERRORS_DOCUMENT, 'utf8').matchAll(/^\| (\d{3}) \| `(\w+)` \|/gm);
  return new Map(Array.from(rows, ([, status, code]) => [code ?? '', Number(status)]));
}

// What only somebody who sees inside could write: a stack, a statement, a name of a machine, a library's own words.
const INSIDE =
  /\n\s+at |node_modules|\.ts:\d|file:\/\/|127\.0\.0\.1|localhost|postgres|ECONN|violates|syntax error at|relation "|null value in column|invalid input syntax|\b\d+ [A-Z_]+: /;

/** What is wrong with an answer of that operation; undefined when it is as documented. */
export function judgeAnswer(
  operation: Operation,
  description: Description,
  codes: ReadonlyMap<string, number>,
  answer: Answer,
): string | undefined {
  const { status, text } = answer;
  const told = `${status} ${text.slice(0, 600)}`;
  if (status >= 500) return `our fault: ${told}`;
  const documented = operation.responses[String(status)];
  if (documented === undefined) return `no such status is documented: ${told}`;
  const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? '';
  const media = documented.content[type];
  if (media === undefined && (text !== '' || Object.keys(documented.content).length > 0))
    return `no ${type === '' ? 'empty body' : type} is documented: ${told}`;
  if (status >= 400 && INSIDE.test(text)) return `it tells of our inside: ${told}`;
  if (type === 'application/problem+json') {
    const wrong = judgeProblem(answer, codes);
    if (wrong !== undefined) return `${wrong}: ${told}`;
  }
  if (media?.schema === undefined || !type.endsWith('json')) return undefined;
  const wrong = mismatch(description, media.schema, answer.json);
  return wrong === undefined ? undefined : `${wrong}: ${told}`;
}

function judgeProblem({ status, json }: Answer, codes: ReadonlyMap<string, number>): string | undefined {
  const problem = problemSchema.safeParse(json);
  if (!problem.success) return 'not a problem document';
  const { code } = problem.data;
  if (codes.get(code) !== status) return `docs/errors.md does not have ${code} with ${status}`;
  if (problem.data.status !== status) return 'it says another status than its own';
  return undefined;
}
