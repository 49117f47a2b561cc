import { both, ends } from './attempt.ts';
import type { Attempt, Case, Seen } from './attempt.ts';
import type { Sent } from './door.ts';
import { FORBIDDEN, INVALID, UNKNOWN } from './person-routes.ts';
import { askDoor, forged, NOT_FOUND } from './routes.ts';
import type { World } from './world.ts';

// A hotel's people and invitations by the hotel's own address. The hotel in the path and the object in it are asked for
// apart: either may be the owner's.

type Of = {
  /** The owner's object in the path, and the intruder's of that kind. */
  id?: (world: World) => string;
  ownId?: (world: World) => string;
  body?: (world: World) => unknown;
};

function ofHotel(of: string, { id, ownId, body }: Of, more: readonly Attempt[] = []): Case {
  const [method = '', template = ''] = of.split(' ');
  const ask = async (
    world: World,
    at: { merchant: string; id?: string },
    change: Partial<Sent>,
  ): Promise<Seen> =>
    await askDoor(world, {
      method,
      path: template.replace('{merchant}', at.merchant).replace('{id}', at.id ?? ''),
      ...(body === undefined ? {} : { body: body(world) }),
      ...change,
    });
  const owners = (world: World) => ({
    merchant: world.settings.merchant,
    ...(id === undefined ? {} : { id: id(world) }),
  });
  const by = (
    name: string,
    sent: (world: World) => Partial<Sent>,
    judge: Attempt['judge'] = NOT_FOUND,
  ): Attempt => ({ name, ask: async (world) => await ask(world, owners(world), sent(world)), judge });
  const attempts = [
    by('by the owner of another hotel', ({ people }) => ({ apiKey: people.intruder.token })),
    by('by a person of both hotels, with the token of the other one', ({ people }) => ({
      apiKey: people.both.token,
    })),
    by('by the owner of another hotel, with headers that claim to be the owner', (world) => ({
      apiKey: world.people.intruder.token,
      headers: forged(world),
    })),
    by('by somebody who works nowhere', ({ people }) => ({ apiKey: people.stranger.token }), FORBIDDEN),
    by('with the key of another hotel', ({ intruder }) => ({ apiKey: intruder.apiKey }), UNKNOWN),
    by('with the owner’s own key', ({ owner }) => ({ apiKey: owner.apiKey }), UNKNOWN),
    by('without a credential', () => ({}), UNKNOWN),
    ...(id === undefined ? [] : [mixed('its own hotel, the owner’s object', ask, ownMerchant, id)]),
    ...(ownId === undefined
      ? []
      : [mixed('the owner’s hotel, an object of its own', ask, ownersMerchant, ownId)]),
    ...more,
  ];
  return { of, attempts };
}

const ownMerchant = ({ ownSettings }: World): string => ownSettings.merchant;
const ownersMerchant = ({ settings }: World): string => settings.merchant;

type Ask = (world: World, at: { merchant: string; id?: string }, change: Partial<Sent>) => Promise<Seen>;

function mixed(
  name: string,
  ask: Ask,
  merchant: (world: World) => string,
  id: (world: World) => string,
): Attempt {
  return {
    name,
    ask: async (world) =>
      await ask(world, { merchant: merchant(world), id: id(world) }, { apiKey: world.people.intruder.token }),
    judge: NOT_FOUND,
  };
}

const colleague = {
  id: ({ people }: World): string => people.colleague.userId,
  ownId: ({ people }: World): string => people.both.userId,
};
const invitation = { id: ({ settings }: World): string => settings.invitation };

/** The hotel's own list, which shows nothing of the owner's. */
function ownList(path: string, shows: (world: World) => string): Attempt {
  return {
    name: 'of its own hotel: nobody of the owner’s is in it',
    ask: async (world) =>
      await askDoor(world, {
        method: 'GET',
        path: `/v1/merchants/${world.ownSettings.merchant}/${path}?limit=100`,
        apiKey: world.people.intruder.token,
      }),
    judge: both(ends('200'), ({ text }, world) =>
      text.includes(shows(world)) ? `it shows ${shows(world)}` : undefined,
    ),
  };
}

