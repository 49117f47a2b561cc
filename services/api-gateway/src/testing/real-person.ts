import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { call, jsonPost } from './http-call.ts';
import type { Answer } from './http-call.ts';
import type { RealAuth } from './real-auth.ts';

export type Person = { email: string; userId: string };

const PASSWORD = 'seven quiet herons cross the bay';
const DEADLINE_MS = 20_000;

/** A person with a verified account, and the role at the hotel when one is named. All by auth's own doors. */
export async function createPerson(
  auth: RealAuth,
  wanted: { merchantId?: string; role?: string } = {},
): Promise<Person> {
  const email = `person-${newUuid()}@hotel.example`;
  await post(auth, '/v1/auth/register', { email, password: PASSWORD, name: 'Ana' }, 202);
  const token = await waitFor('the mail to arrive', async () => tokenInMail(auth.mailFolder, email));
  await post(auth, '/v1/auth/verify-email', { token, password: PASSWORD }, 200);
  const { merchantId, role = 'owner' } = wanted;
  if (merchantId !== undefined) await setMember(auth, { email, merchantId, role });
  const { json } = await post(auth, '/v1/auth/login', { email, password: PASSWORD }, 200);
  const user = json['user'];
  const userId = typeof user === 'object' && user !== null && 'id' in user ? String(user.id) : '';
  return { email, userId };
}

/** Gives a person a role at a hotel, as onboarding does. */
export async function setMember(
  auth: RealAuth,
  member: { email: string; merchantId: string; role: string },
): Promise<void> {
  await callUnary(
    auth.client.setMember.bind(auth.client),
    {
      merchantId: member.merchantId,
      person: { $case: 'email', value: member.email },
      role: member.role,
      actor: 'service:operator',
    },
    { metadata: callMetadata('req-set-member'), deadlineMs: DEADLINE_MS },
  );
}

/** An access token: for the hotel when one is named, else for the person's only one or none. */
export async function logIn(auth: RealAuth, { email }: Person, merchantId?: string): Promise<string> {
  const hotel = merchantId === undefined ? {} : { merchant_id: toPublicId('mer', merchantId) };
  const body = { email, password: PASSWORD, ...hotel };
  const { json } = await post(auth, '/v1/auth/login', body, 200);
  return String(json['access_token']);
}

/** A request without a credential, as the gateway passes it on to auth. */
async function post(auth: RealAuth, path: string, body: unknown, status: number): Promise<Answer> {
  const gateway = createSigner('api-gateway', auth.keys.privateKeys['api-gateway'] ?? '');
  const headers = { 'x-centra-identity': gateway.serviceToken('auth') };
  const answer = await call(auth.httpUrl + path, jsonPost('', body, headers));
  if (answer.status !== status) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
  return answer;
}

/** What stands behind `#token=` in the newest mail to the address; undefined while there is none. */
function tokenInMail(folder: string, email: string): string | undefined {
  for (const name of mailsIn(join(folder, 'new')).toReversed()) {
    const mail = readFileSync(join(folder, 'new', name), 'utf8');
    if (!mail.includes(email)) continue;
    // Quoted-printable (RFC 2045 §6.7) breaks lines and writes `=` as `=3D`; else the parts are in base64.
    const plain = mail.replaceAll(/=\r?\n/g, '').replaceAll('=3D', '=');
    const decoded = plain.replaceAll(/(?:[A-Za-z0-9+/=]{40,}\r?\n)+(?:[A-Za-z0-9+/=]+)?/g, (block) =>
      Buffer.from(block, 'base64').toString('utf8'),
    );
    const token = /#token=([A-Za-z0-9_-]+)/.exec(plain) ?? /#token=([A-Za-z0-9_-]+)/.exec(decoded);
    if (token !== null) return token[1];
  }
  return undefined;
}

function mailsIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    // Made with the first mail.
    return [];
  }
}
