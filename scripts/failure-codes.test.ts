import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CARD_FAILURES } from '../services/payment-api/src/charges/charge-reply.ts';
import { FAILURES } from '../services/transaction/src/providers/failure.ts';

test('payment-api calls exactly those failures a declined card that transaction says are about the card', () => {
  const aboutCard = Object.entries(FAILURES).flatMap(([code, { aboutCard: isCard }]) =>
    isCard ? [code] : [],
  );
  assert.deepEqual([...CARD_FAILURES].toSorted(), aboutCard.toSorted());
});
