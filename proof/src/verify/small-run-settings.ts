import { A, ACCOUNTS, B, lines, uuidOf } from './small-run-file.ts';
import type { SmallRun } from './small-run-file.ts';

export const RULES = 'dump/merchant/routing_rules.jsonl';
export const CONNECTION_TESTS = 'dump/merchant/connection_tests.jsonl';
export const MERCHANTS = 'dump/merchant/merchants.jsonl';
export const INVITATIONS = 'dump/auth/invitations.jsonl';

const ORGANISATION = uuidOf(0xd1);

/** Hotel A is of an organisation, B was registered by the operator; each has a rule, a test of its account, an invitation. */
export function settingsRows(run: SmallRun): void {
  lines(run, 'dump/merchant/organisations.jsonl').push({ organisation_id: ORGANISATION });
  for (const [nth, merchant_id] of [A, B].entries()) {
    const account = ACCOUNTS[merchant_id];
    lines(run, MERCHANTS).push({ merchant_id, organisation_id: merchant_id === A ? ORGANISATION : null });
    lines(run, RULES).push({ merchant_id, id: uuidOf(0xd10 + nth), provider_account_ids: [account] });
    lines(run, CONNECTION_TESTS).push({ merchant_id, id: uuidOf(0xd20 + nth), provider_account_id: account });
    lines(run, INVITATIONS).push({ merchant_id, id: uuidOf(0xd30 + nth) });
  }
}
