import { parseWith } from '@centra/service-kit/http.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { queueLinkRequest } from '../emails/queue-email.ts';
import { emailAddressSchema, emailKeyOf } from './user.ts';

export const forgotPasswordSchema = z
  .strictObject({ email: emailAddressSchema })
  .meta({ id: 'ForgotPassword', description: 'Where to send the link' });

export const resetSentSchema = z
  .object({ status: z.literal('sent') })
  .meta({ id: 'PasswordResetSent', description: 'A mail is on its way if the address has an account' });

/** POST /v1/auth/password/forgot. The same answer for every address, given before anybody looks whether it has an account. */
export function forgotPassword(context: Context): RequestHandler {
  return async (request, response) => {
    const { email } = parseWith(forgotPasswordSchema, request.body);
    await queueLinkRequest(context.orm.em.fork(), {
      emailKey: emailKeyOf(email),
      template: 'reset_password',
    });
    const answer: z.infer<typeof resetSentSchema> = { status: 'sent' };
    response.status(202).json(answer);
  };
}
