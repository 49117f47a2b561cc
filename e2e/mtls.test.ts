import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { AuthServiceService } from '@centra/proto/centra/auth/v1/auth.ts';
import { MerchantServiceService } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { PaymentServiceService } from '@centra/proto/centra/payment/v1/payment.ts';
import { TransactionServiceService } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { CERTIFIED, createAuthority } from '@centra/testkit/certificates.ts';
import type { Certified } from '@centra/testkit/certificates.ts';
import { credentials, status } from '@grpc/grpc-js';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { HEALTH, PORTS, ask, authorityOf, clientWith, formOf, kitClient } from './mtls-under-test.ts';
import type { PortName } from './mtls-under-test.ts';
import { startPlatformUnderTest } from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

// Who may call what, written down once more: a change of a service's own lists must be meant.
const CALLERS: Readonly<Record<PortName, Readonly<Record<string, readonly string[]>>>> = {
  auth: {
    ValidateApiKey: ['api-gateway', 'payment-api'],
    ValidateAccessToken: ['api-gateway'],
    CheckPermission: ['merchant', 'payment-api'],
    WatchRevocations: ['api-gateway', 'payment-api'],
    RecordKeyUsage: ['api-gateway', 'payment-api'],
    CreateApiKey: ['operator'],
    SetMember: ['merchant', 'operator'],
    SetMerchantAccess: ['merchant', 'operator'],
    ListMemberships: ['merchant'],
    ListAuditEvents: ['merchant'],
    RotateSigningKey: ['operator'],
  },
  merchant: {
    CreateMerchant: ['operator'],
    GetMerchant: ['api-gateway', 'auth', 'payment-api', 'transaction', 'operator'],
    SetMerchantLimits: ['operator'],
    ReviewMerchant: ['operator'],
    ListMerchants: ['operator'],
    GetRouting: ['transaction'],
    CheckOrigin: ['api-gateway'],
    GetProviderAccount: ['transaction'],
    ResolveProviderAccount: ['transaction'],
    RotateDataKey: ['operator'],
  },
  'payment-api': {
    CreatePayment: ['booking-api'],
    AuthorizePayment: ['booking-api'],
    CapturePayment: ['booking-api'],
    CancelPayment: ['booking-api'],
    AdjustPayment: ['booking-api'],
    RefundPayment: ['booking-api'],
    InitiatePayment: ['booking-api'],
    GetPayment: ['booking-api'],
    GetPaymentStatus: ['booking-api'],
    GetQuote: ['booking-api'],
  },
  transaction: {
    Sale: ['payment-api'],
    Authorize: ['payment-api'],
    CreatePayment: ['payment-api'],
    Initiate: ['payment-api'],
    Capture: ['payment-api'],
    Void: ['payment-api'],
    Refund: ['payment-api'],
    Adjust: ['payment-api'],
    GetPayment: ['payment-api'],
    ListPayments: ['payment-api'],
    ListPaymentEvents: ['payment-api'],
    GetRefund: ['payment-api'],
    ListRefunds: ['payment-api'],
    GetDispute: ['payment-api'],
    ListDisputes: ['payment-api'],
    ReceiveProviderEvent: ['payment-api'],
    ListProviderEvents: ['payment-api', 'operator'],
    ReplayProviderEvent: ['payment-api', 'operator'],
    ListUnknownOperations: ['payment-api', 'operator'],
    SettleUnknownOperation: ['payment-api', 'operator'],
    GetSimulatorChallenge: ['payment-api'],
    AnswerSimulatorChallenge: ['payment-api'],
    CreateCaptureSession: ['payment-api'],
    CheckProviderCredentials: ['merchant'],
    CountAccountUse: ['merchant'],
  },
};

const DEFINITIONS: Readonly<Record<PortName, ServiceDefinition>> = {
  auth: AuthServiceService,
  merchant: MerchantServiceService,
  'payment-api': PaymentServiceService,
  transaction: TransactionServiceService,
};

let platform: PlatformUnderTest;
before(async () => {
  platform = await startPlatformUnderTest();
});
after(async () => await platform.end());

