import type { RoutableAccount, Routing, Rule } from '@centra/routing/routing.ts';
import { inTransaction } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { AccountKind, Mode } from '../entities.ts';
import { providerNamed } from '../provider-accounts/providers.ts';
import { conditionsOf } from './routing-rule.ts';
import type { RuleRow } from './routing-rule.ts';

/** Everything that the decision depends on; `unusable` is always told. */
export type LoadedRouting = Routing & { isVerified: boolean; unusable: ReadonlyMap<string, string> };

type RuleInJson = Omit<RuleRow, 'mode' | 'position' | 'created_ms' | 'updated_ms'>;
type AccountInJson = {
  id: string;
  provider: string;
  name: string;
  kind: AccountKind;
  is_default: boolean;
  status: 'active' | 'deleted';
};
type RoutingRow = {
  state: string;
  currencies: string[];
  methods: string[];
  rules: RuleInJson[];
  accounts: AccountInJson[];
};

// Of one moment, so that no rule names an account that the same answer does not know. Deleted accounts come along where a
// rule still names them, for the words. Amounts as text: JSON numbers would pass through a double on the way.
const SELECT = `
with rules as (
  select id, name, position, enabled, currencies, amount_min_minor::text, amount_max_minor::text, countries, card_brands,
         card_countries, methods, provider_account_ids
    from routing_rules where merchant_id = $1 and mode = $2
), accounts as (
  select id, provider, name, kind, is_default, status
    from provider_accounts
   where merchant_id = $1 and mode = $2
     and (status = 'active' or id in (select unnest(provider_account_ids) from rules))
)
select m.state, m.currencies, m.methods,
       (select coalesce(json_agg(r order by r.position), '[]') from rules as r) as rules,
       (select coalesce(json_agg(a order by a.id), '[]') from accounts as a) as accounts
  from merchants as m where m.merchant_id = $1`;

/**
 * A hotel's routing in one mode; undefined when there is no such hotel. First charges wait for this, so it is plain SQL in
 * prepared statements; row level security stays forced, so the hotel is set first.
 */
export async function loadRouting(
  pool: Pool,
  merchantId: string,
  mode: Mode,
): Promise<LoadedRouting | undefined> {
  const row = await inTransaction(pool, async (client) => {
    await client.query({
      name: 'set-merchant',
      text: `select set_config('centra.merchant_id', $1, true)`,
      values: [merchantId],
    });
    const { rows } = await client.query<RoutingRow>({
      name: 'load-routing',
      text: SELECT,
      values: [merchantId, mode],
    });
    return rows[0];
  });
  return row === undefined ? undefined : toRouting(row);
}

function toRouting({ state, currencies, methods, rules, accounts }: RoutingRow): LoadedRouting {
  const unusable = new Map<string, string>();
  const usable: RoutableAccount[] = [];
  for (const account of accounts) {
    const why = whyUnusable(account);
    if (why === undefined) usable.push(toRoutable(account));
    else unusable.set(account.id, `the account “${account.name}” ${why}`);
  }
  return {
    rules: rules.map(toRule),
    accounts: usable,
    currencies,
    methods,
    isVerified: state === 'verified',
    unusable,
  };
}

function whyUnusable({ status, kind, provider }: AccountInJson): string | undefined {
  if (status === 'deleted') return 'is deleted';
  if (kind === 'card_vault') return 'keeps cards and moves no money';
  const { takesPayments, label } = providerNamed(provider);
  return takesPayments ? undefined : `is at ${label}, which takes no payments in this release`;
}

function toRoutable({ id, provider, name, kind, is_default: isDefault }: AccountInJson): RoutableAccount {
  const { methods } = providerNamed(provider);
  // A default there is for each kind of account; the one for cards takes what names no account.
  return { id, provider, name, isDefault: isDefault && kind === 'card_provider', methods };
}

function toRule(row: RuleInJson): Rule {
  return {
    ...conditionsOf(row),
    id: toPublicId('rr', row.id),
    name: row.name,
    enabled: row.enabled,
    accountIds: row.provider_account_ids,
  };
}
