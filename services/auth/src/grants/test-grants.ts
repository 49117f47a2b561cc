import { toPublicId } from '@centra/service-kit/ids.ts';
import { isServiceError } from '@centra/service-kit/grpc.ts';
import type { Change } from '../revocations/revocation-feed.ts';
import type { Auth } from '../service.ts';
import type { TestAuth } from '../test-service.ts';
import { signAccessToken } from '../tokens/access-token.ts';
import { validateToken } from '../tokens/test-tokens.ts';
import type { TokenParts } from '../tokens/test-tokens.ts';
import { insertMember } from './test-member.ts';
import type { TestMember } from './test-member.ts';

export type MemberWithToken = TestMember & { token: string };

/** Test only: somebody who works at a hotel, and their access token for it. */
export async function memberWithToken(
  service: TestAuth,
  parts: TokenParts,
  options: Parameters<typeof insertMember>[1] = {},
): Promise<MemberWithToken> {
  const member = await insertMember(service, options);
  return { ...member, token: (await signAccessToken(parts, { ...member, mode: 'test' })).token };
}

/** What a replica lets the token do: its permissions, `barrier 1` or `barrier 2`, or the code of its refusal. */
export async function grantAt(service: TestAuth, replica: Auth, token: string): Promise<string> {
  try {
    const { permissions, barrier } = await validateToken(service, token, replica);
    return barrier === 0 ? permissions.join(' ') : `barrier ${barrier}`;
  } catch (error) {
    if (!isServiceError(error)) throw error;
    return `refused ${error.code}`;
  }
}

/** A statement and the notice of it in one transaction, as the actions make them; without a notice nobody is told. */
export async function change(
  service: TestAuth,
  member: TestMember,
  statement: string,
  kind: 'session' | 'member' | 'merchant' | 'nothing',
): Promise<void> {
  const { userId, sessionId, merchantId } = member;
  const values = [userId, sessionId, merchantId];
  const told = noticeOf(member, kind);
  await service.sql(
    `with ids as (select $1::uuid as user_id, $2::uuid as session_id, $3::uuid as merchant_id), changed as (${statement})
     select case when $4::text <> '' then pg_notify('revocations', $4) end from ids`,
    [...values, told === undefined ? '' : JSON.stringify(told)],
  );
}

function noticeOf({ userId, sessionId, merchantId }: TestMember, kind: string): Change | undefined {
  if (kind === 'session') return { kind, sessionId: toPublicId('ses', sessionId) };
  if (kind === 'member') return { kind, merchantId, userId: toPublicId('usr', userId) };
  return kind === 'merchant' ? { kind, merchantId } : undefined;
}

export const OF_SESSION = 'user_id = $1 and id = $2';
export const OF_MEMBER = 'user_id = $1 and merchant_id = $3';

/** How often a replica's cache came to that. */
export async function countOf(replica: Auth, outcome: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${replica.opsPort}/metrics`)).text();
  const line = new RegExp(`^centra_auth_grant_cache_total\\{[^}]*outcome="${outcome}"[^}]*\\} (\\d+)`, 'm');
  return Number(line.exec(text)?.[1] ?? 0);
}
