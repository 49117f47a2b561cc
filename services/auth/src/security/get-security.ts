import { identityOf } from '@centra/service-kit/http.ts';
import type { RequestHandler } from 'express';
import { asReader } from '../context.ts';
import type { Context } from '../context.ts';
import { MerchantAccess } from '../members/member.ts';
import { toJson } from './security.ts';

/** GET /v1/security. A hotel that never changed anything has the defaults. */
export function getSecurity(context: Context): RequestHandler {
  return async (request, response) => {
    const { merchantId } = identityOf(request);
    const access = await asReader(context, merchantId).findOne(MerchantAccess, { merchantId });
    response.json(toJson(access?.secondFactorRequired ?? false));
  };
}
