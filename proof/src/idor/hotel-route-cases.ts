import type { Case } from './attempt.ts';
import { both, ends } from './attempt.ts';
import { auditRoutes } from './audit-route-cases.ts';
import { memberRoutes } from './member-route-cases.ts';
import { asker, INVALID, ofOneself, ofStaff, outsiders } from './person-routes.ts';
import { askDoor, byId, NOT_FOUND, ofList, telling } from './routes.ts';
import { hook, PICTURE, rule } from './settings.ts';
import type { World } from './world.ts';

// Organisations, hotels, and what a hotel sets up: rules and endpoints.

const organisation = (_people: unknown, { settings }: World): string => settings.organisation;
const hotel = (_people: unknown, { settings }: World): string => settings.merchant;
const ownHotel = ({ ownSettings }: World): string => ownSettings.merchant;

/** One of the owner's organisations: for its owners it is there, and for nobody else, whoever works at its hotels. */
function ofOrganisation(of: string, body?: (world: World) => unknown): Case {
  const [, template = ''] = of.split(' ');
  const ask = asker(of, { id: organisation, ...(body === undefined ? {} : { body }) });
  const path = (world: World, id: string): string =>
    template.replace('{id}', id).replace('{user}', world.people.owner.userId);
  const by = (name: string, who: (world: World) => string) => ({
    name,
    ask: async (world: World) =>
      await ask(world, { path: path(world, world.settings.organisation), apiKey: who(world) }),
    judge: NOT_FOUND,
  });
  return {
    of,
    attempts: [
      by('by the owner of another one', ({ people }) => people.intruder.token),
      by('by somebody who works at a hotel of the owner’s', ({ people }) => people.colleague.token),
      by('by a person of both hotels', ({ people }) => people.both.token),
      by('by somebody who works nowhere', ({ people }) => people.stranger.token),
      ...outsiders(ask, (world) => ({ path: path(world, world.settings.organisation) })),
    ],
  };
}

const francs = {
  name: 'Mine',
  country: 'MA',
  time_zone: 'Africa/Casablanca',
  default_currency: 'MAD',
};

const organisations: readonly Case[] = [
  ofOneself('GET /v1/organisations', 'it lists nobody else’s', () => ({}), ends('200')),
  ofOneself(
    'POST /v1/organisations',
    'under an id that it names',
    ({ settings }) => ({ body: { name: 'Mine', id: settings.organisation } }),
    INVALID,
  ),
  ofOrganisation('GET /v1/organisations/{id}'),
  ofOrganisation('POST /v1/organisations/{id}', () => ({ name: 'Taken over' })),
  ofOrganisation('GET /v1/organisations/{id}/merchants'),
  ofOrganisation('GET /v1/organisations/{id}/audit-log'),
  ofOrganisation('GET /v1/organisations/{id}/owners'),
  withMore(
    ofOrganisation('POST /v1/organisations/{id}/owners', ({ people }) => ({
      user_id: people.intruder.userId,
    })),
    {
      name: 'somebody of the owner’s, to one of its own',
      ask: async (world) =>
        await askDoor(world, {
          method: 'POST',
          path: `/v1/organisations/${world.ownSettings.organisation}/owners`,
          apiKey: world.people.intruder.token,
          body: { user_id: world.people.colleague.userId },
        }),
      judge: NOT_FOUND,
    },
  ),
  ofOrganisation('DELETE /v1/organisations/{id}/owners/{user}'),
];

function withMore(one: Case, ...more: Case['attempts']): Case {
  return { of: one.of, attempts: [...one.attempts, ...more] };
}

const hotels: readonly Case[] = [
  ofOneself(
    'GET /v1/merchants',
    'it lists where the person works and nothing else',
    () => ({ path: '/v1/merchants?limit=100' }),
    both(ends('200'), ({ text }, { ownSettings }) =>
      text.includes(ownSettings.merchant) ? undefined : 'it does not list the intruder’s own',
    ),
  ),
  ofOneself(
    'POST /v1/merchants',
    'in the owner’s organisation',
    ({ settings }) => ({ body: { ...francs, organisation_id: settings.organisation } }),
    NOT_FOUND,
  ),
  byId('GET /v1/merchants/{id}', { id: (_owned, { settings }) => settings.merchant, bothModes: true }),
  ofStaff('POST /v1/merchants/{id}', { id: hotel, body: () => ({ name: 'Taken over' }) }, [
    {
      name: 'its own, into the owner’s organisation',
      ask: async (world) =>
        await askDoor(world, {
          method: 'POST',
          path: `/v1/merchants/${ownHotel(world)}`,
          apiKey: world.people.intruder.token,
          body: { organisation_id: world.settings.organisation },
        }),
      judge: INVALID,
    },
  ]),
  ofStaff('POST /v1/merchants/{id}/submit', { id: hotel }),
  ofStaff('POST /v1/merchants/{id}/close', {
    id: hotel,
    body: () => ({ reason: 'Closed by somebody else' }),
  }),
  ofStaff('POST /v1/merchants/{id}/logo', { id: hotel, body: () => ({ image: PICTURE }) }),
  ofStaff('DELETE /v1/merchants/{id}/logo', { id: hotel }),
  {
    of: 'GET /v1/merchants/{id}/logo',
    attempts: [
      {
        name: 'anyone sees the picture, and nothing else of the hotel',
        ask: async (world) =>
          await askDoor(world, { method: 'GET', path: `/v1/merchants/${world.settings.merchant}/logo` }),
        judge: both(ends('200'), ({ text }) =>
          text.includes('"content-type":"image/png"') ? undefined : 'it is no picture',
        ),
      },
      {
        name: 'of a hotel without one, and by ids of other kinds: nothing',
        ask: async (world) => {
          const { draft, organisation: group } = world.settings;
          const answers = await Promise.all(
            [draft, group, world.owner.merchantId].map(
              async (id) => await askDoor(world, { method: 'GET', path: `/v1/merchants/${id}/logo` }),
            ),
          );
          return answers.find(({ outcome }) => outcome !== '404') ?? answers[0] ?? never();
        },
        judge: NOT_FOUND,
      },
    ],
  },
];

