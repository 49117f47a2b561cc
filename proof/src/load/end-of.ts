import { hash } from 'node:crypto';
import type { Answered, Unanswered } from './ask.ts';
import type { End } from './client-journal.ts';
import { inShort, isReplayed, problemSchema, toldOf } from './told.ts';

/** What a client knows after this answer, as `client.jsonl` has it. Pure. */
export function endOf(answer: Answered | Unanswered): End {
  if ('reason' in answer) return { type: 'info', status: 0, reason: answer.reason, paymentId: null };
  const { status } = answer;
  if (status === 200 || status === 201) return okOf(answer);
  if ((status >= 400 && status < 500) || status === 503) return failOf(answer);
  const told = toldOf(answer);
  const paymentId = told === undefined ? null : told.object === 'payment' ? told.id : told.payment_id;
  return { type: 'info', status, reason: told?.status ?? inShort(answer), paymentId };
}

function okOf(answer: Answered): End {
  const told = toldOf(answer);
  // A body that nobody can read says nothing about the money.
  if (told === undefined) return unreadable(answer);
  const isPayment = told.object === 'payment';
  return {
    type: 'ok',
    status: answer.status,
    replayed: isReplayed(answer),
    bytes: hash('sha256', answer.bytes),
    paymentId: isPayment ? told.id : told.payment_id,
    refundId: isPayment ? null : told.id,
    state: told.status,
    authorized: isPayment ? told.amount_authorized : null,
    captured: isPayment ? told.amount_captured : null,
    refunded: isPayment ? told.amount_refunded : null,
  };
}

function failOf(answer: Answered): End {
  const problem = problemSchema.safeParse(answer.json).data;
  if (problem === undefined) return unreadable(answer);
  return {
    type: 'fail',
    status: answer.status,
    code: problem.code,
    replayed: isReplayed(answer),
    bytes: hash('sha256', answer.bytes),
    paymentId: problem.payment?.id ?? problem.refund?.payment_id ?? null,
  };
}

function unreadable(answer: Answered): End {
  return { type: 'info', status: answer.status, reason: `unreadable: ${inShort(answer)}`, paymentId: null };
}

// Refusals of this one request, which say nothing about what its key stands for: the same request may be made again.
const PASSING = new Set([
  'in_progress',
  'too_many_requests',
  'unavailable',
  'provider_unreachable',
  'request_timeout',
]);

/** Whether the key's story ends here: done, declined, or refused for good. */
export function isFinal(end: End): boolean {
  return end.type === 'ok' || (end.type === 'fail' && !PASSING.has(end.code));
}

export type Kept = Extract<End, { type: 'ok' | 'fail' }>;

/** The answer, when the key has it for good: from now on it gets the same bytes. */
export function keptOf(end: End | undefined): Kept | undefined {
  if (end?.type === 'ok') return end;
  return end?.type === 'fail' && end.status === 402 ? end : undefined;
}
