import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectStripe, openAccount, startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { newDraft } from '../testing/onboarding.ts';
import { checkDescriptor } from './statement-descriptor.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

test('a descriptor that a connected provider does not take is refused naming the provider', () => {
  const rule = { min: 5, max: 12, pattern: /^[A-Z ]+$/g, shape: 'must be 5 to 12 capital letters' };
  const providers = [{ label: 'Stripe' }, { label: 'Narrow', descriptor: rule }];
  checkDescriptor('RIAD RIF', providers);
  checkDescriptor('RIAD RIF', providers);
  for (const descriptor of ['RIAD RIF AND SPA', 'RIAD 7', 'RIAD'])
    assert.throws(
      () => checkDescriptor(descriptor, providers),
      {
        code: 'descriptor_not_allowed',
        detail: 'Narrow: the statement descriptor must be 5 to 12 capital letters.',
      },
      descriptor,
    );
});

test('with an account at a provider, a descriptor that it takes is stored, and its account is opened with it', async () => {
  const { owner, path, merchantId } = await newDraft(service);
  await connectStripe(owner, undefined, { mode: 'test' });
  await owner.post(path).send({ statement_descriptor: 'RIAD RIF FES' }).expect(200);
  assert.equal((await openAccount(service, { merchantId })).statementDescriptor, 'RIAD RIF FES');
  await owner.post(path).send({ statement_descriptor: null }).expect(200);
  assert.equal((await openAccount(service, { merchantId })).statementDescriptor, '');
});
