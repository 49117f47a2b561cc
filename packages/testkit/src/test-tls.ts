import { rmSync } from 'node:fs';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { createClient } from '@centra/service-kit/grpc.ts';
import { loadTls } from '@centra/service-kit/grpc-credentials.ts';
import type { Tls } from '@centra/service-kit/grpc-credentials.ts';
import { createLog } from '@centra/service-kit/log.ts';
import type { TlsFiles } from '@centra/service-kit/tls.ts';
import { createAuthority, writeCertificates } from './certificates.ts';
import type { Authority } from './certificates.ts';
import { temporaryFolder } from './temporary-folder.ts';

// One authority for everything that a test process starts, made when it is first asked for: services, their doubles and
// their callers must trust each other, and would otherwise hand it around. Gone with the process.
let issuing: { authority: Authority; folder: string } | undefined;
const issued = new Map<string, TlsFiles>();
const loaded = new Map<string, Tls>();

/** The certificate files of a service, or of one of its callers. */
export function testTlsFiles(name: string): TlsFiles {
  issuing ??= startIssuing();
  const files = issued.get(name) ?? writeCertificates(issuing.folder, issuing.authority, [name])(name);
  issued.set(name, files);
  return files;
}

function startIssuing(): { authority: Authority; folder: string } {
  const folder = temporaryFolder('certificates');
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return { authority: createAuthority(), folder };
}

/** The same, ready for use. */
export function testTls(name: string): Tls {
  const tls = loaded.get(name) ?? loadTls(testTlsFiles(name), { name, log: createLog(name, 'silent') });
  loaded.set(name, tls);
  return tls;
}

type ClientClass<C> = new (
  address: string,
  credentials: ChannelCredentials,
  options: Partial<ChannelOptions>,
) => C;

/** A client that shows the certificate of `caller`. */
export function clientAs<C>(caller: string, Client: ClientClass<C>, address: string, server: string): C {
  return createClient(Client, address, { tls: testTls(caller), server });
}
