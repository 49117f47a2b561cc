import type { ChargeEffect, FollowUpEffect } from './simulator-amounts.ts';
import { BRANDS } from './simulator-cards.ts';
import type { CardBehaviour } from './simulator-cards.ts';

/** What a card does, for docs/providers/simulator.md. */
export function behaviourWords(card: CardBehaviour): string {
  if (card.decline !== undefined) return `declined: \`${card.decline}\``;
  if (card.challenge !== undefined) {
    const then =
      card.challenge.decline === undefined ? 'approved' : `declined: \`${card.challenge.decline}\``;
    return `3-D Secure, then ${then}; without a \`return_url\` declined: \`authentication_required\``;
  }
  if (card.approvesOnTry !== undefined)
    return `softly declined until try ${card.approvesOnTry} of the same payment, then approved`;
  if (card.approvesPercent !== undefined)
    return `each try is approved with a chance of ${card.approvesPercent} in 100, else softly declined`;
  return `approved${laterWords(card)}`;
}

function laterWords(card: CardBehaviour): string {
  if (card.partialApproval === true) return ' for half of the amount, if parts are allowed';
  if (card.noExtras === true) return '; its holds allow no extras';
  if (card.captureDecline !== undefined) return `; captures are declined: \`${card.captureDecline}\``;
  if (card.raiseDecline !== undefined) return `; raising its hold is declined: \`${card.raiseDecline}\``;
  if (card.refund !== undefined) return `; refunds are ${REFUND_WORDS[card.refund]}`;
  if (card.dispute === undefined) return '';
  const what = card.dispute.isInquiry ? 'inquired about' : 'disputed';
  return `; ${what} as soon as something is captured: \`${card.dispute.reason}\``;
}

const REFUND_WORDS = {
  pending_then_succeeded: 'pending, and succeed 10 s later',
  pending_then_failed: 'pending, and fail 10 s later',
  succeeded_then_failed: 'made at once, and fail 10 s later',
  declined: 'declined: `refund_refused`',
} as const satisfies Record<NonNullable<CardBehaviour['refund']>, string>;

/** What a magic amount does to a charge. */
export function chargeEffectWords(effect: ChargeEffect): string {
  switch (effect.kind) {
    case 'decline':
      return `declined: \`${effect.code}\``;
    case 'lost':
      return lostWords(effect, 'charge', '`failed` with `not_charged`', '`succeeded`');
    case 'delay':
      return `approved after ${effect.ms / 1_000} s`;
    case 'unreachable':
      return effect.once
        ? '503 `provider_unreachable` the first time; the same request again succeeds'
        : '503 `provider_unreachable`: nothing was sent';
    case 'partial':
      return 'approved for half of it, if parts are allowed; else declined: `insufficient_funds`';
    default:
      throw new Error(`no words for ${JSON.stringify(effect satisfies never)}`);
  }
}

/** What it does to a capture, void, refund or adjustment. */
export function followUpEffectWords(effect: FollowUpEffect): string {
  switch (effect.kind) {
    case 'decline':
      return `declined: \`${effect.code}\``;
    case 'lost':
      return lostWords(effect, 'effect', 'declined', 'done');
    case 'delay':
      return `done after ${effect.ms / 1_000} s`;
    case 'unreachable':
      return '503 `provider_unreachable` the first time; the same request again is done';
    case 'refund':
      return `refunds only: ${REFUND_WORDS[effect.refund]}`;
    default:
      throw new Error(`no words for ${JSON.stringify(effect satisfies never)}`);
  }
}

function lostWords(
  effect: Extract<ChargeEffect, { kind: 'lost' }>,
  what: string,
  ifNot: string,
  ifSo: string,
): string {
  if (!effect.acted)
    return `the answer is lost and there was no ${what}: pending, and after more than a minute ${ifNot}`;
  if (effect.staleLookup === true)
    return `the answer is lost after the ${what} and the first lookup misses it: pending, and ${ifSo} at the second`;
  return `the answer is lost after the ${what}: pending, and a moment later ${ifSo}`;
}

/** How long the holds of each brand last and what they allow. */
export function brandTable(): string[][] {
  return [...BRANDS].map(([brand, rules]) => {
    const extras = [
      ...(rules.multipleCapture ? ['several captures'] : []),
      ...(rules.incremental ? ['raising'] : []),
      ...(rules.overcapturePercent > 0n ? [`${rules.overcapturePercent} % more`] : []),
    ];
    const days = [rules.holdDays, rules.merchantHoldDays, rules.extendedHoldDays].map((n) => `${n} days`);
    return [brand, ...days, extras.length === 0 ? 'none' : extras.join(', ')];
  });
}
