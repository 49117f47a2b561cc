import { createHash } from 'node:crypto';
import { AppError } from '@centra/service-kit/errors.ts';
import sharp from 'sharp';
import type { Metadata, Sharp } from 'sharp';

/** A picture as it is served. */
export type Logo = { image: Buffer; width: number; height: number; sha256: Buffer };

// A page for guests shows it at a fraction of this, also on dense screens.
const SIDE_MAX = 512;
// The largest that phones' own programs save; 16 million pixels are 64 MB while they are decoded.
const UPLOAD_SIDE_MAX = 4096;
// A picture within the limits takes a tenth of this; what takes longer is made to.
const TIMEOUT_S = 5;

/**
 * Makes the picture that is served of what was uploaded: decoded by its content, whatever it claims to be, made to fit, and
 * written again as PNG. Nothing of the upload but its pixels survives. Throws `image_not_usable`.
 */
export async function makeLogo(upload: Buffer): Promise<Logo> {
  const format = formatOf(upload);
  if (format === undefined) throw notUsable('It is no PNG, JPEG or WebP.');
  if (format === 'png' && isAnimatedPng(upload)) throw notUsable('It moves. Send a still picture.');
  // Set here and not at import. One thread a picture: the others are for the payments' settings.
  sharp.concurrency(1);
  try {
    requireFit(await open(upload).metadata(), format);
    const { data: image, info } = await open(upload)
      // Cameras store how they were held; the mark is lost with the other metadata.
      .autoOrient()
      .resize({ width: SIDE_MAX, height: SIDE_MAX, fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .png({ compressionLevel: 9 })
      .timeout({ seconds: TIMEOUT_S })
      .toBuffer({ resolveWithObject: true });
    const sha256 = createHash('sha256').update(image).digest();
    return { image, width: info.width, height: info.height, sha256 };
  } catch (error) {
    if (error instanceof AppError) throw error;
    // The decoder's words are about its own inside, and about bytes that somebody chose.
    throw notUsable('It is damaged.', error);
  }
}

function open(upload: Buffer): Sharp {
  return sharp(upload, {
    // Any doubt about the bytes is an error: a picture cut short must not be shown half grey.
    failOn: 'warning',
    limitInputPixels: UPLOAD_SIDE_MAX * UPLOAD_SIDE_MAX,
    sequentialRead: true,
  });
}

function requireFit(metadata: Metadata, format: string): void {
  if (metadata.format !== format) throw notUsable('It is no PNG, JPEG or WebP.');
  if ((metadata.pages ?? 1) > 1) throw notUsable('It moves. Send a still picture.');
  if (metadata.width > UPLOAD_SIDE_MAX || metadata.height > UPLOAD_SIDE_MAX)
    throw notUsable(`It is larger than ${UPLOAD_SIDE_MAX} pixels a side.`);
}

function notUsable(detail: string, cause?: unknown): AppError {
  return new AppError('image_not_usable', { detail, ...(cause === undefined ? {} : { cause }) });
}

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const JPEG = Buffer.from([0xff, 0xd8, 0xff]);

/** By its first bytes, so that no decoder but these three ever sees what somebody sent. */
function formatOf(upload: Buffer): 'png' | 'jpeg' | 'webp' | undefined {
  if (upload.subarray(0, PNG.length).equals(PNG)) return 'png';
  if (upload.subarray(0, JPEG.length).equals(JPEG)) return 'jpeg';
  const isRiff = upload.toString('latin1', 0, 4) === 'RIFF' && upload.toString('latin1', 8, 12) === 'WEBP';
  return isRiff ? 'webp' : undefined;
}

/** Whether its chunks (PNG, third edition, §11.3.4) hold an animation, which the decoder would show the first picture of. */
function isAnimatedPng(upload: Buffer): boolean {
  for (let at = PNG.length; at + 8 <= upload.length; at += upload.readUInt32BE(at) + 12) {
    const type = upload.toString('latin1', at + 4, at + 8);
    if (type === 'acTL') return true;
    if (type === 'IDAT') return false;
  }
  return false;
}
