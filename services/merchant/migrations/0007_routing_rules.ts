import { Migration } from '@mikro-orm/migrations';

/** Which of a hotel's accounts takes which payment. */
export class Migration0007RoutingRules extends Migration {
  override up(): void {
    this.addSql(ROUTING_RULES);
    this.addSql(TENANT_POLICIES);
  }
}

const ROUTING_RULES = `
create table routing_rules (
  merchant_id uuid not null references merchants,
  id uuid not null,
  mode text not null check (mode in ('test', 'live')),
  name text not null check (length(name) between 1 and 100),
  -- 1, 2, 3 … of the hotel and mode; the service keeps them without gaps.
  position integer not null check (position between 1 and 100),
  enabled boolean not null,
  -- An empty list holds for every payment.
  currencies text[] not null check (cardinality(currencies) <= 50),
  -- Minor units; the largest amount that any payment has.
  amount_min_minor bigint check (amount_min_minor between 1 and 9007199254740991),
  amount_max_minor bigint check (amount_max_minor between 1 and 9007199254740991),
  countries text[] not null check (cardinality(countries) <= 250),
  card_brands text[] not null check (cardinality(card_brands) <= 20),
  card_countries text[] not null check (cardinality(card_countries) <= 250),
  methods text[] not null check (methods <@ array['card', 'card_page', 'paypal', 'stablecoin']),
  -- In the order in which they are tried. No foreign key: a deleted account leaves the rule as it is, and is passed over.
  provider_account_ids uuid[] not null check (cardinality(provider_account_ids) between 1 and 10),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (merchant_id, id),
  -- At commit, since a move changes several.
  constraint routing_rules_position unique (merchant_id, mode, position) deferrable initially deferred,
  -- 10000 of one currency is not 10000 of another.
  constraint routing_rules_bounds_name_one_currency
    check ((amount_min_minor is null and amount_max_minor is null) or cardinality(currencies) = 1),
  constraint routing_rules_bounds_in_order check (amount_min_minor <= amount_max_minor)
);
`;

const TENANT_POLICIES = `
alter table routing_rules enable row level security;
alter table routing_rules force row level security;
create policy routing_rules_tenant on routing_rules using (merchant_id = centra_tenant());
create policy routing_rules_every on routing_rules to current_user using (centra_every_merchant());

grant select on routing_rules to merchant_reader;
`;
