import type { Answered, Unanswered } from '../load/ask.ts';
import { codeOf, inShort } from '../load/told.ts';
import type { Cell, Probe } from './cells.ts';
import { mustWork } from './cells.ts';

/**
 * What is wrong with an answer given during an outage; undefined when it is one that the documentation allows there
 * (reliability.md §6, docs/errors.md): done, or an honest word on why it is not.
 */
export function wrongWith(
  { dependency }: Pick<Cell, 'dependency'>,
  probe: Probe,
  answer: Answered | Unanswered,
): string | undefined {
  if ('reason' in answer) return `no answer: ${answer.reason}`;
  if (answer.status === 200 || answer.status === 201) return undefined;
  if (mustWork(dependency, probe)) return `does not depend on it, and was answered ${inShort(answer)}`;
  const isRead = probe.endsWith('read');
  const says = `${answer.status} ${codeOf(answer) ?? ''}`.trimEnd();
  switch (says) {
    // Unknown, and told so.
    case '202':
      return isRead ? `a read was answered ${says}` : undefined;
    // Surely nothing was sent; or not known yet, and told later under the same key.
    case '503 unavailable':
    case '503 provider_unreachable':
    case '409 in_progress':
      if (isRead && answer.status === 409) return `a read was answered ${says}`;
      return answer.headers['retry-after'] === undefined ? `${says} without Retry-After` : undefined;
    // The gateway has lost the answer of payment-api itself: neither "done" nor "nothing was done" would be true
    // (services/api-gateway/README.md).
    case '500 internal':
      return !isRead && dependency === 'payment-api' && LOST_ANSWER.test(inShort(answer))
        ? undefined
        : `answered ${inShort(answer)}`;
    default:
      return `answered ${inShort(answer)}`;
  }
}

const LOST_ANSWER = /The answer was lost, so the outcome is not known/;
