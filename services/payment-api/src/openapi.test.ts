import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDocument } from 'zod-openapi';
import { z } from 'zod';
import { problemSchema } from '@centra/service-kit/problem-schema.ts';
import { chargeSchema } from './charges/charge.ts';
import { declineSchema } from './charges/charge-reply.ts';
import { clientSecretSchema } from './checkout/create-client-secret.ts';
import { checkoutPaymentSchema } from './checkout/get-checkout-payment.ts';
import { paymentStatusAnswerSchema } from './payments/get-payment-status.ts';
import { paymentEventListSchema } from './payments/list-payment-events.ts';
import { paymentListSchema } from './payments/list-payments.ts';
import { paymentSchema } from './payments/payment.ts';
import { operationsPaths } from './openapi-operations.ts';
import { paths } from './openapi.ts';
import { quoteSchema } from './quotes/quote.ts';
import { refundListSchema } from './refunds/list-refunds.ts';
import { refundDeclineSchema, refundSchema } from './refunds/refund.ts';
import { sessionSchema } from './sessions/create-session.ts';

// openapi-operations.test.ts looks at the others.
const ours = Object.fromEntries(Object.entries(paths).filter(([path]) => !(path in operationsPaths)));
const document = createDocument({
  openapi: '3.1.1',
  info: { title: 'Payment API', version: '1' },
  paths: ours,
});

const STATUSES = {
  'post /v1/quotes': '201 400 401 403 405 413 415 422 429 500 503',
  'get /v1/quotes/{id}': '200 400 401 403 404 405 422 429 500 503',
  'get /v1/session': '200 400 401 403 405 422 429 500 503',
  'post /v1/charge': '201 202 400 401 402 403 405 409 413 415 422 429 500 503',
  'get /v1/payments': '200 400 401 403 405 422 429 500 503',
  'post /v1/payments': '201 202 400 401 402 403 404 405 409 413 415 422 429 500 503',
  'get /v1/payments/{id}': '200 400 401 403 404 405 422 429 500 503',
  'get /v1/payments/{id}/status': '200 400 401 403 404 405 422 429 500 503',
  'get /v1/payments/{id}/events': '200 400 401 403 404 405 422 429 500 503',
  'post /v1/payments/{id}/authorize': '200 202 400 401 402 403 404 405 409 413 415 422 429 500 503',
  'post /v1/payments/{id}/capture': '200 202 400 401 402 403 404 405 409 413 415 422 429 500 503',
  'post /v1/payments/{id}/cancel': '200 202 400 401 402 403 404 405 409 413 415 422 429 500 503',
  'post /v1/payments/{id}/adjust': '200 202 400 401 402 403 404 405 409 413 415 422 429 500 503',
  'post /v1/payments/{id}/refund': '201 202 400 401 402 403 404 405 409 413 415 422 429 500 503',
  'get /v1/payments/{id}/refunds': '200 400 401 403 404 405 422 429 500 503',
  'post /v1/payments/{id}/client-secret': '201 400 401 403 404 405 422 429 500 503',
  'get /v1/checkout/payments/{id}': '200 400 401 404 405 422 429 500 503',
  'get /v1/refunds': '200 400 401 403 405 422 429 500 503',
  'get /v1/refunds/{id}': '200 400 401 403 404 405 422 429 500 503',
};

test('each route documents every status code', () => {
  const described = Object.entries(ours).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]: [string, { responses: object }]) => [
      `${method} ${path}`,
      Object.keys(operation.responses).toSorted().join(' '),
    ]),
  );
  assert.deepEqual(Object.fromEntries(described), STATUSES);
});

test('every example is what its schema describes', () => {
  const schemas: Record<string, z.ZodType> = {
    Payment: paymentSchema.strict(),
    PaymentList: paymentListSchema.strict(),
    ClientSecret: clientSecretSchema.strict(),
    CheckoutPayment: checkoutPaymentSchema.strict(),
    CaptureSession: sessionSchema.strict(),
    Quote: quoteSchema.strict(),
    PaymentStatus: paymentStatusAnswerSchema.strict(),
    PaymentEventList: paymentEventListSchema.strict(),
    Refund: refundSchema.strict(),
    RefundList: refundListSchema.strict(),
    RefundDeclineProblem: refundDeclineSchema.strict(),
    DeclineProblem: declineSchema.strict(),
    Problem: problemSchema.strict(),
  };
  let count = 0;
  for (const { schema, example } of examplesOf(document)) {
    const name = schema.split('/').at(-1) ?? '';
    assert.ok(schemas[name]?.safeParse(example).success, `${name}: ${JSON.stringify(example)}`);
    count += 1;
  }
  assert.ok(count > 100);
});

test('the request’s own examples make a charge that is accepted', () => {
  const properties = z
    .object({ properties: z.record(z.string(), z.object({ example: z.unknown().optional() })) })
    .parse(document.components?.schemas?.['ChargeRequest']).properties;
  const example = Object.fromEntries(
    Object.entries(properties).flatMap(([name, property]) =>
      property.example === undefined ? [] : [[name, property.example]],
    ),
  );
  assert.ok(chargeSchema.safeParse(example).success, JSON.stringify(example));
  assert.ok(Object.keys(example).length >= 8);
});

/** Every media type of the document that has a schema by reference and examples. */
function examplesOf(value: unknown): { schema: string; example: unknown }[] {
  if (typeof value !== 'object' || value === null) return [];
  const media = z
    .object({
      schema: z.object({ $ref: z.string() }),
      example: z.unknown().optional(),
      examples: z.record(z.string(), z.object({ value: z.unknown() })).optional(),
    })
    .safeParse(value);
  if (!media.success) return Object.values(value).flatMap(examplesOf);
  const { schema, example, examples } = media.data;
  const all = [example, ...Object.values(examples ?? {}).map((each) => each.value)].filter(
    (each) => each !== undefined,
  );
  return all.map((each) => ({ schema: schema.$ref, example: each }));
}
