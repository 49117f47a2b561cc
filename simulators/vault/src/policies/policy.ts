import type { Context } from '../context.ts';
import type { Call } from '../http/endpoint.ts';
import { badRequest, nothingThere, permissionDenied } from '../http/vault-error.ts';
import type { Token } from '../state.ts';

export type Capability = 'create' | 'read' | 'update' | 'patch' | 'delete' | 'list' | 'sudo' | 'deny';
type Rule = { path: string; capabilities: readonly string[] };

// What every token may, whatever else it may: the server's own `default` policy.
const DEFAULT_POLICY = `
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
path "sys/wrapping/unwrap" { capabilities = ["update"] }
`;

/** 403 unless one of the token's policies grants the capability on that path; a `deny` wins. */
export function mustBeAllowed(ctx: Context, token: Token, path: string, capability: Capability): void {
  if (token.policies.includes('root')) return;
  const rules = token.policies.flatMap((name) => rulesOf(textOf(ctx, name)));
  const granted = mostSpecific(rules.filter((rule) => covers(rule.path, path)));
  if (granted.includes('deny') || !granted.includes(capability)) throw permissionDenied();
}

/** `PUT /v1/sys/policies/acl/:name` */
export function writePolicy({ ctx, param, body }: Call): void {
  const text = body['policy'];
  if (typeof text !== 'string' || text === '') throw badRequest("'policy' parameter not supplied or empty");
  const name = param('name');
  if (name === 'root') throw badRequest('cannot update "root" policy');
  if (rulesOf(text).length === 0) throw badRequest('failed to parse policy');
  ctx.state.policies[name] = text;
}

/** `GET /v1/sys/policies/acl/:name` */
export function readPolicy({ ctx, param }: Call): { data: Record<string, unknown> } {
  const policy = textOf(ctx, param('name'));
  if (policy === '') throw nothingThere();
  return { data: { name: param('name'), policy } };
}

function textOf(ctx: Context, name: string): string {
  return ctx.state.policies[name] ?? (name === 'default' ? DEFAULT_POLICY : '');
}

const RULE = /path\s+"([^"]+)"\s*\{([^}]*)\}/g;

function rulesOf(text: string): Rule[] {
  return [...text.matchAll(RULE)].map(([, path = '', inner = '']) => ({
    path,
    capabilities: [...(/capabilities\s*=\s*\[([^\]]*)\]/.exec(inner)?.[1] ?? '').matchAll(/"(\w+)"/g)].map(
      ([, name = '']) => name,
    ),
  }));
}

/** `+` stands for one segment, `*` at the end for anything. */
function covers(pattern: string, path: string): boolean {
  const source = pattern
    .replaceAll(/[.?^${}()|[\]\\]/g, String.raw`\$&`)
    .replace(/\*$/, '.*')
    .replaceAll('+', '[^/]+');
  return new RegExp(`^${source}$`).test(path);
}

/** Of the rules that cover a path only the longest speaks; equal ones of several policies together. */
function mostSpecific(rules: readonly Rule[]): readonly string[] {
  const rank = ({ path }: Rule): number => (/[*+]/.test(path) ? path.length : path.length + 10_000);
  const best = Math.max(0, ...rules.map(rank));
  return rules.filter((rule) => rank(rule) === best).flatMap(({ capabilities }) => capabilities);
}
