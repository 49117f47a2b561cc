import { newUuid } from '@centra/service-kit/ids.ts';
import type { BuiltInRole } from '@centra/service-kit/permissions.ts';
import type { TestAuth } from '../test-service.ts';

/** A person with an open session, who works at a hotel. UUIDs. */
export type TestMember = { userId: string; sessionId: string; merchantId: string };

// Of a password that nobody knows: these tests log nobody in.
const NO_PASSWORD = `$2b$10$${'a'.repeat(53)}`;

/** Test only: puts the rows straight into the database. */
export async function insertMember(
  service: TestAuth,
  options: { role?: BuiltInRole; permissions?: readonly string[]; merchantId?: string } = {},
): Promise<TestMember> {
  const [userId, sessionId, merchantId] = [newUuid(), newUuid(), options.merchantId ?? newUuid()];
  await service.sql(
    `insert into users (id, email, email_key, name, locale, password_hash, email_verified_at)
     values ($1, $2, $2, 'Test Person', 'en', $3, now())`,
    [userId, `${userId}@hotel.example`, NO_PASSWORD],
  );
  await service.sql(
    `insert into sessions (user_id, id, expires_at, address, user_agent, merchant_id)
     values ($1, $2, now() + interval '7 days', '203.0.113.7', 'test', $3)`,
    [userId, sessionId, merchantId],
  );
  const roleId = options.permissions === undefined ? null : newUuid();
  if (roleId !== null)
    await service.sql(
      `insert into roles (merchant_id, id, name, permissions) values ($1, $2, 'Own role', $3)`,
      [merchantId, roleId, options.permissions],
    );
  await service.sql(
    `insert into members (merchant_id, user_id, built_in_role, role_id) values ($1, $2, $3, $4)`,
    [merchantId, userId, roleId === null ? (options.role ?? 'manager') : null, roleId],
  );
  return { userId, sessionId, merchantId };
}
