import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { readAsMerchant } from '../tenant.ts';

// A new logo shows on every page within five minutes.
const CACHED_S = 300;

/** GET /v1/merchants/:id/logo: for anybody, since guests' pages show it. 304 for whoever has it already; 404 without one. */
export async function showLogo(context: Context, request: Request, response: Response): Promise<void> {
  const merchantId = fromPublicId('mer', String(request.params['id']));
  if (merchantId === undefined) throw new AppError('not_found');
  const [row] = await readAsMerchant(context, merchantId, (tx) =>
    tx.execute<{ image: string; sha256: string }[]>(
      `select encode(image, 'base64') as image, encode(sha256, 'hex') as sha256
         from merchant_logos where merchant_id = ?`,
      [merchantId],
    ),
  );
  if (row === undefined) throw new AppError('not_found');
  const etag = `"${row.sha256}"`;
  response.set({
    etag,
    'cache-control': `public, max-age=${CACHED_S}`,
    'x-content-type-options': 'nosniff',
    // The hotel's pages stand on other origins than this API.
    'cross-origin-resource-policy': 'cross-origin',
    // Opened as a page of its own, it may do nothing.
    'content-security-policy': "default-src 'none'",
  });
  if (knows(request.headers['if-none-match'], etag)) response.status(304).end();
  else response.type('image/png').send(Buffer.from(row.image, 'base64'));
}

/** Weak comparison, as RFC 9110 §13.1.2 asks of this header. */
function knows(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || header.split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
}
