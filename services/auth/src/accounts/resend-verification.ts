import { parseWith } from '@centra/service-kit/http.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { queueLinkRequest } from '../emails/queue-email.ts';
import type { registeredSchema } from './register.ts';
import { emailAddressSchema, emailKeyOf } from './user.ts';

export const resendVerificationSchema = z
  .strictObject({ email: emailAddressSchema })
  .meta({ id: 'ResendVerification', description: 'Where to send the link again' });

/**
 * POST /v1/auth/verify-email/resend. The same answer for every address, given before anybody looks whether it has an account
 * that still has to be verified.
 */
export function resendVerification(context: Context): RequestHandler {
  return async (request, response) => {
    const { email } = parseWith(resendVerificationSchema, request.body);
    await queueLinkRequest(context.orm.em.fork(), {
      emailKey: emailKeyOf(email),
      template: 'verify_email',
    });
    const answer: z.infer<typeof registeredSchema> = { status: 'verification_sent' };
    response.status(202).json(answer);
  };
}
