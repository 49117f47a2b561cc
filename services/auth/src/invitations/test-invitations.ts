import assert from 'node:assert/strict';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { mailsTo } from '../emails/test-maildir.ts';
import type { ReceivedMail } from '../emails/test-maildir.ts';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { asPerson, newEmail } from '../testing-accounts.ts';
import { asMember } from '../testing-members.ts';
import { startFakeMerchant } from '../testing-merchant.ts';
import type { FakeMerchant } from '../testing-merchant.ts';

/** The service with a merchant service to ask. */
export async function startInviting(): Promise<{
  service: TestAuth;
  merchant: FakeMerchant;
  close(): Promise<void>;
}> {
  const merchant = await startFakeMerchant();
  const service = await startTestAuth({}, { merchantAddress: merchant.address });
  return {
    service,
    merchant,
    async close() {
      await service.close();
      await merchant.close();
    },
  };
}

export type Invited = {
  /** `inv_…`. */
  id: string;
  email: string;
  /** What stands in the link of the mail. */
  token: string;
  mail: ReceivedMail;
};

/** Where the hotel's invitations are. */
export function invitationsOf(merchantId: string): string {
  return `/v1/merchants/${toPublicId('mer', merchantId)}/invitations`;
}

/** Invites somebody by the public route and waits for the mail. */
export async function invite(
  service: TestAuth,
  merchantId: string,
  by: { userId: string },
  { email = newEmail(), ...wanted }: { email?: string; role?: string; locale?: string } = {},
): Promise<Invited> {
  const answer = await asMember(service, merchantId, by)
    .post(invitationsOf(merchantId))
    .send({ email, role: 'staff', ...wanted });
  assert.equal(answer.status, 201, answer.text);
  return { id: answer.body.id, email, ...(await newestLink(service, email)) };
}

/** The newest of an address's mails, once there are that many. */
export async function newestLink(
  service: TestAuth,
  email: string,
  count = 1,
): Promise<{ token: string; mail: ReceivedMail }> {
  const mail = (await mailsTo(service.config.mail.maildir, email, count)).at(-1);
  assert.ok(mail?.token !== undefined, 'the mail has no link');
  return { token: mail.token, mail };
}

/** Accepts as a person who logged in. */
export function accept(
  service: TestAuth,
  { userId }: { userId: string },
  body: object,
): ReturnType<ReturnType<typeof asPerson>['post']> {
  const person = { userId, sessionId: toPublicId('ses', newUuid()) };
  return asPerson(service, person).post('/v1/invitations/accept').send(body);
}

/** The part that a mail program leaves as it is. */
export function inCapitals(email: string): string {
  return email.replace(/^[^@]+/, (local) => local.toUpperCase());
}
