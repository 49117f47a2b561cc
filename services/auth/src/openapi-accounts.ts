import { answer, json, problem, retryAfter } from '@centra/service-kit/openapi-parts.ts';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { changePasswordSchema, passwordChangedSchema } from './accounts/change-password.ts';
import { forgotPasswordSchema, resetSentSchema } from './accounts/forgot-password.ts';
import { meSchema } from './accounts/get-me.ts';
import { registerSchema, registeredSchema } from './accounts/register.ts';
import { resendVerificationSchema } from './accounts/resend-verification.ts';
import { passwordResetSchema, resetPasswordSchema } from './accounts/reset-password.ts';
import { updateMeSchema } from './accounts/update-me.ts';
import { verifiedSchema, verifyEmailSchema } from './accounts/verify-email.ts';
import { bodyRefusals, personRefusals, publicRefusals } from './openapi-parts.ts';

const tags = ['Account'];

/** Routes that need no credential: who asks proves by what they send. */
const anyone: ZodOpenApiPathsObject = {
  '/v1/auth/register': {
    post: {
      operationId: 'register',
      tags,
      summary: 'Make an account',
      description:
        'Sends a mail with a link that proves the address; without it nobody can log in. The answer is the same when the ' +
        'address has an account already: then its owner is told so by mail. Of two registrations for an address that is ' +
        'not proved yet, the later one counts.',
      requestBody: json(registerSchema),
      responses: {
        '202': answer('A mail is on its way', registeredSchema),
        ...publicRefusals,
        ...bodyRefusals,
      },
    },
  },
  '/v1/auth/verify-email': {
    post: {
      operationId: 'verifyEmail',
      tags,
      summary: 'Prove an e-mail address',
      description:
        'With the secret of the link in the mail and the password that was registered with: a mail alone would let in a stranger who ' +
        'registered somebody’s address. The link is good once, for 24 hours.',
      requestBody: json(verifyEmailSchema),
      responses: {
        '200': answer('The address is proved', verifiedSchema),
        ...publicRefusals,
        ...bodyRefusals,
        '401': problem(['login_failed', 'unauthenticated']),
        '410': problem(['link_expired']),
        '429': problem(['too_many_attempts', 'too_many_requests'], retryAfter),
      },
    },
  },
  '/v1/auth/verify-email/resend': {
    post: {
      operationId: 'resendVerification',
      tags,
      summary: 'Send the link again',
      description:
        'The same answer for every address. Links sent before stop working. Five an hour are sent to an address at most.',
      requestBody: json(resendVerificationSchema),
      responses: {
        '202': answer('A mail is on its way if the address still has to be proved', registeredSchema),
        ...publicRefusals,
        ...bodyRefusals,
      },
    },
  },
  '/v1/auth/password/forgot': {
    post: {
      operationId: 'forgotPassword',
      tags,
      summary: 'Ask for a new password',
      description:
        'The same answer for every address. Links sent before stop working. Five an hour are sent to an address at most.',
      requestBody: json(forgotPasswordSchema),
      responses: {
        '202': answer('A mail is on its way if the address has an account', resetSentSchema),
        ...publicRefusals,
        ...bodyRefusals,
      },
    },
  },
  '/v1/auth/password/reset': {
    post: {
      operationId: 'resetPassword',
      tags,
      summary: 'Choose a new password',
      description:
        'With the secret of the link in the mail. It is good once, for an hour. Ends every session and lifts a lock. A ' +
        'password that is not taken leaves the link good.',
      requestBody: json(resetPasswordSchema),
      responses: {
        '200': answer('The password is the new one', passwordResetSchema),
        ...publicRefusals,
        ...bodyRefusals,
        '410': problem(['link_expired']),
      },
    },
  },
};

/** Routes for whoever logged in, about themselves. */
const person: ZodOpenApiPathsObject = {
  '/v1/auth/password': {
    post: {
      operationId: 'changePassword',
      tags,
      summary: 'Change the password',
      description:
        'Every other session ends. A wrong current password counts like one at log-in: the fifth locks the account for ' +
        '30 minutes.',
      requestBody: json(changePasswordSchema),
      responses: {
        '200': answer('The password is the new one', passwordChangedSchema),
        ...personRefusals,
        ...bodyRefusals,
        '401': problem(['login_failed', 'unauthenticated']),
        '429': problem(['too_many_attempts', 'too_many_requests'], retryAfter),
      },
    },
  },
  '/v1/auth/me': {
    get: {
      operationId: 'getMe',
      tags,
      summary: 'Read the account of whoever asks',
      responses: { '200': answer('The account', meSchema), ...personRefusals },
    },
    post: {
      operationId: 'updateMe',
      tags,
      summary: 'Change the account of whoever asks',
      requestBody: json(updateMeSchema),
      responses: { '200': answer('The account', meSchema), ...personRefusals, ...bodyRefusals },
    },
  },
};

export const paths: ZodOpenApiPathsObject = { ...anyone, ...person };
