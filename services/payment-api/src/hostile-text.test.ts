import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { longestBlocks } from '@centra/testkit/loop-delay.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { chargeBody, startWithDoubles } from './testing/start-with-doubles.ts';
import type { Stand } from './testing/start-with-doubles.ts';

let stand: Stand;
before(async () => {
  stand = await startWithDoubles();
});
after(async () => await stand.close());

// Just under the limit of a body, so that none of it is refused unread.
const LENGTH = 240_000;
const fill = (piece: string): string => piece.repeat(LENGTH / piece.length);

// What makes patterns try again from every place: long runs of what they begin with, and then not their end.
const HOSTILE = [
  '4-',
  '4242 ',
  '0',
  '4242-4242-4242-424',
  '00000000-0000-',
  'a@',
  'https://a.',
  '\u2028',
  '@',
  ' .',
].map(fill);
const PLAIN = HOSTILE.map(({ length }) => 'plain text, and '.repeat(LENGTH).slice(0, length));

/** The text in one field, or a part of it in each field that takes text. */
const bodiesOf = (text: string): [string, unknown][] => {
  const part = text.slice(0, LENGTH / 12);
  const everywhere = chargeBody({
    card_token: part,
    currency: part,
    booking_reference: part,
    description: part,
    guest: { name: part, email: part },
    metadata: { note: part },
    return_url: part,
    provider_account: part,
  });
  return [
    ['/v1/charge', chargeBody({ description: text })],
    ['/v1/charge', everywhere],
    ['/v1/payments', everywhere],
    [
      '/v1/quotes',
      { currency: part, items: [{ item: part, check_in: part, check_out: part }], discount_codes: [part] },
    ],
  ];
};

/** 5 MB for each round and so 14 MB in all. */
async function sendEverywhere(texts: readonly string[]): Promise<void> {
  for (const text of texts)
    for (const [path, body] of bodiesOf(text)) {
      const { status } = await stand.post(path, newUuid(), body);
      assert.ok(
        status === 400 || status === 413 || status === 422,
        `${status} for ${path} with ${text.slice(0, 20)}`,
      );
    }
}

test('row 11: hostile text over all fields costs about as much time as plain text of the same length', async () => {
  const { usualMs, unusualMs } = await longestBlocks(
    async () => await sendEverywhere(PLAIN),
    async () => await sendEverywhere(HOSTILE),
  );
  assert.ok(unusualMs < 2 * usualMs + 50, `blocked for ${unusualMs} ms instead of ${usualMs} ms`);
});
