import { checkConditions } from './match-rule.ts';
import type { Check } from './match-rule.ts';
import type { Facts, RoutableAccount, Routing, Rule } from './routing.ts';

/** Why no account takes the payment. */
export type Refusal =
  /** The hotel does not accept this method or this currency. */
  | 'method_not_accepted'
  /** No rule took it, and the hotel has no default account. */
  | 'provider_account_missing'
  /** No rule took it, and the default account's provider does not carry the method. */
  | 'not_supported';

/** A rule that was looked at. The last one is the rule that took the payment, if any did. */
export type Considered = {
  ruleId: string;
  name: string;
  /** Whether all its conditions hold; it may still be passed over for want of an account. */
  matched: boolean;
  /** Sentences for staff. */
  because: string[];
};

export type Decision = {
  /** Undefined: no rule took it. */
  ruleId: string | undefined;
  /** In the order in which they are tried; empty exactly when it is refused. */
  accounts: RoutableAccount[];
  refusal: Refusal | undefined;
  /** One sentence for staff: what came out, and why. */
  reason: string;
  considered: Considered[];
};

/**
 * Which of a hotel's own accounts take a payment, in the order in which they are tried. The engine that sends the payment and
 * the dry run that staff ask both call this, so that they agree. Pure: the same input gives the same decision.
 *
 * The first rule that is switched on, matches, and has an account that can take the payment decides; a matching rule without
 * one is passed over. Where no rule decides, the default account takes it.
 */
export function decideRoute(routing: Routing, facts: Facts): Decision {
  const notAccepted = refuseUnaccepted(routing, facts);
  if (notAccepted !== undefined)
    return {
      ruleId: undefined,
      accounts: [],
      refusal: 'method_not_accepted',
      reason: notAccepted,
      considered: [],
    };
  const considered: Considered[] = [];
  for (const rule of routing.rules) {
    const { verdict, accounts } = consider(routing, rule, facts);
    considered.push(verdict);
    if (accounts.length > 0)
      return {
        ruleId: rule.id,
        accounts,
        refusal: undefined,
        reason: `the rule ${quoted(rule.name)} takes it`,
        considered,
      };
  }
  return { ...byDefault(routing, facts), considered };
}

/** Why the hotel does not accept such a payment at all, whichever account it names; undefined when it does. */
export function refuseUnaccepted(
  accepted: Pick<Routing, 'currencies' | 'methods'>,
  { currency, method }: Pick<Facts, 'currency' | 'method'>,
): string | undefined {
  if (accepted.methods.length > 0 && !accepted.methods.includes(method))
    return `the hotel does not accept the method ${method}`;
  if (accepted.currencies.length > 0 && !accepted.currencies.includes(currency))
    return `the hotel does not accept the currency ${currency}`;
  return undefined;
}

/** One rule: whether it matches, and its accounts that can take the payment. None when it does not match. */
function consider(
  routing: Routing,
  rule: Rule,
  facts: Facts,
): { verdict: Considered; accounts: RoutableAccount[] } {
  const { id: ruleId, name } = rule;
  const missed = (because: string[]) => ({
    verdict: { ruleId, name, matched: false, because },
    accounts: [],
  });
  if (!rule.enabled) return missed(['the rule is switched off']);
  const checks = checkConditions(rule, facts);
  const failed = checks.filter(({ holds }) => !holds);
  if (failed.length > 0) return missed(wordsOf(failed));
  const found = rule.accountIds.map((accountId) => findUsable(routing, accountId, facts));
  const accounts = found.flatMap((each) => (typeof each === 'string' ? [] : [each]));
  const because = [
    ...(checks.length === 0 ? ['it has no conditions, so it holds for every payment'] : wordsOf(checks)),
    ...found.filter((each) => typeof each === 'string'),
    ...(accounts.length === 0 ? ['passed over: none of its accounts can take this payment'] : []),
  ];
  return { verdict: { ruleId, name, matched: true, because }, accounts };
}

function wordsOf(checks: readonly Check[]): string[] {
  return checks.map(({ because }) => because);
}

/** The account, or why it cannot take the payment. */
function findUsable(routing: Routing, accountId: string, facts: Facts): RoutableAccount | string {
  const account = routing.accounts.find(({ id }) => id === accountId);
  if (account === undefined)
    return routing.unusable?.get(accountId) ?? 'one of its accounts is not connected any more';
  return account.methods.includes(facts.method) ? account : lacksMethod(account, facts);
}

function byDefault(routing: Routing, facts: Facts): Omit<Decision, 'considered'> {
  const ruleId = undefined;
  const account = routing.accounts.find(({ isDefault }) => isDefault);
  if (account === undefined)
    return {
      ruleId,
      accounts: [],
      refusal: 'provider_account_missing',
      reason: 'no rule takes it, and there is no default account',
    };
  if (!account.methods.includes(facts.method))
    return {
      ruleId,
      accounts: [],
      refusal: 'not_supported',
      reason: `no rule takes it, and ${lacksMethod(account, facts)}`,
    };
  return {
    ruleId,
    accounts: [account],
    refusal: undefined,
    reason: `no rule takes it, so it goes to the default account ${quoted(account.name)}`,
  };
}

function lacksMethod({ name, provider }: RoutableAccount, { method }: Facts): string {
  return `the account ${quoted(name)} cannot take it: ${provider} does not carry ${method}`;
}

function quoted(name: string): string {
  return `“${name}”`;
}
