import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Actor } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { lockStanding, requireOpen } from '../merchants/merchant-state.ts';
import { loadMerchant, ownMerchantId, toJson } from '../merchants/stored-merchant.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { asMerchant, readAsMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { makeLogo } from './make-logo.ts';
import type { Logo } from './make-logo.ts';

// With a third more for base64 it is just within the 256 KiB of any body.
const UPLOAD_MAX_BYTES = 190_000;

export const uploadLogoSchema = z
  .strictObject({
    image: z
      .string()
      .min(1)
      .regex(/^[A-Za-z0-9+/]+={0,2}$/, 'must be base64')
      .refine((text) => text.length % 4 === 0, 'must be base64')
      .meta({
        description: `A PNG, JPEG or WebP of at most ${UPLOAD_MAX_BYTES} bytes and 4,096 pixels a side, in base64`,
        contentEncoding: 'base64',
      }),
  })
  .meta({ id: 'UploadLogo' });

/** POST /v1/merchants/:id/logo: the picture is decoded and written anew, within 512 by 512 pixels, before it is stored. */
export async function uploadLogo(context: Context, request: Request, response: Response): Promise<void> {
  const merchantId = ownMerchantId(request);
  const upload = Buffer.from(parseWith(uploadLogoSchema, request.body).image, 'base64');
  if (upload.length > UPLOAD_MAX_BYTES)
    throw new AppError('payload_too_large', { detail: `A logo has at most ${UPLOAD_MAX_BYTES} bytes.` });
  // A hotel that may not have one costs no decoding.
  await readAsMerchant(context, merchantId, async (tx) => requireOpen(await loadMerchant(tx, merchantId)));
  const logo = await context.logoJobs.run(() => makeLogo(upload));
  const stored = await asMerchant(context, merchantId, async (tx) => {
    requireOpen(await lockStanding(tx, merchantId));
    await storeLogo(tx, actorOf(request), merchantId, logo);
    return await loadMerchant(tx, merchantId);
  });
  response.json(toJson(stored));
}

async function storeLogo(tx: Transaction, by: Actor, merchantId: string, logo: Logo): Promise<void> {
  const { logo: before } = await loadMerchant(tx, merchantId);
  const sha256 = logo.sha256.toString('hex');
  if (before?.sha256 === sha256) return;
  await tx.execute(
    `insert into merchant_logos (merchant_id, image, width, height, sha256)
     values (?, decode(?, 'base64'), ?, ?, decode(?, 'hex'))
     on conflict (merchant_id) do update
       set image = excluded.image, width = excluded.width, height = excluded.height, sha256 = excluded.sha256,
           updated_at = now()`,
    [merchantId, logo.image.toString('base64'), logo.width, logo.height, sha256],
  );
  await tx.execute('update merchants set updated_at = now() where merchant_id = ?', [merchantId]);
  const { width, height, image } = logo;
  await recordAuditEvent(tx, by, {
    merchantId,
    action: 'merchant.logo_changed',
    objectId: toPublicId('mer', merchantId),
    before: { logo: before },
    after: { logo: { width, height, bytes: image.length, sha256 } },
  });
}
