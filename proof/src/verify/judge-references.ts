import type { Books } from './books.ts';
import type { Found, Invariant } from './judge.ts';
import { readProviderKey, toPublicId } from './public-ids.ts';

/** Whose rows they are, and whether what they name exists: I19, I20. */
export const REFERENCES: readonly Invariant[] = [
  { number: 'I19', rule: "no row's hotel differs from its parent's, in any database", judge: judgeHotels },
  { number: 'I20', rule: 'references across services resolve', judge: judgeReferences },
];

/** A row, its hotel, and the parent that it names: `payment pay-uuid` and so on. */
type Child = { row: string; hotel: string; parent: string };

/** Parents are found by their id alone: under the child's own hotel a foreign one would only be missing. */
function judgeHotels(books: Books): Found {
  const owners = ownersOf(books);
  const children = childrenOf(books);
  const offending = children.flatMap(({ row, hotel, parent }) => {
    const found = owners.get(parent);
    if (found === undefined) return [`${row} of hotel ${hotel} names ${parent}, which is nowhere`];
    return found.has(hotel) ? [] : [`${row} is of hotel ${hotel}, its ${parent} of ${[...found].join(', ')}`];
  });
  // An id means one thing in the whole platform, so two hotels cannot share one.
  const shared = [...owners].flatMap(([name, hotels]) =>
    hotels.size > 1 && !name.startsWith('data key')
      ? [`${name} is of hotels ${[...hotels].join(' and ')}`]
      : [],
  );
  return { checked: children.length, offending: [...offending, ...shared] };
}

function ownersOf(books: Books): Map<string, Set<string>> {
  const owners = new Map<string, Set<string>>();
  const add = (kind: string, id: string | number, hotel: string): void => {
    const name = `${kind} ${id}`;
    const known = owners.get(name);
    if (known === undefined) owners.set(name, new Set([hotel]));
    else known.add(hotel);
  };
  for (const row of books.payments) add('payment', row.id, row.merchant_id);
  for (const row of books.operations) add('operation', row.id, row.merchant_id);
  for (const row of books.providerEvents) add('provider event', row.id, row.merchant_id);
  for (const row of books.disputes) add('dispute', row.id, row.merchant_id);
  for (const row of books.accounts) {
    add('provider account', row.id, row.merchant_id);
    add('provider account', toPublicId('pa', row.id), row.merchant_id);
  }
  for (const row of books.dataKeys) add('data key', `${row.merchant_id} ${row.version}`, row.merchant_id);
  for (const row of books.apiKeys) add('API key', row.id, row.merchant_id);
  for (const row of books.webhookEndpoints) add('webhook endpoint', row.id, row.merchant_id);
  return owners;
}

function childrenOf(books: Books): Child[] {
  return [
    ...books.operations.map((row) =>
      child(`operation ${row.id}`, row.merchant_id, `payment ${row.payment_id}`),
    ),
    ...books.events.map((row) =>
      child(`step ${row.version} of ${row.payment_id}`, row.merchant_id, `payment ${row.payment_id}`),
    ),
    ...books.events.map((row) =>
      child(`step ${row.version} of ${row.payment_id}`, row.merchant_id, `operation ${row.operation_id}`),
    ),
    ...books.outbox.map((row) =>
      child(`outgoing event ${row.event_id}`, row.merchant_id, `payment ${row.payment_id}`),
    ),
    ...books.providerReferences.map((row) =>
      child(`reference ${row.provider_reference}`, row.merchant_id, `payment ${row.payment_id}`),
    ),
    ...books.providerEvents.flatMap((row) =>
      row.payment_id === null
        ? []
        : [child(`provider event ${row.id}`, row.merchant_id, `payment ${row.payment_id}`)],
    ),
    ...books.verdicts.map((row) =>
      child(`verdict on ${row.operation_id}`, row.merchant_id, `operation ${row.operation_id}`),
    ),
    ...books.replays.map((row) =>
      child(`replay of ${row.event_id}`, row.merchant_id, `provider event ${row.event_id}`),
    ),
    ...books.disputes.map((row) => child(`dispute ${row.id}`, row.merchant_id, `payment ${row.payment_id}`)),
    ...books.disputeEvents.flatMap((row) => [
      child(`step of dispute ${row.dispute_id}`, row.merchant_id, `dispute ${row.dispute_id}`),
      child(`step of dispute ${row.dispute_id}`, row.merchant_id, `provider event ${row.provider_event_id}`),
    ]),
    ...books.payments.flatMap((row) =>
      row.busy_operation_id === null
        ? []
        : [child(`payment ${row.id}`, row.merchant_id, `operation ${row.busy_operation_id}`)],
    ),
    ...books.versions.flatMap((row) => [
      child(
        `credential version ${row.version} of ${row.provider_account_id}`,
        row.merchant_id,
        `provider account ${row.provider_account_id}`,
      ),
    ]),
    ...books.apiKeyUsage.map((row) =>
      child('use of an API key', row.merchant_id, `API key ${row.api_key_id}`),
    ),
    ...settingsChildren(books),
    ...simulatorChildren(books),
  ];
}

