import { Client, Metadata, Server, ServerCredentials, credentials } from '@grpc/grpc-js';
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { CLIENT_OPTIONS, createClient } from '@centra/service-kit/grpc.ts';
import { testTls } from '@centra/testkit/test-tls.ts';
import type { Cost, Measure } from './identity.ts';

// A Sale and its answer are 400 to 900 bytes each.
const MESSAGE = Buffer.alloc(700, 'x');
const METHOD = '/bench.Echo/Echo';
const asIs = (bytes: Buffer): Buffer => bytes;

// Rounds in turn, the first for the compiler alone. Of each kind the cheapest counts: what else the machine does only adds.
const ROUNDS = 5;
const TURNS = 4_000;

/** What mutual TLS adds to `calls` unary calls on connections that stand, both ends together, against the same in plaintext. */
export async function measureTls(measure: Measure, calls: number): Promise<Cost> {
  const plain: Cost[] = [];
  const secured: Cost[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const inClear = await measureEcho(
      measure,
      ServerCredentials.createInsecure(),
      (address) => new Client(address, credentials.createInsecure(), CLIENT_OPTIONS),
    );
    const overTls = await measureEcho(measure, testTls('merchant').serverCredentials, (address) =>
      createClient(Client, address, { tls: testTls('transaction'), server: 'merchant' }),
    );
    if (round === 0) continue;
    plain.push(inClear);
    secured.push(overTls);
  }
  const added = (part: keyof Cost): number =>
    calls * (Math.min(...secured.map((cost) => cost[part])) - Math.min(...plain.map((cost) => cost[part])));
  return { cpuMs: added('cpuMs'), waitMs: added('waitMs') };
}

async function measureEcho(
  measure: Measure,
  serverCredentials: ServerCredentials,
  connect: (address: string) => Client,
): Promise<Cost> {
  const server = new Server();
  server.addService(
    {
      echo: {
        path: METHOD,
        requestStream: false,
        responseStream: false,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    },
    {
      echo: ({ request }: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) =>
        callback(null, request),
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', serverCredentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const client = connect(`127.0.0.1:${port}`);
  try {
    return await measure(
      async () =>
        await new Promise<void>((resolve, reject) => {
          client.makeUnaryRequest(METHOD, asIs, asIs, MESSAGE, new Metadata(), (error) =>
            error === null ? resolve() : reject(error),
          );
        }),
      TURNS,
    );
  } finally {
    client.close();
    server.forceShutdown();
  }
}
