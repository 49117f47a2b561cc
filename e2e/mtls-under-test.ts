import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientOf } from '@centra/dev/seed.ts';
import { createAuthority, openAuthority } from '@centra/testkit/certificates.ts';
import type { Authority, Certified } from '@centra/testkit/certificates.ts';
import { Client, Metadata, credentials, status } from '@grpc/grpc-js';
import type { ChannelCredentials, ServiceError } from '@grpc/grpc-js';
import type { PlatformUnderTest } from './platform-under-test.ts';

export const PORTS = ['auth', 'merchant', 'payment-api', 'transaction'] as const;
export type PortName = (typeof PORTS)[number];

export const HEALTH = '/grpc.health.v1.Health/Check';
// Far above what a loaded machine needs; a stream of revocations answers within a second.
const DEADLINE_MS = 20_000;

/** The authority of this platform's own certificates. */
export function authorityOf({ dataDir, tlsFiles }: PlatformUnderTest): Authority {
  return openAuthority({
    cert: readFileSync(tlsFiles('').caFile, 'utf8'),
    key: readFileSync(join(dataDir, 'keys', 'tls', 'ca.key'), 'utf8'),
  });
}

/** A client as the services make theirs, of the port of one service that is taken for `meant`. */
export function kitClient(
  platform: PlatformUnderTest,
  caller: string,
  port: PortName,
  meant = port as string,
): Client {
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  return clientOf(platform, caller, Client, { address: platform.grpc[port], server: meant, options });
}

/** A client that is none of ours. */
export function clientWith(platform: PlatformUnderTest, port: PortName, shown: ChannelCredentials): Client {
  return new Client(platform.grpc[port], shown, {
    'grpc.ssl_target_name_override': port,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  });
}

/** Credentials of strangers, who trust the platform's servers. */
export function formOf(
  platform: PlatformUnderTest,
  trusted = authorityOf(platform).cert,
): {
  credentials(shown: Certified | undefined): ChannelCredentials;
  /** Another key under the same name as the authority. */
  impostor: Authority;
} {
  return {
    credentials: (shown) =>
      credentials.createSsl(
        Buffer.from(trusted),
        shown === undefined ? null : Buffer.from(shown.key),
        shown === undefined ? null : Buffer.from(shown.cert),
      ),
    impostor: createAuthority({ like: trusted }),
  };
}

const plain = (bytes: Buffer): Buffer => bytes;

/** How a call with an empty message ends; a stream is OK with its first message. */
export async function ask(client: Client, path: string, isStream = false): Promise<status> {
  const options = { deadline: Date.now() + DEADLINE_MS };
  const nothing = Buffer.alloc(0);
  return await new Promise<status>((resolve) => {
    if (!isStream) {
      client.makeUnaryRequest(path, plain, plain, nothing, new Metadata(), options, (error) =>
        resolve(error === null ? status.OK : error.code),
      );
      return;
    }
    const stream = client.makeServerStreamRequest(path, plain, plain, nothing, new Metadata(), options);
    stream.once('data', () => {
      resolve(status.OK);
      stream.cancel();
    });
    stream.on('error', (error: ServiceError) => resolve(error.code));
  });
}