const MEMBERS = '/v1/merchants/{merchant}/members';
const members: readonly Case[] = [
  ofHotel(`GET ${MEMBERS}`, {}, [ownList('members', colleague.id)]),
  ofHotel(`GET ${MEMBERS}/{id}`, colleague),
  ofHotel(`DELETE ${MEMBERS}/{id}`, colleague),
  ofHotel(`POST ${MEMBERS}/{id}/role`, { ...colleague, body: () => ({ role: 'owner' }) }),
  ofHotel(`POST ${MEMBERS}/{id}/suspend`, colleague),
  ofHotel(`POST ${MEMBERS}/{id}/restore`, colleague),
  ofHotel(
    'POST /v1/merchants/{merchant}/transfer-ownership',
    { body: ({ people }) => ({ user_id: people.intruder.userId, password: people.intruder.password }) },
    [
      {
        name: 'of its own hotel to somebody of the owner’s',
        ask: async (world) =>
          await askDoor(world, {
            method: 'POST',
            path: `/v1/merchants/${world.ownSettings.merchant}/transfer-ownership`,
            apiKey: world.people.intruder.token,
            body: { user_id: world.people.colleague.userId, password: world.people.intruder.password },
          }),
        judge: NOT_FOUND,
      },
    ],
  ),
];

const INVITATIONS = '/v1/merchants/{merchant}/invitations';
const invitations: readonly Case[] = [
  ofHotel(`GET ${INVITATIONS}`, {}, [ownList('invitations', invitation.id)]),
  ofHotel(`POST ${INVITATIONS}`, { body: () => ({ email: 'intruder@intruder.example', role: 'owner' }) }, [
    {
      name: 'to its own hotel, in a role of the owner’s',
      ask: async (world) =>
        await askDoor(world, {
          method: 'POST',
          path: `/v1/merchants/${world.ownSettings.merchant}/invitations`,
          apiKey: world.people.intruder.token,
          body: { email: 'intruder@intruder.example', role: world.people.role },
        }),
      judge: ends('404 not_found', '400 validation_failed'),
    },
  ]),
  ofHotel(`POST ${INVITATIONS}/{id}/resend`, invitation),
  ofHotel(`DELETE ${INVITATIONS}/{id}`, invitation),
];

const NO_TOKEN = 'x'.repeat(43);
const GONE = ends('410 link_expired');

function byLink(
  action: string,
  name: string,
  sent: (world: World) => Partial<Sent>,
  judge: Attempt['judge'],
): Attempt {
  return {
    name,
    ask: async (world) =>
      await askDoor(world, { method: 'POST', path: `/v1/invitations/${action}`, ...sent(world) }),
    judge,
  };
}

const links: readonly Case[] = [
  {
    of: 'POST /v1/invitations/preview',
    attempts: [
      byLink('preview', 'by a made-up link', () => ({ body: { token: NO_TOKEN } }), GONE),
      byLink(
        'preview',
        'by the id of the owner’s',
        ({ settings }) => ({ body: { token: settings.invitation } }),
        ends('410 link_expired', '400 validation_failed'),
      ),
    ],
  },
  {
    of: 'POST /v1/invitations/register',
    attempts: [
      byLink(
        'register',
        'by a made-up link',
        () => ({ body: { token: NO_TOKEN, name: 'Not Ana', password: 'eleven otters paddle' } }),
        GONE,
      ),
      byLink(
        'register',
        'under an address that it names',
        ({ settings }) => ({
          body: {
            token: settings.invitationToken,
            name: 'Not Ana',
            password: 'eleven otters paddle',
            email: 'intruder@intruder.example',
          },
        }),
        INVALID,
      ),
    ],
  },
  {
    of: 'POST /v1/invitations/accept',
    attempts: [
      byLink(
        'accept',
        'somebody else’s, with its own account',
        ({ settings, people }) => ({
          body: { token: settings.invitationToken },
          apiKey: people.intruder.token,
        }),
        ends('403 wrong_recipient'),
      ),
      byLink(
        'accept',
        'by a made-up link',
        ({ people }) => ({ body: { token: NO_TOKEN }, apiKey: people.intruder.token }),
        GONE,
      ),
      byLink(
        'accept',
        'with the key of another hotel',
        ({ settings, intruder }) => ({
          body: { token: settings.invitationToken },
          apiKey: intruder.apiKey,
        }),
        UNKNOWN,
      ),
      byLink(
        'accept',
        'without a credential',
        ({ settings }) => ({ body: { token: settings.invitationToken } }),
        UNKNOWN,
      ),
    ],
  },
];

export const memberRoutes: readonly Case[] = [...members, ...invitations, ...links];
