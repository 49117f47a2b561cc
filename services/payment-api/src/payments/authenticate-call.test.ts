import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Metadata, status as grpcStatus } from '@grpc/grpc-js';
import type { PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import { callUnary, fromServiceError, isServiceError } from '@centra/service-kit/grpc.ts';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';
import { addressOfPeer } from './authenticate-call.ts';

const DEADLINE_MS = 20_000;

let stand: Stand;
let client: PaymentServiceClient;
let paymentId = '';
const hotel = newMerchant();
before(async () => {
  stand = await startWithDoubles();
  client = stand.bookingApi();
  paymentId = String((await stand.charge('grpc', chargeBody(), { as: hotel })).json()['id']);
});
after(async () => {
  client.close();
  await stand.close();
});

/** Reads the payment with that credential: `ok`, or the code of the refusal. */
async function read(credential: string): Promise<string> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${credential}`);
  try {
    await callUnary(client.getPayment.bind(client), { paymentId }, { metadata, deadlineMs: DEADLINE_MS });
    return 'ok';
  } catch (error) {
    assert.ok(isServiceError(error), String(error));
    return `${grpcStatus[error.code]} ${fromServiceError(error).code}`;
  }
}

describe('this door is for the hotel’s own keys', () => {
  test('a key may be used from the addresses on its list', async () => {
    stand.auth.addKey('ck_test_here', hotel, { allowedAddresses: ['127.0.0.0/8', '::1'] });
    assert.equal(await read('ck_test_here'), 'ok');
  });

  test('PERMISSION_DENIED: a key from elsewhere', async () => {
    stand.auth.addKey('ck_test_elsewhere', hotel, { allowedAddresses: ['198.51.100.0/24'] });
    assert.equal(await read('ck_test_elsewhere'), 'PERMISSION_DENIED address_not_allowed');
  });

  test('PERMISSION_DENIED: a key of a suspended hotel', async () => {
    stand.auth.addKey('ck_test_suspended', hotel, { suspended: true });
    assert.equal(await read('ck_test_suspended'), 'PERMISSION_DENIED access_suspended');
  });

  test('UNAUTHENTICATED: a person’s token, a client secret and a refresh token, known to auth or not', async () => {
    const jwt = 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl';
    for (const credential of [jwt, `cs_test_${jwt}`, 'rt_01jd0000000000000000000000_1_secret', 'ck']) {
      stand.auth.addKey(credential, hotel);
      assert.equal(await read(credential), 'UNAUTHENTICATED unauthenticated', credential);
    }
  });
});

test('the address of a peer is read without its port', () => {
  const peers = {
    '203.0.113.7:50123': '203.0.113.7',
    '[2001:db8::1]:50123': '2001:db8::1',
    '2001:db8::1:50123': '2001:db8::1',
    '::1:50123': '::1',
    '::ffff:203.0.113.7:50123': '::ffff:203.0.113.7',
    unknown: 'unknown',
  };
  for (const [peer, address] of Object.entries(peers)) assert.equal(addressOfPeer(peer), address);
});
