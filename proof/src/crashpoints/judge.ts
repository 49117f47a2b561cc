import type { Answered, Unanswered } from '../load/ask.ts';
import type { End } from '../load/client-journal.ts';
import { codeOf, inShort, isReplayed } from '../load/told.ts';
import type { Book } from './book.ts';
import { endsUndone, stepOf } from './crash-cases.ts';
import type { CrashCase } from './crash-cases.ts';
import type { Subject } from './subject.ts';

/** What a death leaves: whether the operation is stored, and whether its provider has done it. */
type Left = { stored: 'nothing' | 'open' | 'ended' | 'open or ended'; isDone: boolean };

const NOTHING: Left = { stored: 'nothing', isDone: false };
const UNSENT: Left = { stored: 'open', isDone: false };
const UNHEARD: Left = { stored: 'open', isDone: true };
const ENDED: Left = { stored: 'ended', isDone: true };
// The provider's webhook may overtake its own answer.
const TOLD: Left = { stored: 'open or ended', isDone: true };

const LEFT: ReadonlyMap<string, Left> = new Map([
  ['gateway.before-forward', NOTHING],
  ['gateway.after-answer', ENDED],
  ['payment-api.before-operation', NOTHING],
  ['payment-api.after-operation', ENDED],
  ['payment-api.after-store', ENDED],
  ['before-write-1', NOTHING],
  ['after-write-1', UNSENT],
  ['before-provider', UNSENT],
  ['stripe.after-payment-method', UNSENT],
  ['after-provider', UNHEARD],
  ['after-write-2', ENDED],
  ['sweeper.after-claim', UNHEARD],
  ['sweeper.after-provider', UNHEARD],
  ['sweeper.after-settle', ENDED],
  ['provider-event.after-store', TOLD],
  ['provider-event.after-settle', TOLD],
]);

const OPEN: ReadonlySet<string> = new Set(['prepared', 'sent', 'unknown']);

/** Whether the process died where its failpoint says: what it left, before anybody else did anything. */
export function judgeLeft(crash: CrashCase, subject: Subject, book: Book): string[] {
  const step = stepOf(crash.failpoint);
  const left = LEFT.get(step);
  if (left === undefined) throw new Error(`nobody knows what ${crash.failpoint} leaves`);
  const wrong: string[] = [];
  const own = book.operations.filter(({ kind }) => kind === crash.kind);
  const states = own.map(({ state }) => (OPEN.has(state) ? 'open' : state === 'succeeded' ? 'ended' : state));
  const stored = states.length === 0 ? 'nothing' : states.join(', ');
  if (!left.stored.split(' or ').includes(stored)) wrong.push(`left ${stored}, not ${left.stored}`);
  if (left.stored === 'nothing' && book.history.length !== subject.before.steps)
    wrong.push(`${book.history.length} steps in the history, ${subject.before.steps} before`);
  // A charge of the built-in simulator writes nothing: it is in the reference that comes back.
  const isSeen = crash.provider === 'stripe' || subject.before.effects > 0 || stored === 'ended';
  const effects = subject.before.effects + (left.isDone ? 1 : 0);
  if (isSeen && book.effects.length !== effects)
    wrong.push(`${book.effects.length} effects at the provider, not ${effects}: ${book.effects.join(', ')}`);
  const attempt = own[0]?.attempt;
  if (step.startsWith('sweeper.') && (attempt ?? 0) < 2) wrong.push(`attempt ${attempt}: no sweeper had it`);
  if (step.startsWith('provider-event.') && !book.providerEvents.includes('received'))
    wrong.push(`no event waits to be concluded: ${book.providerEvents.join(', ')}`);
  return wrong;
}

/**
 * Whether the client in whose request the process died was told nothing untrue: whatever may have been done is not refused, and
 * 503 promises that nothing was sent (reliability.md §6).
 */
export function judgeFirst(crash: CrashCase, answer: Answered | Unanswered): string[] {
  const { status } = answer;
  const isEarly = LEFT.get(stepOf(crash.failpoint)) === NOTHING;
  const isRight =
    crash.service === 'api-gateway'
      ? status === 0
      : crash.service === 'payment-api'
        ? status === 500 && codeOf(answer) === 'internal'
        : [200, 201, 202].includes(status) || codeOf(answer) === 'in_progress' || (isEarly && status === 503);
  return isRight ? [] : [`the interrupted request was answered ${inShort(answer)}`];
}

/** Whether the client was told the truth: the answer that ended it, and the one to the same key afterwards. */
export function judgeAnswers(crash: CrashCase, end: End, answer: Answered, again: Answered): string[] {
  const wrong: string[] = [];
  const isRight = endsUndone(crash) ? end.type === 'fail' && end.status === 402 : end.type === 'ok';
  if (!isRight) wrong.push(`ended with ${inShort(answer)}`);
  if (again.status !== answer.status || !again.bytes.equals(answer.bytes))
    wrong.push(`answered ${inShort(answer)}, then ${inShort(again)}`);
  if (!isReplayed(again)) wrong.push('the second answer does not say that it is a replay');
  return wrong;
}

/** Whether everything is as if nobody had died. */
export function judgeEnd(crash: CrashCase, { expected }: Subject, book: Book): string[] {
  const wrong: string[] = [];
  const compare = (what: string, is: unknown, wanted: unknown): void => {
    if (String(is) !== String(wanted)) wrong.push(`${what}: ${String(is)}, not ${String(wanted)}`);
  };
  const { payment } = book;
  if (payment === undefined || book.payments !== 1) return [`${book.payments} payments, not 1`];
  compare('status', payment.status, expected.status);
  if (crash.kind !== 'void') compare('authorized', payment.authorized_minor, expected.authorized);
  compare('captured', payment.captured_minor, expected.captured);
  compare('refunded', payment.refunded_minor, expected.refunded);
  compare('pending', payment.pending_minor, 0);
  compare('busy', payment.busy_operation_id, null);
  const own = book.operations.filter(({ kind }) => kind === crash.kind);
  compare(
    `${crash.kind} operations`,
    own.map(({ state }) => state),
    endsUndone(crash) ? 'declined' : 'succeeded',
  );
  const open = book.operations.filter(({ state }) => OPEN.has(state));
  compare(
    'open operations',
    open.map(({ kind }) => kind),
    '',
  );
  compare(
    'history',
    book.history.map(({ type }) => type),
    expected.history,
  );
  compare(
    'versions',
    book.history.map(({ version }) => version),
    expected.history.map((_, at) => at + 1),
  );
  compare('outbox', book.outbox.map(tellStep), book.history.map(tellStep));
  compare('version', payment.version, expected.history.length);
  compare('effects at the provider', book.effects, expected.effects);
  return wrong;
}

function tellStep({ version, type }: { version: number; type: string }): string {
  return `${version} ${type}`;
}
