import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorsDocument } from './errors-document.ts';

const refusals = {
  later: { http: 503, grpc: 14, title: 'Come back | later.' },
  missing: { http: 404, grpc: 5, title: 'Nothing here.' },
};
const failures = {
  declined: { message: 'The card was declined.', retryable: false, aboutCard: true },
  broken: { message: 'It broke.', retryable: true, aboutCard: false },
};

test('refusals are listed by HTTP status with their gRPC status by name, and no title breaks the table', () => {
  const document = errorsDocument(refusals, failures);
  const first = document.indexOf('| 404 | `missing` | NOT_FOUND | Nothing here. |\n');
  const second = document.indexOf('| 503 | `later` | UNAVAILABLE | Come back \\| later. |\n');
  assert.ok(first > 0 && second > first);
});

test('failures say what they are answered as and whether to try again', () => {
  const document = errorsDocument(refusals, failures);
  assert.ok(document.includes('| `declined` | `card_declined` | no | The card was declined. |\n'));
  assert.ok(document.includes('| `broken` | `payment_failed` | yes | It broke. |\n'));
});
