import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { call } from './platform-under-test.ts';
import type { Answer } from './platform-under-test.ts';
import { readDescription } from './openapi/description.ts';
import type { Operation } from './openapi/description.ts';
import { documentedCodes, judgeAnswer } from './openapi/judge-answer.ts';
import { requestsTo } from './openapi/requests.ts';
import type { Wanted } from './openapi/requests.ts';
import { startSubject } from './openapi/subject.ts';
import type { Subject } from './openapi/subject.ts';

// Every operation of the OpenAPI document is sent requests made from its own schemas, right ones and spoilt ones. A failure
// prints seed and path; PROPERTY_SEED sends the same requests again, PROPERTY_RUNS more or fewer of them to each operation.

// Enough that every kind of spoiling comes to every operation, and the file stays below a minute on two cores.
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 20);
const SEED = Number(process.env['PROPERTY_SEED'] ?? 20_261_121);
// The platform has two cores in CI; more requests at once would only wait longer each.
const AT_ONCE = 6;

const description = readDescription();
const codes = documentedCodes();

let subject: Subject;
before(async () => {
  subject = await startSubject(description.operations);
});
after(async () => await subject.end());

test('the document and the table of codes were read', () => {
  assert.ok(description.operations.length > 30);
  assert.equal(codes.get('validation_failed'), 400);
});

test('whatever is sent to an operation, the answer is documented, whole, and silent about our inside', async (t) => {
  const seen = new Map<string, Set<number>>();
  const queue = [...description.operations];
  const work = async (): Promise<void> => {
    for (let operation = queue.shift(); operation !== undefined; operation = queue.shift())
      await t.test(operation.name, testOf(operation, seen));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assert.deepEqual(subject.crashes(), []);
  assert.equal(Reflect.get({}, 'isAdmin'), undefined);
  // Were everything refused, the properties would hold of nothing.
  const taken = [...seen].filter(([, statuses]) => [...statuses].some((status) => status < 300));
  t.diagnostic(`${taken.length} of ${seen.size} operations took at least one request`);
  assert.ok(
    taken.length > description.operations.length / 2,
    `only ${taken.map(([name]) => name).join(', ')}`,
  );
});

function testOf(operation: Operation, seen: Map<string, Set<number>>): () => Promise<void> {
  return async () => {
    const statuses = new Set<number>();
    seen.set(operation.name, statuses);
    const credential = subject.credentialFor(operation);
    const property = fc.asyncProperty(requestsTo(operation, description, subject.known), async (wanted) => {
      const answer = await ask(operation, wanted, credential);
      statuses.add(answer.status);
      assert.equal(judgeAnswer(operation, description, codes, answer), undefined);
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
  };
}

async function ask({ method }: Operation, wanted: Wanted, fitting: string | undefined): Promise<Answer> {
  const { path, body } = wanted;
  const credentials = { fitting, none: undefined, garbage: 'ck_test_garbage' };
  const apiKey = credentials[wanted.credential];
  return await call(subject.platform, toMethod(method), path, {
    ...(apiKey === undefined ? {} : { apiKey }),
    headers: { ...wanted.headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : Buffer.from(body.hex, 'hex') }),
  });
}

function toMethod(method: string): 'GET' | 'POST' | 'DELETE' {
  if (method !== 'GET' && method !== 'POST' && method !== 'DELETE') throw new Error(`${method} is not ours`);
  return method;
}
