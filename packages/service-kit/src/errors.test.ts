import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { AppError, ERRORS, isErrorCode, toProblem } from './errors.ts';
import { problemSchema } from './problem-schema.ts';

describe('every code', () => {
  for (const code of Object.keys(ERRORS).filter(isErrorCode)) {
    const spec: { http: number; grpc: number; title: string } = ERRORS[code];
    test(`${code} has an HTTP status, a gRPC status that agrees with it, and public words`, () => {
      assert.match(code, /^[a-z]+(_[a-z]+)*$/);
      assert.ok(isErrorCode(code));
      assert.ok(spec.http >= 400 && spec.http <= 599);
      assert.ok(![grpcStatus.OK, grpcStatus.UNKNOWN].map(Number).includes(spec.grpc));
      assert.notEqual(grpcStatus[spec.grpc], undefined);
      // A refusal must not look like our fault on one transport and the caller's on the other.
      const isOurFault = new Set<number>([grpcStatus.INTERNAL, grpcStatus.UNAVAILABLE]).has(spec.grpc);
      assert.equal(spec.http >= 500, isOurFault);
      assert.match(spec.title, /^[A-Z].*\.$/);
      assert.doesNotMatch(spec.title, /postgres|sql|grpc|stack|undefined/i);
    });

    test(`${code} becomes a problem document as described in OpenAPI`, () => {
      const problem = toProblem(new AppError(code), 'req_1');
      assert.deepEqual(problem, {
        type: `urn:centra-payments:error:${code}`,
        title: spec.title,
        status: spec.http,
        code,
        request_id: 'req_1',
      });
      assert.deepEqual(problemSchema.parse(problem), problem);
    });
  }
});

test('a problem document carries what is public and nothing else', () => {
  const error = new AppError('validation_failed', {
    detail: 'Two fields.',
    errors: [{ field: 'amount', reason: 'is too small' }],
    retryAfterSeconds: 3,
    extra: { payment_id: 'pay_1' },
    internal: 'only for the log',
    cause: new Error('only for the log'),
  });
  assert.deepEqual(toProblem(error, 'req_2'), {
    type: 'urn:centra-payments:error:validation_failed',
    title: ERRORS.validation_failed.title,
    status: 400,
    code: 'validation_failed',
    detail: 'Two fields.',
    errors: [{ field: 'amount', reason: 'is too small' }],
    payment_id: 'pay_1',
    request_id: 'req_2',
  });
  assert.equal(error.message, 'only for the log');
  assert.ok(error.cause instanceof Error);
});

test('extra members never replace the standard ones', () => {
  const error = new AppError('not_found', {
    extra: { status: 200, code: 'ok', type: 'x', title: 'y', request_id: 'z' },
  });
  assert.deepEqual(toProblem(error, 'req_3'), toProblem(new AppError('not_found'), 'req_3'));
});

test('names that every object has are no codes', () => {
  for (const code of ['toString', 'constructor', '__proto__', '', 'Not_Found'])
    assert.equal(isErrorCode(code), false, code);
});
