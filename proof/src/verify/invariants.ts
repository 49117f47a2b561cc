import type { Invariant } from './judge.ts';
import { notYet } from './judge.ts';
import { ANSWERS } from './judge-answers.ts';
import { AUDIT } from './judge-audit.ts';
import { CALLS } from './judge-calls.ts';
import { EFFECTS } from './judge-effects.ts';
import { EVENTS } from './judge-events.ts';
import { HISTORY } from './judge-history.ts';
import { HOLDS } from './judge-holds.ts';
import { REFERENCES } from './judge-references.ts';
import { REPLIES } from './judge-replies.ts';
import { RESOURCES } from './judge-resources.ts';
import { REST } from './judge-rest.ts';
import { SEALING } from './judge-sealing.ts';
import { SUMS } from './judge-sums.ts';

const NOT_YET: readonly Invariant[] = [
  notYet(
    'I10',
    'every ledger transaction, and the whole ledger, sums to 0 per currency',
    'there is no ledger yet',
  ),
  notYet(
    'I14',
    'each event took effect exactly once at each subscriber, in version order per payment',
    'nothing relays the outbox yet, and nobody subscribes',
  ),
  notYet('I16', 'each settled item is in one batch; batch total = sum', 'there is no settlement yet'),
  notYet(
    'I17',
    'each FX use had a valid rate id and recomputes in integers',
    'there are no exchange rates yet',
  ),
  notYet('I18', 'gross = fees + net; re-run digest equal', 'there are no fees and no settlement yet'),
  notYet(
    'I22',
    'a single-use token was used at most once',
    "card tokens are the vendor's vault's and may be used again; single-use tokens come with our own vault",
  ),
  notYet(
    'I24',
    'no card number, code, key, secret or password at rest, in logs, stores or process environments',
    'raw files are not part of a run folder; the scenario leak scans them',
  ),
  notYet(
    'I25',
    'each acknowledged id is in each later power-cut image',
    'images are not part of a run folder; the scenario powercut compares them',
  ),
  notYet(
    'I28',
    'each outbound event is delivered, or parked after 72 h, with a valid signature',
    'there are no webhooks to hotels yet',
  ),
  notYet(
    'I29',
    'no connection to a forbidden address',
    'a run calls no address of a hotel yet: only the test send of a webhook endpoint does, and its guard has its own tests',
  ),
];

/** All thirty, by number. */
export const INVARIANTS: readonly Invariant[] = [
  ...EFFECTS,
  ...ANSWERS,
  ...REST,
  ...SUMS,
  ...AUDIT,
  ...HISTORY,
  ...EVENTS,
  ...REFERENCES,
  ...SEALING,
  ...REPLIES,
  ...HOLDS,
  ...CALLS,
  ...RESOURCES,
  ...NOT_YET,
].toSorted((one, other) => Number(one.number.slice(1)) - Number(other.number.slice(1)));