/** Where a payment may go, and what signs its events: a foreign one would take a hotel's money or its word. */
function settingsChildren(books: Books): Child[] {
  return [
    ...books.routingRules.flatMap((row) =>
      row.provider_account_ids.map((id) =>
        child(`routing rule ${row.id}`, row.merchant_id, `provider account ${id}`),
      ),
    ),
    ...books.connectionTests.map((row) =>
      child(`connection test ${row.id}`, row.merchant_id, `provider account ${row.provider_account_id}`),
    ),
    ...books.webhookSecrets.map((row) =>
      child(
        `webhook secret of version ${row.version}`,
        row.merchant_id,
        `webhook endpoint ${row.endpoint_id}`,
      ),
    ),
  ];
}

function child(row: string, hotel: string, parent: string): Child {
  return { row, hotel, parent };
}

/** What the built-in simulator did on an account was asked for by an operation of the account's hotel. */
function simulatorChildren({ simulatorEffects, operations }: Books): Child[] {
  const hotels = new Map(operations.map(({ id, merchant_id }) => [id, merchant_id]));
  return simulatorEffects.flatMap(({ account_id, provider_key, kind }) => {
    const operationId = readProviderKey(provider_key)?.operationId ?? '';
    const hotel = hotels.get(operationId) ?? 'unknown';
    return [
      {
        row: `simulated ${kind} of operation ${operationId}`,
        hotel,
        parent: `provider account ${account_id}`,
      },
    ];
  });
}

function judgeReferences(books: Books): Found {
  const merchants = new Set(books.merchants.map(({ merchant_id }) => merchant_id));
  const accounts = new Set(books.accounts.map((row) => `${row.merchant_id} ${row.id}`));
  const versions = new Set(
    books.versions.map((row) => `${row.merchant_id} ${row.provider_account_id} ${row.version}`),
  );
  const operations = new Set(books.operations.map((row) => `${row.merchant_id} ${row.id}`));
  const offending: string[] = [];
  let checked = 0;
  const resolve = (exists: boolean, what: string): void => {
    checked += 1;
    if (!exists) offending.push(what);
  };
  for (const [kind, hotels] of Object.entries(hotelsOf(books)))
    for (const hotel of hotels)
      resolve(merchants.has(hotel), `${kind} of hotel ${hotel}, which merchant does not know`);
  for (const row of books.operations) {
    const { merchant_id: hotel, provider_account_id: id, provider_account_version: version } = row;
    resolve(
      versions.has(`${hotel} ${id} ${version}`),
      `operation ${row.id} used version ${version} of account ${id}, which merchant does not have`,
    );
    if (row.vault_account_id !== null)
      resolve(
        versions.has(`${hotel} ${row.vault_account_id} ${row.vault_account_version}`),
        `operation ${row.id} used version ${row.vault_account_version} of vault ${row.vault_account_id}, which merchant does not have`,
      );
  }
  for (const row of [...books.payments, ...books.providerEvents])
    resolve(
      accounts.has(`${row.merchant_id} ${row.provider_account_id}`),
      `${row.id} names account ${row.provider_account_id}, which merchant does not have`,
    );
  for (const row of books.replies)
    resolve(
      operations.has(`${row.merchant_id} ${row.operation_id}`),
      `a reply of ${row.status_code} is kept for operation ${row.operation_id}, which transaction does not have`,
    );
  const organisations = new Set(books.organisations.map(({ organisation_id }) => organisation_id));
  for (const { merchant_id: hotel, organisation_id: id } of books.merchants)
    if (id !== null)
      resolve(organisations.has(id), `hotel ${hotel} is of organisation ${id}, which is nowhere`);
  return { checked, offending };
}

/** Every hotel that any service keeps something for. */
function hotelsOf(books: Books): Readonly<Record<string, ReadonlySet<string>>> {
  return {
    'a hotel of the run': new Set(books.run.hotels.map(({ merchantId }) => merchantId)),
    payments: hotelsIn(books.payments),
    operations: hotelsIn(books.operations),
    'provider events': hotelsIn(books.providerEvents),
    replies: hotelsIn(books.replies),
    'quoted operations': hotelsIn(books.quotedOperations),
    quotes: hotelsIn(books.quotes),
    'API keys': hotelsIn(books.apiKeys),
    origins: hotelsIn(books.origins),
    'provider accounts': hotelsIn(books.accounts),
    'data keys': hotelsIn(books.dataKeys),
    'routing rules': hotelsIn(books.routingRules),
    'webhook endpoints': hotelsIn(books.webhookEndpoints),
    invitations: hotelsIn(books.invitations),
  };
}

function hotelsIn(rows: readonly { merchant_id: string }[]): ReadonlySet<string> {
  return new Set(rows.map(({ merchant_id }) => merchant_id));
}
