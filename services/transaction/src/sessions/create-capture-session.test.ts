import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type { CaptureSession } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { request as send } from 'undici';
import { callOptions, refusalOf, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world);
});
after(async () => {
  await service.close();
  await world.close();
});
afterEach(async () => await world.vaultera.clearFaults());

async function open(
  hotel: Hotel,
  mode: Mode = Mode.MODE_TEST,
  caller = 'payment-api',
): Promise<CaptureSession> {
  const request = { merchantId: hotel.merchantId, mode };
  const client = service.clientOf(caller);
  return await callUnary(client.createCaptureSession.bind(client), request, callOptions());
}

test("a capture session opens the vault's own form, once, in an iframe of the named origin", async () => {
  const session = await open(await world.stripeHotel());
  assert.equal(session.vault, 'vaultera');
  assert.equal(session.iframeOrigin, world.vaultera.url);
  assert.ok(session.iframeUrl.startsWith(`${world.vaultera.url}/api/v1/capture_form?session_token=`));
  assert.ok(session.iframeUrl.endsWith(session.sessionToken));
  const page = await send(session.iframeUrl);
  assert.equal(page.statusCode, 200);
  assert.match(await page.body.text(), /card_number/);
  assert.ok((session.expiresAt?.getTime() ?? 0) > Date.now());
});

test('every session is a new one', async () => {
  const hotel = await world.stripeHotel();
  const tokens = await Promise.all(Array.from({ length: 5 }, async () => (await open(hotel)).sessionToken));
  assert.equal(new Set(tokens).size, 5);
});

test('a hotel without a vault in that mode is told so', async () => {
  const hotel = await world.stripeHotel();
  const live = await refusalOf(open(hotel, Mode.MODE_LIVE));
  assert.deepEqual(
    [live.status, live.error.code],
    [grpcStatus.FAILED_PRECONDITION, 'provider_account_missing'],
  );
  world.merchant.disconnect(hotel.vaultAccountId);
  assert.equal((await refusalOf(open(hotel))).error.code, 'provider_account_missing');
});

test('a vault that is away, breaks or answers nonsense is provider_unreachable', async () => {
  const hotel = await world.stripeHotel();
  for (const fault of ['drop_before_act', 'error_before', 'html_error', 'truncated_body']) {
    await world.vaultera.arm({ fault, path: '/api/v1/session_tokens' });
    const refused = await refusalOf(open(hotel));
    assert.deepEqual(
      [refused.status, refused.error.code],
      [grpcStatus.UNAVAILABLE, 'provider_unreachable'],
      fault,
    );
    assert.ok((refused.error.retryAfterSeconds ?? 0) > 0);
  }
  assert.ok((await open(hotel)).sessionToken);
});

test('a vault key that was revoked is the hotel’s to mend, whichever status the vault says it with', async () => {
  const hotel = await world.stripeHotel();
  for (const status of [401, 403]) {
    await world.vaultera.assume({ unauthorized_status: status });
    await world.vaultera.arm({ fault: 'revoked_credential', path: '/api/v1/session_tokens' });
    const refused = await refusalOf(open(hotel));
    assert.equal(refused.error.code, 'provider_account_missing', String(status));
  }
  await world.vaultera.assume({ unauthorized_status: 401 });
});

test('only payment-api may open a session', async () => {
  const hotel = await world.stripeHotel();
  for (const caller of ['merchant', 'api-gateway', 'auth', 'operator'])
    assert.equal(
      (await refusalOf(open(hotel, Mode.MODE_TEST, caller))).status,
      grpcStatus.PERMISSION_DENIED,
      caller,
    );
});
