import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, Metadata, status as grpcStatus } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { z } from 'zod';
import type { PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { callUnary, fromServiceError, isServiceError } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { clientAs } from '@centra/testkit/test-tls.ts';
import { chargeBody, newMerchant, startWithDoubles } from './testing/start-with-doubles.ts';
import type { Stand } from './testing/start-with-doubles.ts';

// Generous: a loaded machine must not fail a test of contents.
const DEADLINE_MS = 20_000;

describe('PaymentService over gRPC', () => {
  let stand: Stand;
  let client: PaymentServiceClient;
  const hotel = newMerchant();
  let paymentId = '';
  before(async () => {
    stand = await startWithDoubles();
    client = stand.bookingApi();
    stand.auth.addKey('ck_test_hotel', hotel);
    stand.auth.addKey('ck_live_hotel', { ...hotel, mode: 'live' });
    stand.auth.addKey('ck_test_writer', { ...hotel, scopes: ['payments:write'] });
    stand.auth.addKey('ck_test_other', newMerchant());
    paymentId = String((await stand.charge('grpc', chargeBody(), { as: hotel })).json()['id']);
  });
  after(async () => {
    client.close();
    await stand.close();
  });

  test('a hotel’s own key reads its payment and its status', async () => {
    const payment = await getPayment('ck_test_hotel', paymentId);
    assert.equal(payment.paymentId, paymentId);
    assert.equal(payment.status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
    assert.deepEqual(payment.amount, { amountMinor: 12_050n, currency: 'EUR' });
    assert.equal(payment.card?.last4, '4242');
    assert.deepEqual(await getStatus('ck_test_hotel', paymentId), {
      paymentId,
      status: PaymentStatus.PAYMENT_STATUS_SUCCEEDED,
      amount: { amountMinor: 12_050n, currency: 'EUR' },
      authorizedMinor: 12_050n,
      capturedMinor: 12_050n,
      refundedMinor: 0n,
      capturePendingMinor: 0n,
      refundPendingMinor: 0n,
      bookingReference: 'BK-1',
      updatedAt: payment.updatedAt,
    });
  });

  test('NOT_FOUND: another hotel’s, the other mode’s, an unknown and a malformed id, in the same words', async () => {
    const words = new Set<string>();
    const unknown = [
      '',
      'x',
      toPublicId('pay', newUuid()),
      newUuid(),
      `${paymentId}'`,
      paymentId.replace('pay', 'pa'),
    ];
    const asked = [
      ['ck_test_other', paymentId],
      ['ck_live_hotel', paymentId],
      ...unknown.map((id) => ['ck_test_hotel', id]),
    ];
    for (const [key, id] of asked)
      for (const call of [getPayment, getStatus]) {
        const error = await refusal(call(key ?? '', id ?? ''));
        assert.equal(error.code, grpcStatus.NOT_FOUND);
        words.add(`${error.details} ${fromServiceError(error).code}`);
      }
    assert.equal(words.size, 1);
  });

  test('PERMISSION_DENIED: a key without payments:read', async () => {
    for (const call of [getPayment, getStatus]) {
      const error = await refusal(call('ck_test_writer', paymentId));
      assert.equal(error.code, grpcStatus.PERMISSION_DENIED);
      assert.equal(fromServiceError(error).extra['required_scope'], 'payments:read');
    }
  });

  test('UNAUTHENTICATED: no credential, another scheme, an unknown or endless key, even for a payment that exists', async () => {
    const none = new Metadata();
    const basic = new Metadata();
    basic.set('authorization', `Basic ${Buffer.from('ck_test_hotel:').toString('base64')}`);
    // What the gateway says counts over HTTP from the gateway only.
    const identity = new Metadata();
    identity.set('x-centra-identity', 'e30.e30.x');
    const bad = [none, basic, identity, bearer('ck_test_nobody'), bearer(''), bearer('a'.repeat(4_000))];
    for (const metadata of bad) {
      const call = callUnary(
        client.getPayment.bind(client),
        { paymentId },
        { metadata, deadlineMs: DEADLINE_MS },
      );
      const error = await refusal(call);
      assert.equal(error.code, grpcStatus.UNAUTHENTICATED);
      assert.equal(fromServiceError(error).code, 'unauthenticated');
    }
  });

  test('UNAVAILABLE: without auth or transaction a read asks to try again', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    for (const away of [{ authGrpcAddress: nobody }, { transactionGrpcAddress: nobody }]) {
      const alone = await stand.startAnother(away);
      const lonely = stand.bookingApi(alone);
      try {
        const metadata = bearer('ck_test_hotel');
        const call = callUnary(
          lonely.getPayment.bind(lonely),
          { paymentId },
          { metadata, deadlineMs: DEADLINE_MS },
        );
        const error = await refusal(call);
        assert.equal(error.code, grpcStatus.UNAVAILABLE);
        assert.equal(fromServiceError(error).retryAfterSeconds, 1);
      } finally {
        lonely.close();
        await alone.close();
      }
    }
  });

  test('reflection lists the service and describes it; health says it serves', async () => {
    const proto = 'grpc/reflection/v1/reflection.proto';
    const folder = new URL('../proto', import.meta.resolve('@grpc/reflection')).pathname;
    const asked = await ask(folder, proto, 'grpc.reflection.v1.ServerReflection', 'ServerReflectionInfo', [
      { listServices: '' },
      { fileContainingSymbol: 'centra.payment.v1.PaymentService' },
    ]);
    const [listed, described] = reflected.parse(asked);
    assert.deepEqual(listed.listServicesResponse.service, [{ name: 'centra.payment.v1.PaymentService' }]);
    // Linking them is what a tool does before it can call; it fails when an import is missing or renamed.
    const file = described.fileDescriptorResponse.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: file.toReversed() }));
    const service = registry.getService('centra.payment.v1.PaymentService');
    assert.deepEqual(
      service?.methods.map(({ name, output }) => `${name} ${output.name}`),
      [
        'CreatePayment CreatePaymentResponse',
        'AuthorizePayment AuthorizePaymentResponse',
        'CapturePayment CapturePaymentResponse',
        'CancelPayment CancelPaymentResponse',
        'AdjustPayment AdjustPaymentResponse',
        'RefundPayment RefundPaymentResponse',
        'InitiatePayment InitiatePaymentResponse',
        'GetPayment Payment',
        'GetPaymentStatus GetPaymentStatusResponse',
        'GetQuote Quote',
      ],
    );
    assert.ok(registry.getMessage('centra.money.v1.Money') !== undefined);
    assert.equal(registry.getService('centra.transaction.v1.TransactionService'), undefined);

    assert.deepEqual(await checkHealth(), Buffer.from([8, 1]));
  });

  async function getPayment(key: string, id: string) {
    const options = { metadata: bearer(key), deadlineMs: DEADLINE_MS };
    return await callUnary(client.getPayment.bind(client), { paymentId: id }, options);
  }

  async function getStatus(key: string, id: string) {
    const options = { metadata: bearer(key), deadlineMs: DEADLINE_MS };
    return await callUnary(client.getPaymentStatus.bind(client), { paymentId: id }, options);
  }

  /** The raw answer of the standard health service: field 1, value 1 is SERVING. */
  async function checkHealth(): Promise<Buffer> {
    return await callUnary<Buffer, Buffer>(
      (request, metadata, options, callback) =>
        client.makeUnaryRequest(
          '/grpc.health.v1.Health/Check',
          raw,
          raw,
          request,
          metadata,
          options,
          (error, answer) => callback(error, answer ?? Buffer.alloc(0)),
        ),
      Buffer.alloc(0),
      { metadata: new Metadata(), deadlineMs: DEADLINE_MS },
    );
  }

  /** Sends messages to a standard service as a developer's tool would, knowing only its published proto file. */
  async function ask(
    folder: string,
    file: string,
    service: string,
    method: string,
    messages: object[],
  ): Promise<unknown[]> {
    const definition = loadSync(file, { includeDirs: [folder] })[service];
    if (definition === undefined || 'format' in definition) throw new Error(`${service} is not in ${file}`);
    const rpc = definition[method];
    if (rpc === undefined) throw new Error(`${service} has no ${method}`);
    const tool = clientAs('booking-api', Client, `127.0.0.1:${stand.service.grpcPort}`, 'payment-api');
    const stream = tool.makeBidiStreamRequest(rpc.path, rpc.requestSerialize, rpc.responseDeserialize, {
      deadline: Date.now() + DEADLINE_MS,
    });
    for (const message of messages) stream.write(message);
    stream.end();
    const answers: unknown[] = [];
    for await (const answer of stream) answers.push(answer);
    tool.close();
    return answers;
  }
});

const reflected = z.tuple([
  z.object({ listServicesResponse: z.object({ service: z.array(z.object({ name: z.string() })) }) }),
  z.object({ fileDescriptorResponse: z.object({ fileDescriptorProto: z.array(z.instanceof(Buffer)) }) }),
]);

function raw(bytes: Buffer): Buffer {
  return bytes;
}

function bearer(key: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  return metadata;
}

async function refusal(call: Promise<unknown>): Promise<ServiceError> {
  try {
    await call;
  } catch (error) {
    if (isServiceError(error)) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'the call was answered' });
}
