import type { Route } from '../routes.ts';
import { bearer } from './http-call.ts';

const ID = 'pay_01jd0000000000000000000000';

/** The path of a route with the id wherever it takes one. */
export function pathWithId(route: Route, id = ID): string {
  return route.path.replaceAll(/:\w+/g, id);
}

/** A request in the form that the route takes, with the credential when there is one. */
export function requestTo(
  route: Route,
  credential: string | undefined,
  body = '{"a":1}',
): { method: string; headers: Record<string, string>; body?: string } {
  const headers = credential === undefined ? {} : bearer(credential);
  if (route.body === 'none') return { method: route.method, headers };
  const type = route.body === 'form' ? 'application/x-www-form-urlencoded' : 'application/json';
  return {
    method: route.method,
    headers: { ...headers, 'content-type': type, 'content-length': String(body.length) },
    body,
  };
}
