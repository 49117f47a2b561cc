import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import sharp from 'sharp';
import { startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { asOwner, newDraft } from '../testing/onboarding.ts';
import { createLogoJobs } from './logo-jobs.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 4, background: { r: 200, g: 30, b: 60, alpha: 0.5 } } });
const picture = async (width = 40, height = 20): Promise<Buffer> =>
  await plain(width, height).png().toBuffer();
const body = (bytes: Buffer): { image: string } => ({ image: bytes.toString('base64') });

/** As a browser asks, through the gateway, which vouches for nobody. */
async function fetchLogo(id: string, headers: Record<string, string> = {}): Promise<Response> {
  const token = service.signer('api-gateway').serviceToken('merchant');
  return await fetch(`http://127.0.0.1:${service.service.httpPort}/v1/merchants/${id}/logo`, {
    headers: { 'x-centra-identity': token, ...headers },
  });
}

/** One chunk of a PNG (third edition, §5.3). */
function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}

/** A grey PNG that claims any size and holds any rows. */
function pngOf(width: number, height: number, rows: Buffer, more: Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [
    chunk('IHDR', header),
    ...more,
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([signature, ...parts]);
}

test('an uploaded picture is served to anybody as PNG with its ETag, and described in the hotel', async () => {
  const { owner, path, id, merchantId } = await newDraft(service);
  const { branding } = (
    await owner
      .post(`${path}/logo`)
      .send(body(await picture()))
      .expect(200)
  ).body;
  assert.equal(branding.logo_url, `${path}/logo`);
  const answer = await fetchLogo(id);
  assert.equal(answer.status, 200);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  assert.deepEqual(branding.logo, { width: 40, height: 20, bytes: bytes.length, sha256 });
  const expected = {
    'content-type': 'image/png',
    'content-length': String(bytes.length),
    etag: `"${sha256}"`,
    'cache-control': 'public, max-age=300',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'cross-origin',
    'content-security-policy': "default-src 'none'",
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(answer.headers.get(name), value, name);
  const same = await fetchLogo(id, { 'if-none-match': `"x", W/"${sha256}"` });
  assert.deepEqual([same.status, await same.text(), same.headers.get('etag')], [304, '', `"${sha256}"`]);
  assert.equal((await fetchLogo(id, { 'if-none-match': '"x"' })).status, 200);
  const events = await service.sql(
    `select before, after from audit_events where merchant_id = $1 and action = 'merchant.logo_changed'`,
    [merchantId],
  );
  assert.deepEqual(events, [{ before: { logo: null }, after: { logo: branding.logo } }]);
});

test('PNG, JPEG and WebP are made to fit within 512 by 512, never larger than they were, without their metadata', async () => {
  const { owner, path, id } = await newDraft(service);
  const secret = 'GPS of the owner';
  const exif = { IFD0: { ImageDescription: secret } };
  const cases: [Buffer, number, number][] = [
    [await plain(1_000, 500).withExif(exif).png().toBuffer(), 512, 256],
    [await plain(600, 1_200).withExif(exif).jpeg().toBuffer(), 256, 512],
    [await plain(10, 7).withExif(exif).webp().toBuffer(), 10, 7],
    // Held sideways, as a phone notes it.
    [await plain(100, 50).withMetadata({ orientation: 6 }).jpeg().toBuffer(), 50, 100],
    [pngOf(4_096, 4_096, Buffer.alloc(4_097 * 4_096)), 512, 512],
  ];
  for (const [upload, width, height] of cases) {
    const { logo } = (await owner.post(`${path}/logo`).send(body(upload)).expect(200)).body.branding;
    assert.deepEqual([logo.width, logo.height], [width, height]);
    const served = Buffer.from(await (await fetchLogo(id)).arrayBuffer());
    const metadata = await sharp(served).metadata();
    assert.deepEqual([metadata.format, metadata.width, metadata.height], ['png', width, height]);
    assert.deepEqual([metadata.exif, metadata.icc, served.includes(secret)], [undefined, undefined, false]);
  }
});

test('what is hidden behind or inside a picture does not survive', async () => {
  const { owner, path, id } = await newDraft(service);
  const script = Buffer.from('<script>alert(document.domain)</script>PK\u0003\u0004');
  const rows = Buffer.alloc(21 * 20);
  const uploads = [
    Buffer.concat([await picture(), script]),
    pngOf(20, 20, rows, [chunk('tEXt', Buffer.concat([Buffer.from('Comment\0'), script]))]),
    Buffer.concat([await plain(20, 20).jpeg().toBuffer(), script]),
  ];
  for (const upload of uploads) {
    const { status } = await owner.post(`${path}/logo`).send(body(upload));
    assert.equal(status, 200);
    const served = Buffer.from(await (await fetchLogo(id)).arrayBuffer());
    assert.equal(served.includes('script'), false);
    assert.equal((await sharp(served).metadata()).format, 'png');
  }
});

describe('422 image_not_usable', () => {
  test('other formats, forged signatures, damaged and moving pictures, and more pixels than may be', async () => {
    const { owner, path } = await newDraft(service);
    const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script/></svg>');
    const png = await picture(200, 200);
    const jpeg = await plain(200, 200).jpeg().toBuffer();
    const frames = await sharp(Buffer.concat([Buffer.alloc(8 * 8 * 3, 9), Buffer.alloc(8 * 8 * 3, 200)]), {
      raw: { width: 8, height: 16, channels: 3, pageHeight: 8 },
    })
      .webp({ loop: 0, delay: [100, 100] })
      .toBuffer();
    const moving = Buffer.alloc(8);
    moving.writeUInt32BE(2);
    const signature = png.subarray(0, 8);
    const cases: [string, Buffer][] = [
      ['GIF', gif],
      ['SVG', svg],
      ['text', Buffer.from('hello, I am a logo')],
      ['one byte', Buffer.from([0x89])],
      ['a PNG’s signature before SVG', Buffer.concat([signature, svg])],
      ['a JPEG’s signature before nothing', Buffer.from([0xff, 0xd8, 0xff])],
      ['RIFF that is no WebP', Buffer.from('RIFF\u0010\0\0\0WAVEfmt ')],
      ['a truncated PNG', png.subarray(0, png.length - 40)],
      ['half a JPEG', jpeg.subarray(0, Math.floor(jpeg.length / 2))],
      [
        'a PNG with a wrong sum',
        Buffer.concat([png.subarray(0, 60), Buffer.from([1, 2, 3, 4]), png.subarray(64)]),
      ],
      ['4097 pixels wide', pngOf(4_097, 1, Buffer.alloc(4_098))],
      // 2.5 GB once decoded, in a few hundred bytes.
      ['a bomb that says so', pngOf(50_000, 50_000, Buffer.alloc(50_001))],
      ['a bomb that does not fit its size', pngOf(65_535, 65_535, Buffer.alloc(1_000_000))],
      ['a moving WebP', frames],
      ['a moving PNG', pngOf(8, 8, Buffer.alloc(9 * 8), [chunk('acTL', moving)])],
    ];
    assert.equal((await sharp(frames).metadata()).pages, 2, 'the moving WebP is one');
    for (const [name, upload] of cases) {
      const refused = await owner.post(`${path}/logo`).send(body(upload));
      assert.deepEqual([refused.status, refused.body.code], [422, 'image_not_usable'], name);
    }
    assert.equal((await owner.get(path).expect(200)).body.branding.logo, null);
  });
});

describe('other refusals', () => {
  test('400: no picture, no base64, an unknown field, a query; 413: more than 190,000 bytes', async () => {
    const { owner, path } = await newDraft(service);
    for (const sent of [
      {},
      { image: '' },
      { image: 'a' },
      { image: 'not base64!' },
      { image: 'QQ==', type: 'image/png' },
    ])
      await owner.post(`${path}/logo`).send(sent).expect(400);
    await owner
      .post(`${path}/logo?x=1`)
      .send(body(await picture()))
      .expect(400);
    const large = await owner
      .post(`${path}/logo`)
      .send(body(Buffer.alloc(190_001, 7)))
      .expect(413);
    assert.equal(large.body.code, 'payload_too_large');
    await owner
      .post(`${path}/logo`)
      .send(body(Buffer.alloc(230_000, 7)))
      .expect(413);
  });

  test('401 without an identity, 403 without the permission, 404 for another hotel and where there is none', async () => {
    const { merchantId, userId, path, id, owner } = await newDraft(service);
    const { owner: other } = await newDraft(service);
    const reader = asOwner(service, merchantId, userId, { scopes: ['merchants:read'] });
    const upload = body(await picture());
    assert.equal((await fetchLogo(id)).status, 404);
    await owner.delete(`${path}/logo`).expect(404);
    await owner.post(`${path}/logo`).send(upload).expect(200);
    await reader.post(`${path}/logo`).send(upload).expect(403);
    await reader.delete(`${path}/logo`).expect(403);
    await other.post(`${path}/logo`).send(upload).expect(404);
    await other.delete(`${path}/logo`).expect(404);
    // Not a public route of this service: the gateway stands before it.
    await owner.get(`${path}/logo`).expect(401);
    for (const unknown of [toPublicId('mer', newUuid()), 'mer_1', merchantId])
      assert.equal((await fetchLogo(unknown)).status, 404);
    assert.equal((await fetchLogo(id)).status, 200);
  });
});

test('a removed logo is gone, and the history says what it was', async () => {
  const { owner, path, id, merchantId } = await newDraft(service);
  const { logo } = (
    await owner
      .post(`${path}/logo`)
      .send(body(await picture()))
      .expect(200)
  ).body.branding;
  await owner.delete(`${path}/logo`).expect(204);
  assert.equal((await fetchLogo(id)).status, 404);
  const { branding } = (await owner.get(path).expect(200)).body;
  assert.deepEqual([branding.logo, branding.logo_url], [null, null]);
  const events = await service.sql(
    `select before from audit_events where merchant_id = $1 and action = 'merchant.logo_removed'`,
    [merchantId],
  );
  assert.deepEqual(events, [{ before: { logo } }]);
});

test('pictures are worked on one at a time; past a short queue the next is refused at once', async () => {
  const jobs = createLogoJobs();
  const releases: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const job = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((release) => releases.push(release));
    running -= 1;
  };
  const accepted = Array.from({ length: 9 }, () => jobs.run(job));
  await assert.rejects(jobs.run(job), { code: 'unavailable' });
  for (let done = 0; done < 9; done += 1) {
    while (releases[done] === undefined) await new Promise((next) => setImmediate(next));
    releases[done]?.();
  }
  await Promise.all(accepted);
  assert.equal(most, 1);
  await assert.rejects(
    jobs.run(() => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.equal(await jobs.run(() => Promise.resolve('free again')), 'free again');
});