function never(): never {
  throw new Error('nothing was asked');
}

const rules: readonly Case[] = [
  ofList('GET /v1/routing-rules', { shows: (_owned, { settings }) => settings.rule, bothModes: true }),
  {
    of: 'POST /v1/routing-rules',
    attempts: telling('POST /v1/routing-rules', [
      {
        name: 'to an account of the owner’s',
        sent: ({ owned }) => ({ body: rule('Mine', owned.account) }),
        judge: INVALID,
      },
      {
        name: 'for a hotel that it names',
        sent: ({ own, settings }) => ({
          body: { ...rule('Mine', own.account), merchant_id: settings.merchant },
        }),
        judge: INVALID,
      },
      {
        name: 'under an id that it names',
        sent: ({ own, settings }) => ({ body: { ...rule('Mine', own.account), id: settings.rule } }),
        judge: INVALID,
      },
    ]),
  },
  {
    of: 'POST /v1/routing-rules/order',
    attempts: telling('POST /v1/routing-rules/order', [
      {
        name: 'the owner’s rule alone',
        sent: ({ settings }) => ({ body: { rule_ids: [settings.rule] } }),
        judge: ends('409 state_conflict'),
      },
      {
        name: 'the owner’s rule before its own',
        sent: ({ settings, ownSettings }) => ({ body: { rule_ids: [settings.rule, ownSettings.rule] } }),
        judge: ends('409 state_conflict'),
      },
    ]),
  },
  {
    of: 'POST /v1/routing-rules/dry-run',
    attempts: telling('POST /v1/routing-rules/dry-run', [
      {
        name: 'what the owner’s rule would match is decided by its own',
        sent: () => ({ body: { amount: 1_000, currency: 'CHF' } }),
        judge: both(ends('200'), ({ text }, { ownSettings }) =>
          text.includes(ownSettings.rule) ? undefined : `its own rule was not looked at: ${text}`,
        ),
      },
      {
        name: 'for a hotel that it names',
        sent: ({ settings }) => ({
          body: { amount: 1_000, currency: 'CHF', merchant_id: settings.merchant },
        }),
        judge: INVALID,
      },
    ]),
  },
  byId('GET /v1/routing-rules/{id}', { id: (_owned, { settings }) => settings.rule, bothModes: true }),
  byId('POST /v1/routing-rules/{id}', {
    id: (_owned, { settings }) => settings.rule,
    body: () => ({ name: 'Taken over' }),
    bothModes: true,
    more: telling('POST /v1/routing-rules/{id}', [
      {
        name: 'its own, to an account of the owner’s',
        sent: ({ owned, ownSettings }) => ({
          path: `/v1/routing-rules/${ownSettings.rule}`,
          body: { provider_accounts: [owned.account] },
        }),
        judge: INVALID,
      },
    ]),
  }),
  byId('DELETE /v1/routing-rules/{id}', { id: (_owned, { settings }) => settings.rule, bothModes: true }),
];

const endpoints: readonly Case[] = [
  ofList('GET /v1/webhook-endpoints', {
    shows: (_owned, { settings }) => settings.endpoint,
    bothModes: true,
  }),
  {
    of: 'POST /v1/webhook-endpoints',
    attempts: telling('POST /v1/webhook-endpoints', [
      {
        name: 'for a hotel that it names',
        sent: ({ settings }) => ({ body: { ...hook('mine'), merchant_id: settings.merchant } }),
        judge: INVALID,
      },
      {
        name: 'under an id that it names',
        sent: ({ settings }) => ({ body: { ...hook('mine'), id: settings.endpoint } }),
        judge: INVALID,
      },
    ]),
  },
  ...['GET', 'DELETE'].map((method) =>
    byId(`${method} /v1/webhook-endpoints/{id}`, {
      id: (_owned, { settings }) => settings.endpoint,
      bothModes: true,
    }),
  ),
  byId('POST /v1/webhook-endpoints/{id}', {
    id: (_owned, { settings }) => settings.endpoint,
    body: () => hook('taken-over'),
    bothModes: true,
  }),
  byId('POST /v1/webhook-endpoints/{id}/rotate-secret', {
    id: (_owned, { settings }) => settings.endpoint,
    body: () => ({ overlap_seconds: 0 }),
    bothModes: true,
  }),
  byId('POST /v1/webhook-endpoints/{id}/test', {
    id: (_owned, { settings }) => settings.endpoint,
    bothModes: true,
  }),
];

const accounts: readonly Case[] = [
  byId('POST /v1/provider-accounts/{id}', {
    id: ({ account }) => account,
    body: () => ({ name: 'Taken over' }),
    bothModes: true,
  }),
  byId('GET /v1/provider-accounts/{id}/tests', { id: ({ account }) => account, bothModes: true }),
];

export const hotelRoutes: readonly Case[] = [
  ...accounts,
  ...organisations,
  ...hotels,
  ...rules,
  ...endpoints,
  ...auditRoutes,
  ...memberRoutes,
];
