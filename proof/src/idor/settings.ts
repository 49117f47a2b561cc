import { mailsTo } from '@centra/auth/emails/test-maildir.ts';
import type { Platform } from '@centra/dev/platform.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { get, list, make } from './door.ts';
import type { Intruder, Owned } from './owned.ts';
import type { People } from './people.ts';
import type { TwoModeHotel } from './world.ts';

/** What a hotel has of settings and staff matters, by its public ids. */
export type Settings = {
  /** The hotel itself, `mer_…`. */
  merchant: string;
  /** Of the owner in person, with a second hotel that is still a draft. */
  organisation: string;
  draft: string;
  rule: string;
  endpoint: string;
  invitation: string;
  /** What the invitation's mail holds. */
  invitationToken: string;
};

/** What the intruder brings, to put something of the owner's into. */
export type IntruderSettings = Pick<Settings, 'merchant' | 'organisation' | 'rule' | 'endpoint'>;

/** The port of a service that nobody runs, as a place that webhooks may be sent to. */
export const HOOK_TARGET = '127.0.0.1:9';
// One pixel.
export const PICTURE =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export const hook = (name: string): object => ({
  url: `http://${HOOK_TARGET}/${name}`,
  events: ['payment.*'],
});

// Nothing here pays in francs: the rule is there and changes nothing.
export const rule = (name: string, account: string): object => ({
  name,
  conditions: { currencies: ['CHF'] },
  provider_accounts: [account],
});

/** Makes them through the public door. */
export async function makeSettings(
  platform: Platform,
  owner: TwoModeHotel,
  owned: Owned,
  people: People,
): Promise<Settings> {
  const { gatewayUrl } = platform;
  const { token } = people.owner;
  const merchant = toPublicId('mer', owner.merchantId);
  const bySelf = async (path: string, body: object) => await make(gatewayUrl, token, path, body);
  const byKey = async (path: string, body: object) => await make(gatewayUrl, owner.apiKey, path, body);

  const organisation = await bySelf('/v1/organisations', { name: 'Ownerguest Group' });
  const draft = await bySelf('/v1/merchants', {
    organisation_id: organisation.id,
    name: 'Ownerguest Annexe',
    country: 'MA',
    time_zone: 'Africa/Casablanca',
    default_currency: 'MAD',
  });
  await bySelf(`/v1/merchants/${merchant}/logo`, { image: PICTURE });
  const email = 'invited@owner.example';
  const invitation = await bySelf(`/v1/merchants/${merchant}/invitations`, { email, role: 'staff' });
  const [mail] = await mailsTo(platform.maildir, email);
  await make(gatewayUrl, owner.apiKey, `/v1/provider-accounts/${owned.simulatorAccount}/test`, {}).catch(
    // The answer is the test's result, which has no id.
    () => undefined,
  );
  return {
    merchant,
    organisation: organisation.id,
    draft: draft.id,
    rule: (await byKey('/v1/routing-rules', rule('Ownerguest rule', owned.simulatorAccount))).id,
    endpoint: (await byKey('/v1/webhook-endpoints', hook('ownerguest'))).id,
    invitation: invitation.id,
    invitationToken: mail?.token ?? '',
  };
}

/** The intruder's own of each kind. */
export async function makeIntruderSettings(
  { gatewayUrl }: Platform,
  intruder: TwoModeHotel,
  own: Intruder,
  people: People,
): Promise<IntruderSettings> {
  const byKey = async (path: string, body: object) => await make(gatewayUrl, intruder.apiKey, path, body);
  const group = await make(gatewayUrl, people.intruder.token, '/v1/organisations', { name: 'Intruders' });
  return {
    merchant: toPublicId('mer', intruder.merchantId),
    organisation: group.id,
    rule: (await byKey('/v1/routing-rules', rule('Intruding', own.account))).id,
    endpoint: (await byKey('/v1/webhook-endpoints', hook('intruder'))).id,
  };
}

/** Reads each of the owner's with a credential that may, so that a 404 for others can only mean that they are others. */
export async function readSettings(
  { gatewayUrl }: Platform,
  owner: TwoModeHotel,
  settings: Settings,
  people: People,
): Promise<string[]> {
  const { merchant, organisation } = settings;
  const byKey = [
    `/v1/merchants/${merchant}`,
    `/v1/routing-rules/${settings.rule}`,
    `/v1/webhook-endpoints/${settings.endpoint}`,
    `/v1/audit-log`,
  ];
  const inPerson = ['', '/owners', '/audit-log'].map((part) => `/v1/organisations/${organisation}${part}`);
  for (const path of byKey) await get(gatewayUrl, owner.apiKey, path);
  for (const path of inPerson) await get(gatewayUrl, people.owner.token, path);
  const invited = await list(gatewayUrl, people.owner.token, `/v1/merchants/${merchant}/invitations`);
  if (!invited.some(({ id }) => id === settings.invitation)) throw new Error('the invitation is not listed');
  const hotels = await list(gatewayUrl, people.owner.token, `/v1/organisations/${organisation}/merchants`);
  if (!hotels.some(({ id }) => id === settings.draft)) throw new Error('the second hotel is not listed');
  return [...byKey, ...inPerson];
}
