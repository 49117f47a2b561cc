import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, identityOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { raw } from '@mikro-orm/core';
import type { RequestHandler } from 'express';
import { addAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { announce } from '../revocations/revocation-feed.ts';
import { ApiKey, toJson, visibleModes } from './api-key.ts';

/** DELETE /v1/api-keys/:id: the key works no longer, anywhere, within 5 s. Repeating it changes nothing. */
export function revokeApiKey(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const identity = identityOf(request);
    const id = fromPublicId('key', request.params.id);
    if (id === undefined) throw new AppError('not_found');
    const { merchantId, actor } = identity;
    const { requestId, address } = contextOf(request);
    const visible = { merchantId, id, mode: visibleModes(identity) };
    const key = await context.orm.em.fork().transactional(async (tx) => {
      // Of two that revoke at once the second waits here for the first, and then finds nothing left to do.
      const revoked = await tx.nativeUpdate(
        ApiKey,
        { ...visible, revokedAt: null },
        { revokedAt: raw('now()'), revokedBy: actor },
      );
      const found = await tx.findOne(ApiKey, visible);
      if (found === null) throw new AppError('not_found');
      if (revoked === 0) return found;
      const publicId = toPublicId('key', id);
      await addAuditEvent(tx, { merchantId, actor, requestId, address }, 'api_key.revoked', publicId, {
        name: found.name,
        mode: found.mode,
      });
      await announce(tx, { kind: 'api_key', apiKeyId: publicId });
      return found;
    });
    response.json(toJson(key));
  };
}
