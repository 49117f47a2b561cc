import type { ReviewMerchantRequest } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { MerchantVerdict } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { Merchant } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import request from 'supertest';
import { asCaller, callOptions } from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';

/** HTTP as the gateway passes a person on. */
export function asUser(test: TestMerchant, userId: string): Caller {
  const user = { userId, sessionId: 'ses_01jd0000000000000000000000' };
  return request
    .agent(`http://127.0.0.1:${test.service.httpPort}`)
    .set('x-centra-identity', test.signer('api-gateway').userToken('merchant', user))
    .set('x-centra-client-address', '203.0.113.7');
}

/** A person of their own: `usr_…` and their HTTP. */
export function newPerson(test: TestMerchant): { userId: string; person: Caller } {
  const userId = toPublicId('usr', newUuid());
  return { userId, person: asUser(test, userId) };
}

/** An organisation of a new person. */
export async function newOrganisation(
  test: TestMerchant,
): Promise<{ userId: string; person: Caller; organisationId: string }> {
  const { userId, person } = newPerson(test);
  const created = await person.post('/v1/organisations').send({ name: 'Atlas Hotels' }).expect(201);
  return { userId, person, organisationId: String(created.body.id) };
}

/** What a new hotel must say. */
export function draft(organisationId: string, more: object = {}): Record<string, unknown> {
  return {
    organisation_id: organisationId,
    name: 'Riad Atlas',
    country: 'MA',
    time_zone: 'Africa/Casablanca',
    default_currency: 'MAD',
    ...more,
  };
}

/** Everything that onboarding asks for but an account at a provider. */
export const COMPLETE = {
  currencies: ['EUR', 'MAD'],
  profile: {
    legal_name: 'Riad Atlas SARL',
    registration_number: 'RC 12345',
    business_type: 'riad',
    phone: '+212524000000',
    email: 'front@riad-atlas.example',
    address: { line1: '12 Derb Lalla', city: 'Fès', country: 'MA' },
  },
} as const;

const SCOPES = ['merchants:read', 'merchants:write', 'provider_accounts:read', 'provider_accounts:write'];

export type Draft = {
  userId: string;
  person: Caller;
  organisationId: string;
  /** UUID, and as `mer_…`. */
  merchantId: string;
  id: string;
  /** Its owner at the hotel. */
  owner: Caller;
  path: string;
};

/** A draft hotel of a new person's organisation. */
export async function newDraft(test: TestMerchant, more: object = {}): Promise<Draft> {
  const { userId, person, organisationId } = await newOrganisation(test);
  const created = await person.post('/v1/merchants').send(draft(organisationId, more)).expect(201);
  const id = String(created.body.id);
  const merchantId = fromPublicId('mer', id) ?? '';
  const owner = asOwner(test, merchantId, userId);
  return { userId, person, organisationId, merchantId, id, owner, path: `/v1/merchants/${id}` };
}

/** A person with the hotel's permissions, as the gateway passes them on. */
export function asOwner(test: TestMerchant, merchantId: string, userId: string, more: object = {}): Caller {
  return asCaller(test, { merchantId, mode: 'live', actor: `user:${userId}`, scopes: SCOPES, ...more });
}

/** A draft that lacks nothing. */
export async function newComplete(test: TestMerchant): Promise<Draft> {
  const made = await newDraft(test, COMPLETE);
  await made.owner
    .post('/v1/provider-accounts')
    .send({ provider: 'simulator', mode: 'test', credentials: {} })
    .expect(201);
  return made;
}

/** The operator's verdict. */
export async function review(
  test: TestMerchant,
  merchantId: string,
  verdict: MerchantVerdict,
  more: Partial<ReviewMerchantRequest> = {},
): Promise<Merchant> {
  const client = test.client('operator');
  const needsReason =
    verdict !== MerchantVerdict.MERCHANT_VERDICT_VERIFY &&
    verdict !== MerchantVerdict.MERCHANT_VERDICT_RESTORE;
  const asked = {
    merchantId,
    verdict,
    reason: needsReason ? 'Papers were missing' : '',
    actor: 'operator:jane',
    ...more,
  };
  return await callUnary(client.reviewMerchant.bind(client), asked, callOptions());
}

/** A verified hotel. */
export async function newVerified(test: TestMerchant): Promise<Draft> {
  const made = await newComplete(test);
  await made.owner.post(`${made.path}/submit`).expect(200);
  await review(test, made.merchantId, MerchantVerdict.MERCHANT_VERDICT_VERIFY);
  return made;
}
