import { createHash } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { AppError, ERRORS } from '@centra/service-kit/errors.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { contextOf, parseWith, readBody, refuseQuery } from '@centra/service-kit/http.ts';
import { askTransaction } from '../ask-transaction.ts';
import type { Context } from '../context.ts';
import { CHALLENGE_ANSWERS, renderChallenge, renderNotice } from './challenge-html.ts';
import { CHALLENGE_STYLE } from './challenge-style.ts';

// One row; the simulator asks nobody.
const CHALLENGE_DEADLINE_MS = 5_000;
// `answer=approve` and room for what browsers add.
const FORM_MAX_BYTES = 1_024;
const TOKEN = /^[A-Za-z0-9_-]{16,64}$/;

export const challengeAnswerSchema = z
  .strictObject({ answer: z.enum(CHALLENGE_ANSWERS) })
  .meta({ id: 'ChallengeAnswer', description: 'What the guest chose at the simulated bank' });

/** `GET /v1/simulator/challenges/:token`: the built-in simulator's bank asks the guest. Whoever has the token is the guest. */
export function showChallenge(context: Context): RequestHandler<{ token: string }> {
  const policy = policyOf(context.config.production);
  return async (request, response) => {
    refuseQuery(request);
    response.setHeader('content-security-policy', policy);
    await orNotice(response, async () => {
      const challenge = await askTransaction(
        context.transaction.getSimulatorChallenge.bind(context.transaction),
        { challengeToken: tokenOf(request) },
        { requestId: contextOf(request).requestId, deadlineMs: CHALLENGE_DEADLINE_MS },
      );
      sendPage(
        response,
        challenge.over
          ? renderNotice(
              'This is over',
              'The payment was answered before, or its time ran out. You may close this page.',
            )
          : renderChallenge(challenge),
      );
    });
  };
}

/** `POST /v1/simulator/challenges/:token`: 303 to where the hotel wants its guest. Who gives up has not approved. */
export function answerChallenge(context: Context): RequestHandler<{ token: string }> {
  const policy = policyOf(context.config.production);
  return async (request, response) => {
    refuseQuery(request);
    response.setHeader('content-security-policy', policy);
    const { answer } = await readForm(request);
    await orNotice(response, async () => {
      const { returnUrl } = await askTransaction(
        context.transaction.answerSimulatorChallenge.bind(context.transaction),
        { challengeToken: tokenOf(request), approve: answer === 'approve' },
        { requestId: contextOf(request).requestId, deadlineMs: CHALLENGE_DEADLINE_MS },
      );
      if (!/^https?:\/\//.test(returnUrl)) throw new Error('transaction sent no return_url');
      response.status(303).location(returnUrl).end();
    });
  };
}

function tokenOf(request: Request<{ token: string }>): string {
  const { token } = request.params;
  if (!TOKEN.test(token)) throw new AppError('not_found');
  return token;
}

async function readForm(request: Request<{ token: string }>): Promise<z.infer<typeof challengeAnswerSchema>> {
  const type = (request.headers['content-type'] ?? '').trim().toLowerCase();
  if (!/^application\/x-www-form-urlencoded(\s*;\s*charset="?utf-8"?)?$/.test(type))
    throw new AppError('unsupported_media_type');
  const bytes = await readBody(request);
  if (bytes.length > FORM_MAX_BYTES) throw new AppError('payload_too_large');
  const fields = [...new URLSearchParams(bytes.toString('utf8'))];
  // A repeated field is no answer; fromEntries defines what it is given, so no name reaches a prototype.
  const form = fields.length === 1 ? Object.fromEntries(fields) : {};
  return parseWith(challengeAnswerSchema, form);
}

/** Nothing is loaded but our one style; the form may lead to this page and on to the hotel's. */
function policyOf(production: boolean): string {
  const style = createHash('sha256').update(CHALLENGE_STYLE).digest('base64');
  // Browsers hold redirects after a form to this list too, and a developer's hotel page may have no TLS.
  const targets = production ? "'self' https:" : "'self' https: http:";
  return `default-src 'none'; style-src 'sha256-${style}'; form-action ${targets}; base-uri 'none'; frame-ancestors 'none'`;
}

function sendPage(response: Response, html: string): void {
  response.type('html').send(html);
}

const NOTICES: Partial<Record<ErrorCode, [string, string]>> = {
  not_found: ['There is nothing here', 'The address is not complete, or the payment no longer exists.'],
  state_conflict: [
    'This is over',
    'The payment was answered before, or its time ran out. You may close this page.',
  ],
  unavailable: ['Not possible right now', 'Nothing was changed. Please load this page again in a moment.'],
};

/** People read pages, not problem documents: what can happen to a guest is told in words, under its own status. */
async function orNotice(response: Response, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const notice = error instanceof AppError ? NOTICES[error.code] : undefined;
    if (!(error instanceof AppError) || notice === undefined) throw error;
    if (error.retryAfterSeconds !== undefined) response.setHeader('retry-after', error.retryAfterSeconds);
    response.status(ERRORS[error.code].http);
    sendPage(response, renderNotice(...notice));
  }
}
