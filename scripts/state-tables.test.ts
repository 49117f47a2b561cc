import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LEGAL_OPERATIONS } from '../services/transaction/src/payments/legal-operations.ts';
import { STATUSES } from '../services/transaction/src/payments/payment.ts';
import { LEGAL_MOVES } from '../services/transaction/src/payments/transition.ts';

const written = readFileSync(join(import.meta.dirname, '..', 'docs', 'architecture.md'), 'utf8');

test('docs/architecture.md names exactly the legal moves of a payment', () => {
  const rows = STATUSES.map((from) => {
    // A move onto itself is no move for a reader.
    const others = LEGAL_MOVES[from].filter((to) => to !== from).map((to) => `\`${to}\``);
    return `| \`${from}\` | ${others.join(', ')} |`;
  });
  assert.equal(tableOf('moves'), ['| from | to |', '|---|---|', ...rows].join('\n'));
});

test('docs/architecture.md names exactly which request is legal in which status, and every refusal', () => {
  const kinds = Object.values(LEGAL_OPERATIONS);
  const rows = STATUSES.map((status) => {
    const verdicts = kinds.map((byStatus) =>
      byStatus[status] === 'legal' ? 'yes' : `\`${byStatus[status]}\``,
    );
    return `| \`${status}\` | ${verdicts.join(' | ')} |`;
  });
  // `void` is the word inside; callers say cancel.
  const names = Object.keys(LEGAL_OPERATIONS).map((kind) => (kind === 'void' ? 'cancel' : kind));
  const head = [`| status | ${names.join(' | ')} |`, `|---|${names.map(() => '---|').join('')}`];
  assert.equal(tableOf('operations'), [...head, ...rows].join('\n'));
});

function tableOf(name: string): string {
  const [, rest] = written.split(`<!-- table: ${name} -->\n`);
  assert.ok(rest !== undefined, `docs/architecture.md has no table ${name}`);
  return rest.split('\n<!-- end -->')[0] ?? '';
}
