import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { deflateSync, crc32 } from 'node:zlib';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { jsonPost } from '../testing/http-call.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { startRealMerchant } from '../testing/real-merchant.ts';
import type { RealMerchant } from '../testing/real-merchant.ts';
import { createPerson, logIn } from '../testing/real-person.ts';

let auth: RealAuth;
let merchant: RealMerchant;
let gateway: TestGateway;
before(async () => {
  auth = await startRealAuth();
  merchant = await startRealMerchant(auth);
  gateway = await startTestGateway(auth, { merchant: merchant.httpUrl, merchantGrpc: merchant.grpcAddress });
});
after(async () => {
  await gateway.close();
  await merchant.stop();
  await auth.stop();
});

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** A black picture of 16 by 16 pixels. */
function picture(): Buffer {
  const header = Buffer.from([0, 0, 0, 16, 0, 0, 0, 16, 8, 0, 0, 0, 0]);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const rows = deflateSync(Buffer.alloc(17 * 16));
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('a hotel’s logo passes to anybody byte for byte, may be cached and shown by other origins, and runs nothing', async () => {
  const merchantId = newUuid();
  await merchant.createMerchant(merchantId);
  const owner = await logIn(auth, await createPerson(auth, { merchantId }), merchantId);
  const url = `http://127.0.0.1:${gateway.port}/v1/merchants/${toPublicId('mer', merchantId)}/logo`;
  assert.equal((await fetch(url)).status, 404);
  const uploaded = await fetch(url, jsonPost(owner, { image: picture().toString('base64') }));
  assert.equal(uploaded.status, 200);
  const { branding } = JSON.parse(await uploaded.text());
  const shown = await fetch(url);
  const bytes = Buffer.from(await shown.arrayBuffer());
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  assert.deepEqual([branding.logo.sha256, branding.logo.bytes], [sha256, bytes.length]);
  const expected = {
    'content-type': 'image/png',
    etag: `"${sha256}"`,
    'cache-control': 'public, max-age=300',
    'cross-origin-resource-policy': 'cross-origin',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(shown.headers.get(name), value, name);
  const again = await fetch(url, { headers: { 'if-none-match': `"${sha256}"` } });
  assert.deepEqual([again.status, await again.text()], [304, '']);
  // What is no picture stays with its own origin.
  const hotel = await fetch(url.replace('/logo', ''), { headers: { authorization: `Bearer ${owner}` } });
  assert.equal(hotel.headers.get('cross-origin-resource-policy'), 'same-origin');
  assert.equal(hotel.headers.get('cache-control'), 'no-store');
  assert.equal((await fetch(url, jsonPost('none', { image: '' }))).status, 401);
});

test('a person makes an organisation and a hotel, and is its owner at auth', async () => {
  const person = await createPerson(auth);
  const base = `http://127.0.0.1:${gateway.port}`;
  const token = await logIn(auth, person);
  const post = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${base}${path}`, jsonPost(token, body));
    const text = await answer.text();
    assert.equal(answer.status, 201, text);
    return JSON.parse(text);
  };
  const organisation = await post('/v1/organisations', { name: 'Atlas Hotels' });
  const hotel = await post('/v1/merchants', {
    organisation_id: organisation['id'],
    name: 'Riad Atlas',
    country: 'MA',
    time_zone: 'Africa/Casablanca',
    default_currency: 'MAD',
  });
  assert.equal(hotel['state'], 'draft');
  // One hotel, so the log-in is for that one.
  const owner = await logIn(auth, person);
  const shown = await fetch(`${base}/v1/merchants/${String(hotel['id'])}`, {
    headers: { authorization: `Bearer ${owner}` },
  });
  assert.equal(shown.status, 200, await shown.text());
});
