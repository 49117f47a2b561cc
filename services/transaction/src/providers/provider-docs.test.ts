import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pagePath, PROVIDER_PAGES, withTables } from './provider-docs.ts';

for (const page of PROVIDER_PAGES)
  test(`docs/providers/${page}.md says what the code does (else run: node src/providers/provider-docs.ts)`, () => {
    const text = readFileSync(pagePath(page), 'utf8');
    assert.equal(text, withTables(page, text));
  });

test('a page that drops a table, or names one that does not exist, is noticed', () => {
  const text = readFileSync(pagePath('simulator'), 'utf8');
  assert.throws(
    () => withTables('simulator', text.replace('<!-- table: cards -->', '')),
    /leaves out the table cards/,
  );
  assert.throws(
    () => withTables('simulator', text.replace('table: cards', 'table: nonsense')),
    /which does not exist/,
  );
  const drifted = text.replace('66601', '66699');
  assert.notEqual(drifted, withTables('simulator', drifted));
});
