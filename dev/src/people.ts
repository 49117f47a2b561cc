import { randomBytes } from 'node:crypto';
import { mailsTo } from '@centra/auth/emails/test-maildir.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { Secret, TOTP } from 'otpauth';
import { z } from 'zod';
import { askAuth, post } from './seed.ts';
import type { Doors } from './seed.ts';

/** What it takes to make people: the public door, and the folder that mails are put in. */
export type PeopleDoors = Doors & { maildir: string };

/** Somebody with a verified account. */
export type Person = { email: string; password: string; name: string };

/** What a log-in or a refresh gives. */
export const tokensSchema = z.looseObject({
  access_token: z.string(),
  refresh_token: z.string(),
  session_id: z.string(),
  expires_at: z.string(),
  user: z.looseObject({ id: z.string(), email: z.string(), name: z.string() }),
  merchant_id: z.string().nullable(),
  mode: z.enum(['test', 'live']),
  second_factor: z.boolean(),
});
export type Tokens = z.infer<typeof tokensSchema>;

/** Registers somebody through the public door and follows the link in the mail. */
export async function registerPerson(
  doors: PeopleDoors,
  wanted: { email: string; name: string; password?: string },
): Promise<Person> {
  const person = { password: `long enough ${randomBytes(9).toString('hex')}`, ...wanted };
  const { email, password, name } = person;
  await post(`${doors.gatewayUrl}/v1/auth/register`, { email, password, name });
  await followLink(doors, person);
  return person;
}

/** Follows the link in the newest mail to an address, once so many have come: each link ends the ones before. */
export async function followLink(
  doors: PeopleDoors,
  { email, password }: Pick<Person, 'email' | 'password'>,
  mails = 1,
): Promise<void> {
  const mail = (await mailsTo(doors.maildir, email, mails)).at(-1);
  await post(`${doors.gatewayUrl}/v1/auth/verify-email`, { token: mail?.token, password });
}

/** Gives a verified person a role at a hotel, as the operator does at onboarding. Answers who they are, `usr_…`. */
export async function setMember(
  doors: Doors,
  member: { merchantId: string; email: string; role: string },
): Promise<string> {
  const { merchantId, email, role } = member;
  const person = { $case: 'email', value: email } as const;
  return await askAuth(doors, async (client, call) => {
    const request = { merchantId, person, role, actor: 'service:operator' };
    const { userId } = await callUnary(client.setMember.bind(client), request, call);
    return userId;
  });
}

/** Somebody who works at a hotel, in one step. */
export async function addColleague(
  doors: PeopleDoors,
  merchantId: string,
  wanted: { email: string; name: string; password?: string; role: string },
): Promise<Person & { userId: string }> {
  const { role, ...rest } = wanted;
  const person = await registerPerson(doors, rest);
  return { ...person, userId: await setMember(doors, { merchantId, email: person.email, role }) };
}

/** Logs in, at a hotel (its UUID) where one is named, with a code where the account has a second factor. */
export async function logIn(
  doors: Pick<Doors, 'gatewayUrl'>,
  { email, password }: Pick<Person, 'email' | 'password'>,
  options: { merchantId?: string; mode?: 'test' | 'live'; code?: string } = {},
): Promise<Tokens> {
  const { merchantId, mode, code } = options;
  const answer = await post(`${doors.gatewayUrl}/v1/auth/login`, {
    email,
    password,
    ...(merchantId === undefined ? {} : { merchant_id: toPublicId('mer', merchantId) }),
    ...(mode === undefined ? {} : { mode }),
  });
  if (code === undefined) return tokensSchema.parse(answer);
  const { challenge } = z.object({ challenge: z.string() }).parse(answer);
  return tokensSchema.parse(await post(`${doors.gatewayUrl}/v1/auth/login/factor`, { challenge, code }));
}

/** The code that an authenticator app shows so many seconds from now (RFC 6238); `secret` in base32. */
export function totpCode(secret: string, aheadSeconds = 0): string {
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  return totp.generate({ timestamp: Date.now() + aheadSeconds * 1_000 });
}
