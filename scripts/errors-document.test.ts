import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERRORS } from '../packages/service-kit/src/errors.ts';
import { errorsDocument } from '../packages/service-kit/src/errors-document.ts';
import { FAILURES } from '../services/transaction/src/providers/failure.ts';

const written = readFileSync(join(import.meta.dirname, '..', 'docs', 'errors.md'), 'utf8');

test('docs/errors.md says what the tables in the code say (else: npm run errors)', () => {
  assert.equal(written, errorsDocument(ERRORS, FAILURES));
});

test('docs/errors.md has one row for every code of both tables', () => {
  const rows = written.split('\n').filter((line) => line.startsWith('|'));
  for (const [code, { http, title }] of Object.entries(ERRORS))
    assert.equal(
      rows.filter((row) => row.startsWith(`| ${http} | \`${code}\` |`) && row.endsWith(`| ${title} |`))
        .length,
      1,
      code,
    );
  for (const [code, { message }] of Object.entries(FAILURES))
    assert.equal(
      rows.filter((row) => row.startsWith(`| \`${code}\` |`) && row.endsWith(`| ${message} |`)).length,
      1,
      code,
    );
});
