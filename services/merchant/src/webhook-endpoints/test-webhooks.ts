import { Resolver } from 'node:dns/promises';
import { createGuardedAgent } from '@centra/egress/guarded-agent.ts';
import { startReceiver } from '@centra/egress/test-internet.ts';
import type { Answer, Receiver } from '@centra/egress/test-internet.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { startDnsServer } from '@centra/testkit/dns-server.ts';
import type { DnsServer } from '@centra/testkit/dns-server.ts';
import { asCaller, newHotel, startTestMerchant } from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';

export const PATH = '/v1/webhook-endpoints';
/** A name that leads to a public address at which nothing is ever called in tests. */
export const PUBLIC_URL = 'https://hooks.hotel.example/centra';

const SCOPES = ['webhook_endpoints:read', 'webhook_endpoints:write'];

/** The service with a name server of ours, and a receiver on this machine that is its one trusted target. */
export type Webhooks = {
  test: TestMerchant;
  dns: DnsServer;
  receiver: Receiver;
  /** The receiver's address; plain http. */
  receiverUrl: string;
  /** How the receiver answers from now on. */
  answerWith(answer: Answer): void;
  newHotel(): Promise<{ merchantId: string; caller: Caller }>;
  as(caller: Partial<Identity> & { merchantId: string }): Caller;
  close(): Promise<void>;
};

export async function startWebhooks(...log: Parameters<typeof startTestMerchant>): Promise<Webhooks> {
  const test = await startTestMerchant(...log);
  const dns = await startDnsServer();
  dns.script('hooks.hotel.example', (type) => (type === 'A' ? [{ type, data: '93.184.215.14' }] : []));
  let answer: Answer = answerNoContent;
  const receiver = await startReceiver((response) => answer(response), { plain: true });
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([dns.address]);
  const trustedTargets = [`127.0.0.1:${receiver.port}`];
  test.service.context.egress = createGuardedAgent({ resolver, trustedTargets, totalTimeoutMs: 1_500 });
  const as: Webhooks['as'] = (caller) => asCaller(test, { scopes: SCOPES, ...caller });
  return {
    test,
    dns,
    receiver,
    receiverUrl: `http://127.0.0.1:${receiver.port}/hooks`,
    answerWith: (next) => (answer = next),
    as,
    async newHotel() {
      const merchantId = await newHotel(test);
      return { merchantId, caller: as({ merchantId }) };
    },
    async close() {
      await receiver.close();
      await dns.close();
      await test.close();
    },
  };
}

export const answerNoContent: Answer = (response) => void response.writeHead(204).end();

/** Creates an endpoint and answers its id and secret. */
export async function createEndpoint(
  caller: Caller,
  more: Record<string, unknown> = {},
): Promise<{ id: string; secret: string }> {
  const body = { url: PUBLIC_URL, events: ['*'], ...more };
  const created = await caller.post(PATH).send(body).expect(201);
  return { id: String(created.body.id), secret: String(created.body.secret) };
}
