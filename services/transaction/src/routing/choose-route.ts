import type { Money } from '@centra/money/money.ts';
import { decideRoute, refuseUnaccepted } from '@centra/routing/decide-route.ts';
import type { Decision } from '@centra/routing/decide-route.ts';
import type { Facts, Method } from '@centra/routing/routing.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import type { AccountSelector, OpenedAccount } from '../providers/provider-account.ts';

/** How an account was chosen by the hotel's rules, as it is kept with the operation. */
export type Route = {
  /** `rr_…`; absent: rules there are, and none took it, so it went to the default account. */
  ruleId?: string;
  /** UUIDs, in the order in which they are tried. */
  accounts: readonly string[];
  /** Which of them it is at. */
  index: number;
};

/** What the caller's page knows of card and guest. Only the choice among the hotel's own accounts depends on it. */
export type RoutingHints = {
  cardBrand: string | undefined;
  cardCountry: string | undefined;
  country: string | undefined;
};

export type RouteWanted = {
  merchantId: string;
  mode: 'test' | 'live';
  /** Absent: the hotel's rules decide. */
  providerAccountId: string | undefined;
  money: Money;
  method: Method;
  hints: RoutingHints;
  requestId: string;
};

/** The account, and by which route; undefined when no rule had a say. */
export type Routed = { provider: OpenedAccount; route: Route | undefined };

/**
 * The account that moves the money of a new payment: the one it names, or else the first that the hotel's routing gives and
 * that can be opened. Throws provider_account_missing, method_not_accepted, not_supported or, when the merchant service
 * cannot be asked, unavailable.
 */
export async function chooseRoute(context: Context, wanted: RouteWanted): Promise<Routed> {
  const { merchantId, mode, requestId, providerAccountId } = wanted;
  const routing = await context.routing.of(merchantId, mode, requestId);
  const facts = toFacts(wanted);
  if (providerAccountId !== undefined) {
    const refused = refuseUnaccepted(routing, facts);
    if (refused !== undefined) throw new AppError('method_not_accepted', { detail: sentence(refused) });
    return { provider: await openAccount(context, wanted, { id: providerAccountId }), route: undefined };
  }
  const decision = decideRoute(routing, facts);
  if (decision.refusal !== undefined) throw refusalOf(decision, mode);
  if (decision.ruleId !== undefined) return await firstThatOpens(context, wanted, decision);
  const provider = await openAccount(context, wanted, { kind: 'card_provider' });
  const route = routing.rules.length === 0 ? undefined : { accounts: [provider.id], index: 0 };
  return { provider, route };
}

/** One account of the hotel; throws provider_account_missing when there is none such, or it was deleted. */
export async function openAccount(
  context: Context,
  { merchantId, mode, requestId }: Pick<RouteWanted, 'merchantId' | 'mode' | 'requestId'>,
  selector: AccountSelector,
): Promise<OpenedAccount> {
  const account = await context.accounts.find(merchantId, mode, selector, requestId);
  if (account === undefined) throw missing(mode);
  return account;
}

/** What was decided on may be older than a deletion, by as long as it is remembered: those that are gone are passed over. */
async function firstThatOpens(
  context: Context,
  { merchantId, mode, requestId }: RouteWanted,
  { ruleId, accounts }: Decision,
): Promise<Routed> {
  const ids = accounts.map(({ id }) => id);
  for (const [index, id] of ids.entries()) {
    const provider = await context.accounts.find(merchantId, mode, { id }, requestId);
    if (provider !== undefined)
      return { provider, route: { ...(ruleId === undefined ? {} : { ruleId }), accounts: ids, index } };
  }
  throw missing(mode);
}

function toFacts({ money, method, hints }: RouteWanted): Facts {
  return { ...money, ...hints, method };
}

function refusalOf({ refusal, reason }: Decision, mode: 'test' | 'live'): AppError {
  switch (refusal) {
    case 'method_not_accepted':
    case 'not_supported':
      return new AppError(refusal, { detail: sentence(reason) });
    case 'provider_account_missing':
      return missing(mode);
    case undefined:
      throw new Error('nothing was refused');
    default:
      throw new Error(`no refusal for ${String(refusal satisfies never)}`);
  }
}

function missing(mode: 'test' | 'live'): AppError {
  return new AppError('provider_account_missing', {
    detail: `No provider account is connected in ${mode} mode.`,
  });
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