test('every RPC of every proto file has a row, and every row is an RPC', () => {
  const protos = globSync(`${import.meta.dirname}/../proto/**/*.proto`);
  const described = protos.flatMap((file) => [
    ...readFileSync(file, 'utf8').matchAll(/^\s*rpc (\w+)\s*\(/gm),
  ]);
  const rows = Object.values(CALLERS).flatMap((rpcs) => Object.keys(rpcs));
  assert.deepEqual(described.map(([, name = '']) => name).toSorted(), rows.toSorted());
  for (const port of PORTS) {
    const paths = Object.values(DEFINITIONS[port]).map(({ path }) => path.split('/').at(-1));
    assert.deepEqual(new Set(paths), new Set(Object.keys(CALLERS[port])), port);
  }
});

describe('each RPC at each port, with each certificate of ours', () => {
  for (const port of PORTS)
    for (const caller of CERTIFIED)
      test(`${caller} at ${port}`, async () => {
        const client = kitClient(platform, caller, port);
        try {
          // Nothing below may hide behind a connection that failed.
          assert.equal(await ask(client, HEALTH), status.OK, 'health is for every certificate of ours');
          for (const [of, definition] of Object.entries(DEFINITIONS))
            for (const method of Object.values(definition)) {
              const name = method.path.split('/').at(-1) ?? '';
              const allowed = CALLERS[port][name]?.includes(caller) ?? false;
              const code = await ask(client, method.path, method.responseStream);
              const what = `${name} of ${of}: ${status[code]}`;
              if (of !== port) assert.equal(code, status.UNIMPLEMENTED, what);
              else assert.equal(code !== status.PERMISSION_DENIED, allowed, what);
            }
          assert.equal(await ask(client, HEALTH), status.OK);
        } finally {
          client.close();
        }
      });
});

// What is shown instead of a good certificate, and whether the handshake itself fails or only every call.
const STRANGERS: readonly [name: string, ends: 'handshake' | 'call', shown: () => Certified | undefined][] = [
  ['without a certificate', 'handshake', () => undefined],
  ['of another authority', 'handshake', () => createAuthority().issue('operator')],
  ['of an authority of the same name', 'handshake', () => formOf(platform).impostor.issue('operator')],
  ['that has expired', 'handshake', () => issued({ notBefore: days(-2), notAfter: days(-1) })],
  ['that is not valid yet', 'handshake', () => issued({ notBefore: days(1), notAfter: days(2) })],
  ['without a name', 'call', () => issued({ uris: [] })],
  ['with two names', 'call', () => issued({ uris: [ID, 'spiffe://centra.payments/payment-api'] })],
  ['with the same name twice', 'call', () => issued({ uris: [ID, ID] })],
  ['of another trust domain', 'call', () => issued({ uris: ['spiffe://centra.example/operator'] })],
  ['with a longer path', 'call', () => issued({ uris: [`${ID}/x`] })],
  ['with no path', 'call', () => issued({ uris: ['spiffe://centra.payments/'] })],
  ['in capitals', 'call', () => issued({ uris: ['spiffe://centra.payments/OPERATOR'] })],
  ['of another scheme', 'call', () => issued({ uris: ['https://centra.payments/operator'] })],
  ['with text that looks like two', 'call', () => issued({ uris: [`https://x, URI:${ID}`] })],
  ['with the name inside a host name', 'call', () => issued({ uris: [], hosts: [`x, URI:${ID}`] })],
  ['with a host name only', 'call', () => issued({ uris: [], hosts: ['operator'] })],
];

const ID = 'spiffe://centra.payments/operator';
const days = (count: number): Date => new Date(Date.now() + count * 86_400_000);
const issued = (options: object): Certified => authorityOf(platform).issue('operator', options);

describe('each port refuses', () => {
  for (const port of PORTS) {
    test(`${port}: plaintext`, async () => {
      const client = clientWith(platform, port, credentials.createInsecure());
      assert.equal(await ask(client, HEALTH), status.UNAVAILABLE);
      client.close();
    });

    test(`${port}: TLS 1.2`, async () => {
      const [host, number] = platform.grpc[port].split(':');
      const { cert, key } = issued({});
      const options = {
        host,
        port: Number(number),
        cert,
        key,
        rejectUnauthorized: false,
        ALPNProtocols: ['h2'],
      };
      const socket = connect({ ...options, maxVersion: 'TLSv1.2', servername: port });
      const error = await new Promise<Error>((resolve, reject) => {
        socket.once('error', resolve);
        socket.once('secureConnect', () => reject(new Error('it was taken')));
      });
      assert.match(error.message, /protocol version|handshake failure/i);
    });

    for (const [name, ends, shown] of STRANGERS)
      test(`${port}: a certificate ${name}`, async () => {
        const client = clientWith(platform, port, formOf(platform).credentials(shown()));
        const expected = ends === 'handshake' ? status.UNAVAILABLE : status.PERMISSION_DENIED;
        const [first] = Object.values(DEFINITIONS[port]);
        assert.equal(await ask(client, HEALTH), expected);
        assert.equal(await ask(client, first?.path ?? ''), expected);
        client.close();
      });

    test(`${port}: the same with a good certificate is let in`, async () => {
      const client = clientWith(platform, port, formOf(platform).credentials(issued({})));
      assert.equal(await ask(client, HEALTH), status.OK);
      client.close();
    });
  }
});

test('a client refuses a server that is another service, though its authority is the right one', async () => {
  for (const port of PORTS)
    for (const meant of CERTIFIED) {
      const client = kitClient(platform, 'operator', port, meant);
      const expected = meant === port ? status.OK : status.UNAVAILABLE;
      assert.equal(await ask(client, HEALTH), expected, `${port} taken for ${meant}`);
      client.close();
    }
});
