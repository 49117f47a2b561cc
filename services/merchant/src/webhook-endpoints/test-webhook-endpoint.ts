import type { Request, Response } from 'express';
import type { CallOutcome } from '@centra/egress/guarded-agent.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { webhookHeaders } from '@centra/service-kit/webhook-signature.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { asMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { orUnavailable } from './allowed-url.ts';
import { loadSigningSecrets, openWebhookSecret } from './sealed-secret.ts';
import type { SealedWebhookSecret } from './sealed-secret.ts';
import { requireEndpoint } from './webhook-endpoint.ts';
import type { Endpoint } from './webhook-endpoint.ts';

export const webhookTestSchema = z
  .object({
    result: z.enum(['delivered', 'failed', 'not_allowed']),
    status: z.int().nullable().meta({ description: 'The endpoint’s HTTP status; null when there was none' }),
    message: z.string().meta({ description: 'What happened, in words for staff' }),
    duration_ms: z.int().nullable().meta({ description: 'How long it took; null when nothing was sent' }),
  })
  .meta({ id: 'WebhookTest' });

type TestResult = z.infer<typeof webhookTestSchema>;

/** POST /v1/webhook-endpoints/:id/test: sends one signed event, also to a disabled endpoint, and says what came of it. */
export async function testWebhookEndpoint(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  // No choices: what is tested is what is stored.
  parseWith(z.strictObject({}), request.body);
  const identity = identityOf(request);
  const { merchantId } = identity;
  const objectId = String(request.params['id']);
  const { endpoint, at, sealed } = await asMerchant(context, merchantId, async (tx) => {
    const found = await requireEndpoint(tx, identity, objectId);
    return {
      endpoint: found,
      at: await takeTurn(tx, merchantId, found.id),
      sealed: await loadSigningSecrets(tx, merchantId, found.id),
    };
  });
  const startedAt = performance.now();
  const outcome = await orUnavailable(sendTest(context, merchantId, endpoint, at, sealed));
  const tested = toResult(outcome, Math.round(performance.now() - startedAt));
  await asMerchant(context, merchantId, async (tx) => {
    const { result, status } = tested;
    const action = 'webhook_endpoint.tested';
    await recordAuditEvent(tx, actorOf(request), { merchantId, action, objectId, after: { result, status } });
  });
  response.json(tested);
}

/** The time of this test. 429 within a second of the last one, whichever replica sent it: we are no one's load generator. */
async function takeTurn(tx: Transaction, merchantId: string, id: string): Promise<Date> {
  const [row] = await tx.execute<{ tested_ms: number }[]>(
    `update webhook_endpoints set tested_at = now()
      where merchant_id = ? and id = ? and (tested_at is null or tested_at <= now() - interval '1 second')
      returning (extract(epoch from tested_at) * 1000)::float8 as tested_ms`,
    [merchantId, id],
  );
  if (row === undefined)
    throw new AppError('too_many_requests', {
      retryAfterSeconds: 1,
      detail: 'An endpoint is tested once a second at most.',
    });
  return new Date(row.tested_ms);
}

async function sendTest(
  context: Context,
  merchantId: string,
  endpoint: Endpoint,
  at: Date,
  sealed: readonly SealedWebhookSecret[],
): Promise<CallOutcome> {
  const secrets = await Promise.all(sealed.map((each) => openWebhookSecret(context, each)));
  const id = toPublicId('evt', newUuid());
  const subject = toPublicId('we', endpoint.id);
  // CloudEvents 1.0 as one JSON document, so that the signature covers all of it.
  const body = JSON.stringify({
    specversion: '1.0',
    id,
    source: `/merchants/${toPublicId('mer', merchantId)}`,
    type: 'webhook.test',
    subject,
    time: at.toISOString(),
    datacontenttype: 'application/json',
    data: { webhook_endpoint: subject, mode: endpoint.mode, message: 'This endpoint can be reached.' },
  });
  const signed = webhookHeaders({ id, at, body }, secrets);
  return await context.egress.post(endpoint.url, {
    headers: { 'content-type': 'application/json', 'user-agent': 'Centra-Payments-Webhooks/1', ...signed },
    body,
  });
}

function toResult(outcome: CallOutcome, durationMs: number): TestResult {
  switch (outcome.result) {
    case 'delivered': {
      const { result, status } = outcome;
      return { result, status, message: `The endpoint answered ${status}.`, duration_ms: durationMs };
    }
    case 'failed': {
      const status = 'status' in outcome ? outcome.status : null;
      return { result: 'failed', status, message: wordsFor(outcome), duration_ms: durationMs };
    }
    case 'not_allowed':
      // Neither a reason nor a time: either would tell what is behind the address.
      return {
        result: 'not_allowed',
        status: null,
        message: 'This address is not allowed. Give a public https address.',
        duration_ms: null,
      };
    default:
      throw new Error(`no words for ${JSON.stringify(outcome satisfies never)}`);
  }
}

function wordsFor(outcome: Extract<CallOutcome, { result: 'failed' }>): string {
  switch (outcome.reason) {
    case 'status':
      return `The endpoint answered ${outcome.status}; only 2xx counts as delivered.`;
    case 'redirect':
      return `The endpoint answered with a redirect (${outcome.status}). Redirects are not followed: give the address it leads to.`;
    case 'timeout':
      return 'The endpoint did not answer in time.';
    case 'too_slow':
      return 'The endpoint began to answer and did not finish within 10 seconds.';
    case 'tls':
      return 'No secure connection came about: the certificate must be valid, for this name, and of a known authority.';
    case 'connection':
      return 'The endpoint could not be reached, or hung up.';
    default:
      throw new Error(`no words for ${JSON.stringify(outcome satisfies never)}`);
  }
}
