import type { DisputeFacts, PaymentStanding } from '../provider.ts';
import { standingOf } from './decide-follow-up.ts';
import type { ChallengeStore } from './simulator-challenges.ts';
import type { Journal } from './simulator-journal.ts';

/** Where a payment stands; undefined for a reference or currency that is not ours. */
export async function readStanding(
  { journal, challenges }: { journal: Journal; challenges: ChallengeStore },
  accountId: string,
  reference: string,
  currency: string,
): Promise<PaymentStanding | undefined> {
  const known = await journal.totals(accountId, reference);
  if (known === undefined || known.facts.currency !== currency) return undefined;
  if (known.facts.state === 'declined') return nothingMoved('failed');
  const challenge = await challenges.byReference(accountId, reference);
  if (challenge === undefined) return standingOf(known.facts, known.totals);
  if (challenge.state === 'open' && !challenge.isTimeOver) return nothingMoved('open');
  if (challenge.state === 'canceled') return { ...nothingMoved('canceled'), canceledBy: 'request' };
  if (challenge.state === 'open') return { ...nothingMoved('canceled'), canceledBy: 'expiry' };
  return challenge.state === 'approved' && challenge.failureCode === undefined
    ? standingOf(known.facts, known.totals)
    : nothingMoved('failed');
}

function nothingMoved(state: PaymentStanding['state']): PaymentStanding {
  const none = { authorizedMinor: 0n, capturedMinor: 0n, refundedMinor: 0n, capturableMinor: 0n };
  return { state, ...none, disputed: false };
}

const DISPUTE_PREFIX = 'simdp_';
const DAY_MS = 24 * 60 * 60_000;
// As long as the schemes usually leave a hotel for its evidence.
const EVIDENCE_DAYS = 7;

/** The dispute of a payment with a card that disputes, once something was captured. It is lost when its time is over. */
export async function readDispute(
  journal: Journal,
  accountId: string,
  disputeReference: string,
): Promise<DisputeFacts | undefined> {
  if (!disputeReference.startsWith(DISPUTE_PREFIX)) return undefined;
  const known = await journal.totals(accountId, disputeReference.slice(DISPUTE_PREFIX.length));
  const dispute = known?.facts.card.dispute;
  if (known === undefined || dispute === undefined || known.totals.capturedMinor === 0n) return undefined;
  const { facts, totals, now } = known;
  const evidenceDueAt = new Date(facts.createdAt.getTime() + EVIDENCE_DAYS * DAY_MS);
  const isOver = now >= evidenceDueAt;
  const ended = dispute.isInquiry ? ('closed' as const) : ('lost' as const);
  return {
    reference: disputeReference,
    money: { amountMinor: totals.capturedMinor, currency: facts.currency },
    status: isOver ? ended : 'open',
    providerStatus: isOver ? ended : 'needs_response',
    reason: dispute.reason,
    isInquiry: dispute.isInquiry,
    evidenceDueAt: isOver ? undefined : evidenceDueAt,
  };
}

/** The id of the dispute that a payment with a disputing card has. */
export function disputeReferenceOf(paymentReference: string): string {
  return `${DISPUTE_PREFIX}${paymentReference}`;
}
