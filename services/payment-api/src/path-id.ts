import type { Request } from 'express';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { IdPrefix } from '@centra/service-kit/ids.ts';

/** The id in the path. 404 when it is malformed, as for every id that is not the caller's. */
export function pathIdOf(request: Request<{ id: string }>, prefix: IdPrefix): string {
  const { id } = request.params;
  refuseCardData(id, 'id');
  return checkId(prefix, id);
}

/** The same for an id that came another way. */
export function checkId(prefix: IdPrefix, id: string): string {
  if (fromPublicId(prefix, id) === undefined) throw new AppError('not_found');
  return id;
}
