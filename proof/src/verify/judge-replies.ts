import { createHash } from 'node:crypto';
import type { Books } from './books.ts';
import type { Found, Invariant } from './judge.ts';
import { finalAnswers } from './key-uses.ts';
import type { KeyUse } from './key-uses.ts';
import type { OperationRow, ReplyRow } from './rows.ts';

/** What is kept for repeated keys: I23. */
export const REPLIES: readonly Invariant[] = [
  {
    number: 'I23',
    rule: 'idempotency rows are terminal or leased; replayed bytes equal the first and the stored ones; no key answers two requests',
    judge: judgeReplies,
  },
];

function judgeReplies(books: Books): Found {
  const { replies, uses = [] } = books;
  const operations = new Map(books.operations.map((row) => [`${row.merchant_id} ${row.id}`, row]));
  const stored = new Map(replies.map((row) => [`${row.merchant_id} ${row.operation_id}`, row]));
  const paidAfterAll = new Set(
    books.events.flatMap(({ type, payment_id }) => (type.startsWith('payment.late_') ? [payment_id] : [])),
  );
  const cameBack = new Set(
    books.events.flatMap(({ type, operation_id }) =>
      type === 'payment.refund_failed' ? [operation_id] : [],
    ),
  );
  const offending = [
    ...replies.flatMap((reply) => {
      const operation = operations.get(`${reply.merchant_id} ${reply.operation_id}`);
      const mayDiffer =
        operation !== undefined && (paidAfterAll.has(operation.payment_id) || cameBack.has(operation.id));
      return wrongReply(reply, operation, mayDiffer).map(
        (wrong) => `reply to operation ${reply.operation_id}: ${wrong}`,
      );
    }),
    ...uses.flatMap((use) =>
      wrongAnswers(use, stored.get(`${use.merchantId} ${use.operationId}`)).map(
        (wrong) => `key ${use.key} of hotel ${use.merchantId}: ${wrong}`,
      ),
    ),
    // A lease is a time; the row that has none would never be looked at again.
    ...books.operations.flatMap(({ id, state, due_at }) =>
      state === 'succeeded' || state === 'declined' || Number.isFinite(Date.parse(due_at))
        ? []
        : [`operation ${id} is ${state} and has no lease`],
    ),
  ];
  return { checked: replies.length + uses.length, offending };
}

function wrongReply(reply: ReplyRow, operation: OperationRow | undefined, mayDiffer: boolean): string[] {
  // Whether it exists is I20.
  if (operation === undefined) return [];
  const expected = reply.status_code === 402 ? 'declined' : 'succeeded';
  return [
    ...(operation.state === expected || mayDiffer
      ? []
      : [`${reply.status_code} is kept for an operation that is ${operation.state}`]),
    ...(operation.fingerprint === reply.fingerprint ? [] : ['it is kept for another request']),
  ];
}

function wrongAnswers(use: KeyUse, stored: ReplyRow | undefined): string[] {
  const final = finalAnswers(use);
  const bytes = new Set(final.map(({ end }) => end.bytes));
  const fingerprints = new Set(final.map(({ asked }) => asked.fingerprint));
  const statuses = new Set(final.map(({ end }) => end.status));
  // Exactly one of them can be the first; where its answer was lost on the way there is none.
  const firsts = final.filter(({ end }) => !end.replayed).length;
  const [answer] = final;
  return [
    ...(bytes.size > 1 ? [`${bytes.size} different answers to one request`] : []),
    ...(fingerprints.size > 1 ? [`${fingerprints.size} different requests were answered`] : []),
    ...(statuses.size > 1 ? [`answered with ${[...statuses].join(' and ')}`] : []),
    ...(firsts > 1 ? [`${firsts} answers that say they are the first`] : []),
    ...(answer !== undefined && stored !== undefined && sha256(stored.body) !== answer.end.bytes
      ? ['the stored reply has other bytes than the answer']
      : []),
    ...(answer !== undefined && stored !== undefined && stored.status_code !== answer.end.status
      ? [`the stored reply is ${stored.status_code}, the answer was ${answer.end.status}`]
      : []),
  ];
}

/** Of bytes that Postgres wrote as `\x…`. */
function sha256(hex: string): string {
  return createHash('sha256')
    .update(Buffer.from(hex.slice(2), 'hex'))
    .digest('hex');
}
