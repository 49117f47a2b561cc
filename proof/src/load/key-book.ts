import type { StageHotel } from '../stage/stage.ts';
import type { Asked } from './ask.ts';
import type { End } from './client-journal.ts';
import { isFinal, keptOf } from './end-of.ts';

/** Something wanted once, under one key, however often it has to be asked for. */
export type Errand = {
  hotel: StageHotel;
  asked: Asked;
  /** Of the payment. */
  currency: string;
  /** More than there can be: it must be refused before anybody is asked for it. */
  isTooMuch: boolean;
  /** The first answer that ends it. */
  end: End | undefined;
  /** Whether somebody was told so first, and not as a repetition. */
  wasToldFirst: boolean;
};

export type KeyBook = {
  /** Every errand whose first answer is kept for its key. */
  kept: readonly Errand[];
  /** What was answered against the contract, as it was seen. */
  violations: readonly string[];
  /** Notes an answer to an errand. */
  note(errand: Errand, end: End): void;
  violation(errand: Errand, what: string): void;
};

export function newErrand(
  wanted: Pick<Errand, 'hotel' | 'asked' | 'currency'> & { isTooMuch?: boolean },
): Errand {
  return { isTooMuch: false, ...wanted, end: undefined, wasToldFirst: false };
}

// A run in which everything is wrong need not say so a million times.
const VIOLATIONS_MAX = 200;

/** Remembers what each key was told, and sees at once when it is told something else later. */
export function createKeyBook(): KeyBook {
  const all: Errand[] = [];
  const violations: string[] = [];
  const violation = (of: Errand, what: string): void => {
    const { hotel, asked } = of;
    if (violations.length < VIOLATIONS_MAX)
      violations.push(`${asked.action} under key ${asked.key} at ${hotel.name}: ${what}`);
  };
  return {
    kept: all,
    violations,
    violation,
    note(of, end) {
      for (const what of wrongWith(of, end)) violation(of, what);
      const kept = keptOf(end);
      if (kept?.replayed === false) of.wasToldFirst = true;
      // A refusal leaves the key free, so what comes after it may be done after all; what is kept stays.
      if (!isFinal(end) || keptOf(of.end) !== undefined) return;
      of.end = end;
      if (kept !== undefined) all.push(of);
    },
  };
}

// Requests that are well formed, with a valid key, on payments that were told of: these are never the answer.
const NEVER = new Set([400, 401, 403, 404, 405, 413, 415, 431, 501]);
// The one 500 that is no bug: the gateway says that it lost the answer (services/api-gateway/src/upstreams/forward.ts).
const LOST = 'The answer was lost';

function wrongWith(of: Errand, end: End): string[] {
  const wrong: string[] = [];
  const isBug = end.type === 'info' && end.status === 500 && !end.reason.includes(LOST);
  if (isBug || NEVER.has(end.status)) wrong.push(`answered ${end.status} ${wordsOf(end)}`);
  if (end.type === 'info' && end.reason.startsWith('unreadable')) wrong.push(`answered ${end.reason}`);
  const kept = keptOf(end);
  if (of.isTooMuch && (kept !== undefined || end.status === 202))
    wrong.push(`asked for too much, and was answered ${end.status}`);
  if (kept?.replayed === false && of.wasToldFirst) wrong.push('two answers say that they are the first');
  const first = keptOf(of.end);
  if (first === undefined) return wrong;
  if (kept === undefined) {
    // 202 too: what was over is open again.
    if (isFinal(end) || end.status === 202)
      wrong.push(`answered ${first.status}, then ${end.status} ${wordsOf(end)}`);
  } else if (first.bytes !== kept.bytes || first.status !== kept.status)
    wrong.push(`answered ${first.status} and ${kept.status} with other bytes`);
  return wrong;
}

function wordsOf(end: End): string {
  return end.type === 'ok' ? end.state : end.type === 'fail' ? end.code : end.reason;
}
