import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import { bearer } from '../testing/http-call.ts';
import { assertUnavailable, assertUnknown, charge, metric, read } from '../testing/payment-calls.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import type { Handler } from '../testing/upstream-double.ts';
import { GENEROUS, withUpstream } from '../testing/with-upstream.ts';

let auth: RealAuth;
before(async () => {
  auth = await startRealAuth();
});
after(() => auth.stop());

describe('the answer passes as it is', () => {
  test('status, type and bytes of every kind of answer', async () => {
    const answers: [number, string, string][] = [
      [201, 'application/json', '{"a":"é"}'],
      [202, 'application/json', '{}'],
      [402, 'application/problem+json', '{"code":"card_declined"}'],
      [404, 'application/problem+json', '{"code":"not_found"}'],
      [500, 'application/problem+json', '{"code":"internal"}'],
    ];
    for (const [status, type, body] of answers)
      await withUpstream(
        auth,
        (_request, response) => void response.writeHead(status, { 'content-type': type }).end(body),
        {},
        async (gateway) => {
          const answer = await charge(gateway, (await auth.createKey()).secret);
          assert.deepEqual(
            [answer.status, answer.headers['content-type'], answer.text],
            [status, type, body],
          );
        },
      );
  });

  test('it streams: the first part arrives before the last is written', async () => {
    const part = 'a'.repeat(100_000);
    let finish: (() => void) | undefined;
    const handler: Handler = (_request, response) => {
      response.writeHead(200);
      response.write(part);
      finish = () => response.end(part);
    };
    await withUpstream(auth, handler, {}, async (gateway) => {
      const { secret } = await auth.createKey();
      const response = await fetch(`${gateway.url}/v1/payments`, { headers: bearer(secret) });
      const reader = response.body?.getReader();
      const first = await reader?.read();
      assert.ok((first?.value?.length ?? 0) > 0);
      finish?.();
      let size = first?.value?.length ?? 0;
      for (let chunk = await reader?.read(); chunk?.done === false; chunk = await reader?.read())
        size += chunk.value.length;
      assert.equal(size, 200_000);
    });
  });

  test('connections to the service are kept and used again', async () => {
    const peers = new Set<number | undefined>();
    const handler: Handler = (request, response) => {
      peers.add(request.socket.remotePort);
      response.end('{}');
    };
    await withUpstream(auth, handler, {}, async (gateway) => {
      const { secret } = await auth.createKey();
      for (let index = 0; index < 10; index += 1) assert.equal((await charge(gateway, secret)).status, 200);
      assert.equal(peers.size, 1);
    });
  });
});

const cut: Handler = (request) => void request.socket.destroy();

const half: Handler = (request, response) => {
  response.writeHead(200, { 'content-length': '100' });
  response.write('{"half":');
  setTimeout(() => request.socket.destroy(), 50);
};

const drip: Handler = (_request, response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write(' '), 50);
  response.on('close', () => clearInterval(timer));
};

describe('a lost answer', () => {
  test('no connection: 503, since surely nothing was sent', async () => {
    const gateway = await startTestGateway(auth, {}, GENEROUS);
    try {
      const { secret } = await auth.createKey();
      assertUnavailable(await charge(gateway, secret));
      assertUnavailable(await read(gateway, secret));
      assert.equal(await metric(gateway, 'centra_gateway_unknown_outcomes_total'), 0);
    } finally {
      await gateway.close();
    }
  });

  test('connection lost after the request went out: 500 that tells to repeat with the same key, and is counted', async () => {
    await withUpstream(auth, cut, {}, async (gateway, upstream) => {
      const { secret } = await auth.createKey();
      assertUnknown(await charge(gateway, secret));
      assert.equal(upstream.seen.length, 1, 'it was sent exactly once');
      assert.equal(await metric(gateway, 'centra_gateway_unknown_outcomes_total{route="/v1/charge"'), 1);
      assertUnavailable(await read(gateway, secret));
    });
  });

  test('no answer in time: 500 for a charge, 503 for a read, and the service sees the connection go', async () => {
    let gone = 0;
    const hang: Handler = (request) => void request.socket.once('close', () => (gone += 1));
    await withUpstream(auth, hang, { PAYMENT_API_TIMEOUT_MS: '400' }, async (gateway) => {
      const { secret } = await auth.createKey();
      assertUnknown(await charge(gateway, secret));
      assertUnavailable(await read(gateway, secret));
      await waitFor('both connections to be cut', async () => (gone === 2 ? true : undefined));
    });
  });

  test('an answer that stops half-way is seen as broken by the caller, never as whole', async () => {
    await withUpstream(auth, half, {}, async (gateway) => {
      const { secret } = await auth.createKey();
      await assert.rejects(charge(gateway, secret));
    });
  });

  test('an answer that drips past the deadline is cut', async () => {
    await withUpstream(auth, drip, { PAYMENT_API_TIMEOUT_MS: '500' }, async (gateway) => {
      const { secret } = await auth.createKey();
      await assert.rejects(read(gateway, secret));
    });
  });

  test('a host that answers no connection attempt is given up long before the deadline: 503, nothing was sent', async () => {
    const silent = await startSilentHost();
    const gateway = await startTestGateway(auth, { paymentApi: silent.url }, GENEROUS);
    try {
      // Had the deadline ended it, the outcome would be unknown and the answer 500.
      assertUnavailable(await charge(gateway, (await auth.createKey()).secret));
    } finally {
      await gateway.close();
      silent.close();
    }
  });
});

/** A frozen process whose queue of connections is full: the system drops further attempts, as a dead host would. */
async function startSilentHost(): Promise<{ url: string; close(): void }> {
  const program = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port) })`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [chunk] = await once(child.stdout, 'data');
  const port = Number(String(chunk));
  child.kill('SIGSTOP');
  const sockets: Socket[] = [];
  for (let isFull = false; !isFull;) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
    const connected = once(socket, 'connect').then(() => true);
    isFull = !(await Promise.race([connected, pauseMs(500).then(() => false)]));
  }
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      for (const socket of sockets) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}
