import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAILURES, isFailureCode } from '../providers/failure.ts';
import type { FailureCode } from '../providers/failure.ts';
import { ATTEMPTS_MAX, retryDelayMs, SOFT_DECLINES } from './retry-policy.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The whole policy, written down a second time: code → pause after the first, second and third attempt. */
const EXPECTED: Partial<Record<FailureCode, readonly number[]>> = {
  insufficient_funds: [DAY, 3 * DAY, 5 * DAY],
  try_again_later: [HOUR, 6 * HOUR, DAY],
  processing_error: [15 * MINUTE, 2 * HOUR, 12 * HOUR],
};

const CODES = Object.keys(FAILURES).filter(isFailureCode);
const INITIATIONS = ['customer', 'merchant', 'moto'] as const;

test('each reason × attempt × initiation × consent has the pause of the table, or none', () => {
  let planned = 0;
  for (const code of CODES)
    for (const initiation of INITIATIONS)
      for (const mayRetry of [true, false])
        for (let sequence = 1; sequence <= 6; sequence += 1) {
          const isAsked = mayRetry && initiation !== 'customer';
          const expected = isAsked ? EXPECTED[code]?.[sequence - 1] : undefined;
          const delayMs = retryDelayMs({ sequence, code, initiation, mayRetry });
          assert.equal(delayMs, expected, `${code}, attempt ${sequence}, ${initiation}, ${String(mayRetry)}`);
          if (delayMs !== undefined) planned += 1;
        }
  assert.equal(planned, 3 * 3 * 2, 'three reasons, three pauses each, by the hotel or by phone');
});

test('nothing that a scheme forbids to repeat is soft', () => {
  const hard: FailureCode[] = [
    'card_declined',
    'lost_card',
    'stolen_card',
    'expired_card',
    'incorrect_number',
    'incorrect_cvc',
    'suspected_fraud',
    'card_token_invalid',
    'authentication_required',
  ];
  for (const code of hard) assert.equal(SOFT_DECLINES.has(code), false, code);
  for (const code of SOFT_DECLINES.keys()) assert.equal(FAILURES[code].retryable, true, code);
});

test('no reason allows more attempts than the cap, and the last of them comes within the 30 days of the schemes', () => {
  for (const [code, pauses] of SOFT_DECLINES) {
    assert.ok(pauses.length < ATTEMPTS_MAX, code);
    assert.ok(pauses.reduce((sum, one) => sum + one, 0) < 30 * DAY, code);
    assert.deepEqual(
      pauses,
      pauses.toSorted((a, b) => a - b),
      'each pause is longer than the one before',
    );
  }
  assert.ok(ATTEMPTS_MAX <= 15, "Visa's limit");
});

test('docs/retries.md says what the policy does', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../../docs/retries.md'), 'utf8');
  const rows = [...SOFT_DECLINES].map(
    ([code, pauses]) => `| \`${code}\` | ${pauses.map(inWords).join(' | ')} |`,
  );
  for (const row of rows) assert.ok(text.includes(row), `the page has the row ${row}`);
  assert.equal(
    text.match(/^\| `[a-z_]+` \| \d+ (?:minutes|hours?|days?) /gm)?.length,
    rows.length,
    'and no other',
  );
  assert.ok(text.includes(`${ATTEMPTS_MAX} attempts`));
});

function inWords(ms: number): string {
  const [count, unit] =
    ms % DAY === 0 ? [ms / DAY, 'day'] : ms % HOUR === 0 ? [ms / HOUR, 'hour'] : [ms / MINUTE, 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
