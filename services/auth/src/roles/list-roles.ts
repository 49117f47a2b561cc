import { identityOf, parseWith, queryOf } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { isBuiltInRole } from '@centra/service-kit/permissions.ts';
import type { RequestHandler } from 'express';
import { asReader } from '../context.ts';
import type { Context } from '../context.ts';
import { Role } from '../members/member.ts';
import { limitOf, pageQuerySchema, pageSchema, placeAfter, toPage } from '../page.ts';
import { BUILT_IN_ROLE_LIST, roleSchema, toJson } from './role.ts';
import type { RoleJson } from './role.ts';

export const roleListSchema = pageSchema(roleSchema).meta({
  id: 'RoleList',
  description: 'A page of roles: those that every hotel has first, then your own, oldest first',
});

/** GET /v1/roles: the built-in ones first, then the hotel's own in the order in which they were made. */
export function listRoles(context: Context): RequestHandler {
  return async (request, response) => {
    const { merchantId } = identityOf(request);
    const query = parseWith(pageQuerySchema, queryOf(request));
    const limit = limitOf(query);
    const after = placeAfter(query, toPlace);
    const builtIn = builtInAfter(after);
    const own = await asReader(context, merchantId).find(
      Role,
      { merchantId, ...(after?.roleId === undefined ? {} : { id: { $gt: after.roleId } }) },
      { orderBy: { id: 'asc' }, limit: limit + 1 },
    );
    response.json(toPage([...builtIn, ...own.map(toJson)], limit, ({ id }) => id));
  };
}

/** Behind a built-in role, or behind one of the hotel's own (UUID). */
type Place = { builtIn: string; roleId?: undefined } | { builtIn?: undefined; roleId: string };

function toPlace(place: string): Place | undefined {
  if (isBuiltInRole(place)) return { builtIn: place };
  const roleId = fromPublicId('rol', place);
  return roleId === undefined ? undefined : { roleId };
}

function builtInAfter(place: Place | undefined): readonly RoleJson[] {
  if (place === undefined) return BUILT_IN_ROLE_LIST;
  if (place.builtIn === undefined) return [];
  return BUILT_IN_ROLE_LIST.slice(BUILT_IN_ROLE_LIST.findIndex(({ id }) => id === place.builtIn) + 1);
}
