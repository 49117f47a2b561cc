import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { BUILT_IN_ROLES, PERMISSIONS, isBuiltInRole } from '@centra/service-kit/permissions.ts';
import type { BuiltInRole, Permission } from '@centra/service-kit/permissions.ts';
import type { RevocationEvent } from '@centra/proto/centra/auth/v1/auth.ts';
import { DEADLINE_MS, asCaller } from './test-service.ts';
import type { Row, TestAuth } from './test-service.ts';

export type Person = {
  /** `usr_…`. */
  userId: string;
  email: string;
};

/** An account as registering leaves it, without the time that its password takes. */
export async function addPerson(
  service: TestAuth,
  { verified = true }: { verified?: boolean } = {},
): Promise<Person> {
  const id = newUuid();
  const email = `p-${id}@hotel.example`;
  await service.sql(
    `insert into users (id, email, email_key, name, locale, password_hash, email_verified_at)
     values ($1, $2, $2, 'Ada Example', 'en', $3, case when $4 then now() end)`,
    [id, email, `$2b$10$${'x'.repeat(53)}`, verified],
  );
  return { userId: toPublicId('usr', id), email };
}

/** SetMember as onboarding calls it. Rejects with the raw ServiceError. */
export async function setMember(
  service: TestAuth,
  merchantId: string,
  person: { userId: string } | { email: string },
  role: string,
  actor = 'service:operator',
): Promise<string> {
  const client = service.client('operator');
  const named =
    'userId' in person
      ? { $case: 'userId' as const, value: person.userId }
      : { $case: 'email' as const, value: person.email };
  const answer = await callUnary(
    client.setMember.bind(client),
    { merchantId, person: named, role, actor },
    { metadata: callMetadata('req-set-member'), deadlineMs: DEADLINE_MS },
  );
  return answer.userId;
}

/** A new person with that role at the hotel. */
export async function addMember(service: TestAuth, merchantId: string, role: string): Promise<Person> {
  const person = await addPerson(service);
  await setMember(service, merchantId, person, role);
  return person;
}

/** A hotel with one member of each built-in role. */
export async function newHotel(
  service: TestAuth,
): Promise<{ merchantId: string } & Record<BuiltInRole, Person>> {
  const merchantId = newUuid();
  return {
    merchantId,
    owner: await addMember(service, merchantId, 'owner'),
    admin: await addMember(service, merchantId, 'admin'),
    manager: await addMember(service, merchantId, 'manager'),
    staff: await addMember(service, merchantId, 'staff'),
  };
}

/** The hotel's members as they are stored, in the order in which they were added. */
export async function membersOf(service: TestAuth, merchantId: string): Promise<Row[]> {
  return await service.sql(
    `select built_in_role, suspended_at is not null as suspended from members where merchant_id = $1 order by user_id`,
    [merchantId],
  );
}

/** HTTP as the gateway passes it on from a person at the hotel, by default with every permission. */
export function asMember(
  service: TestAuth,
  merchantId: string,
  { userId }: { userId: string },
  role: string | readonly Permission[] = PERMISSIONS,
  sessionId = toPublicId('ses', newUuid()),
): ReturnType<typeof asCaller> {
  const scopes = typeof role === 'string' ? (isBuiltInRole(role) ? BUILT_IN_ROLES[role] : []) : role;
  return asCaller(service, { merchantId, actor: `user:${userId}`, scopes, sessionId });
}

/** An open session of a person, as logging in leaves it; `ses_…`. */
export async function addSession(
  service: TestAuth,
  { userId }: Person,
  { withFactor }: { withFactor: boolean },
): Promise<string> {
  const id = newUuid();
  await service.sql(
    `insert into sessions (user_id, id, expires_at, address, user_agent, factor_at)
     values ($1, $2, now() + interval '1 day', '', '', case when $3 then now() end)`,
    [fromPublicId('usr', userId), id, withFactor],
  );
  return toPublicId('ses', id);
}

/** What the hotel's audit trail holds, in order, without what refusals left there. */
export async function auditOf(service: TestAuth, merchantId: string): Promise<Row[]> {
  return await service.sql(
    `select action, actor, object_id, details from audit_events
     where merchant_id = $1 and action <> 'access.denied' order by sequence`,
    [merchantId],
  );
}

/** Follows what is announced; `heard` grows. The stream stands when this resolves. */
export async function watchChanges(
  service: TestAuth,
): Promise<{ heard: NonNullable<RevocationEvent['event']>[]; stop(): void }> {
  const heard: NonNullable<RevocationEvent['event']>[] = [];
  const stream = service.client('api-gateway').watchRevocations({}, callMetadata('req-watch'));
  // Its end is the test's own doing.
  stream.on('error', () => undefined);
  await new Promise<void>((stands) => {
    stream.on('data', ({ event }: RevocationEvent) => {
      stands();
      if (event !== undefined && event.$case !== 'heartbeat') heard.push(event);
    });
  });
  return { heard, stop: () => stream.cancel() };
}
