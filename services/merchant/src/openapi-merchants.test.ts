import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { z } from 'zod';
import { merchantSchema } from './merchants/stored-merchant.ts';
import { myMerchantPageSchema } from './openapi-merchants.ts';
import {
  organisationAuditPageSchema,
  organisationPageSchema,
  ownerPageSchema,
  shortMerchantPageSchema,
} from './openapi-organisations.ts';
import { organisationEntrySchema } from './organisations/list-organisation-audit-log.ts';
import { organisationSchema } from './organisations/organisation.ts';
import { startTestMerchant } from './test-service.ts';
import type { TestMerchant } from './test-service.ts';
import { newComplete } from './testing/onboarding.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

test('answers about hotels and organisations are what the description says, no field more', async () => {
  const { person, owner, path, organisationId, merchantId } = await newComplete(service);
  const hotel = merchantSchema.strict();
  const created = { width: 9, height: 9, channels: 3, background: '#123456' } as const;
  const image = (await sharp({ create: created }).png().toBuffer()).toString('base64');
  hotel.parse((await owner.get(path).expect(200)).body);
  hotel.parse((await owner.post(path).send({ locale: 'fr' }).expect(200)).body);
  const { body } = await owner.post(`${path}/logo`).send({ image }).expect(200);
  assert.notEqual(hotel.parse(body).branding.logo, null);
  hotel.parse((await owner.post(`${path}/submit`).expect(200)).body);
  hotel.parse((await owner.post(`${path}/close`).send({ reason: 'Sold' }).expect(200)).body);
  service.auth.answers.listMemberships = () => ({
    memberships: [{ merchantId, role: 'owner', suspended: true }],
    hasMore: false,
  });
  myMerchantPageSchema.strict().parse((await person.get('/v1/merchants').expect(200)).body);
  const organisation = `/v1/organisations/${organisationId}`;
  organisationSchema.strict().parse((await person.get(organisation).expect(200)).body);
  organisationPageSchema.strict().parse((await person.get('/v1/organisations').expect(200)).body);
  shortMerchantPageSchema.strict().parse((await person.get(`${organisation}/merchants`).expect(200)).body);
  const page = organisationAuditPageSchema
    .strict()
    .extend({ data: z.array(organisationEntrySchema.strict()) });
  const history = page.parse((await person.get(`${organisation}/audit-log`).expect(200)).body);
  assert.equal(history.data.length, 2);
  ownerPageSchema.strict().parse((await person.get(`${organisation}/owners`).expect(200)).body);
});
