import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AccountKind, MerchantVerdict } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { GetProviderAccountRequest } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { callUnary, fromServiceError } from '@centra/service-kit/grpc.ts';
import { callOptions, connectStripe, openAccount, startTestMerchant, stripeKey } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { newComplete, review } from '../testing/onboarding.ts';

const { MERCHANT_VERDICT_VERIFY, MERCHANT_VERDICT_SUSPEND } = MerchantVerdict;
const { MERCHANT_VERDICT_RESTORE, MERCHANT_VERDICT_CLOSE } = MerchantVerdict;

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

test('a live account opens for something new while the hotel is verified only; what is under way always finishes', async () => {
  const { owner, path, merchantId } = await newComplete(service);
  const id = await connectStripe(owner, stripeKey('live'), { mode: 'live' });
  const begins: GetProviderAccountRequest['selector'][] = [
    { $case: 'defaultOfKind', value: AccountKind.ACCOUNT_KIND_CARD_PROVIDER },
    { $case: 'providerAccountId', value: id },
  ];
  const underWay = [0, 1].map((version): GetProviderAccountRequest['selector'] => ({
    $case: 'accountVersion',
    value: { providerAccountId: id, version },
  }));
  const expectBegins = async (isVerified: boolean, state: string): Promise<void> => {
    assert.equal((await owner.get(path).expect(200)).body.state, state);
    for (const selector of begins) {
      const opening = openAccount(service, { merchantId, mode: Mode.MODE_LIVE, selector });
      if (isVerified) assert.equal((await opening).provider, 'stripe');
      else
        await assert.rejects(opening, (error) => {
          assert.equal(fromServiceError(error).code, 'merchant_not_verified', state);
          return true;
        });
    }
    const client = service.client('transaction');
    const asked = { merchantId, mode: Mode.MODE_LIVE };
    const routing = callUnary(client.getRouting.bind(client), asked, callOptions());
    if (isVerified) assert.equal((await routing).accounts.length, 1);
    else await assert.rejects(routing, (error) => fromServiceError(error).code === 'merchant_not_verified');
    for (const selector of underWay)
      assert.equal((await openAccount(service, { merchantId, mode: Mode.MODE_LIVE, selector })).version, 1);
    // Test mode is for everybody.
    assert.equal((await openAccount(service, { merchantId })).provider, 'simulator');
  };
  await expectBegins(false, 'draft');
  await owner.post(`${path}/submit`).expect(200);
  await expectBegins(false, 'submitted');
  await review(service, merchantId, MERCHANT_VERDICT_VERIFY);
  await expectBegins(true, 'verified');
  await review(service, merchantId, MERCHANT_VERDICT_SUSPEND);
  await expectBegins(false, 'suspended');
  await review(service, merchantId, MERCHANT_VERDICT_RESTORE);
  await expectBegins(true, 'verified');
  await review(service, merchantId, MERCHANT_VERDICT_CLOSE);
  await expectBegins(false, 'closed');
});
