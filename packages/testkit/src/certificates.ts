import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import type { TlsFiles } from '@centra/service-kit/tls.ts';
import {
  bitString,
  boolean,
  integer,
  objectId,
  octetString,
  sequence,
  setOf,
  tagged,
  time,
  utf8String,
} from './der.ts';

/** Every process that takes part in gRPC, and who calls from outside: the operator's tools and the booking API. */
export const CERTIFIED = [
  'api-gateway',
  'auth',
  'merchant',
  'payment-api',
  'transaction',
  'tokenization',
  'operator',
  'booking-api',
] as const;

export type CertifiedName = (typeof CERTIFIED)[number];

/** A certificate and the private key to it, PEM. */
export type Certified = { cert: string; key: string };

/** What a certificate says when it should not be the usual one. */
export type IssueOptions = {
  notBefore?: Date;
  notAfter?: Date;
  /** Instead of the one SPIFFE id. */
  uris?: readonly string[];
  /** Instead of the name and localhost. */
  hosts?: readonly string[];
};

export type Authority = Certified & {
  /** A certificate for `name`: its SPIFFE id, its DNS name, localhost and 127.0.0.1. */
  issue(name: string, options?: IssueOptions): Certified;
};

// For development: long enough to forget, and renewed in time by `npm start`.
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const CERTIFICATE_DAYS = 90;
// A machine whose clock is a little behind must take a fresh certificate too.
const BACKDATE_MS = 300_000;

/** A fresh authority for development and tests. What it issues is trusted nowhere else, also under the name of `like`. */
export function createAuthority({ like }: { like?: string } = {}): Authority {
  const { publicKey, privateKey } = newKey();
  // A name of its own, so that two authorities can be told apart.
  const fresh = nameOf(`Centra development authority ${randomBytes(4).toString('hex')}`);
  const subject = like === undefined ? fresh : subjectOf(new X509Certificate(like));
  const days: [Date, Date] = [fromNow(-BACKDATE_MS), fromNow(AUTHORITY_DAYS * DAY_MS)];
  const extensions = [
    extension('2.5.29.19', sequence(boolean(true)), true),
    // keyCertSign and cRLSign.
    extension('2.5.29.15', bitString(Buffer.from([0x06]), 1), true),
    extension('2.5.29.14', octetString(keyIdOf(publicKey))),
  ];
  const cert = certificate({ issuer: subject, subject, days, publicKey, extensions, signer: privateKey });
  return openAuthority({ cert, key: pemOf(privateKey) });
}

/** The authority whose certificate and key these are. */
export function openAuthority({ cert, key }: Certified): Authority {
  const authority = new X509Certificate(cert);
  const signer = createPrivateKey(key);
  const issuer = subjectOf(authority);
  const authorityKeyId = keyIdOf(authority.publicKey);
  return {
    cert,
    key,
    issue(name, options = {}) {
      const { publicKey, privateKey } = newKey();
      const days: [Date, Date] = [
        options.notBefore ?? fromNow(-BACKDATE_MS),
        options.notAfter ?? fromNow(CERTIFICATE_DAYS * DAY_MS),
      ];
      const extensions = [
        extension('2.5.29.19', sequence(), true),
        // digitalSignature: all that TLS 1.3 asks of a key.
        extension('2.5.29.15', bitString(Buffer.from([0x80]), 7), true),
        extension('2.5.29.37', sequence(objectId(SERVER_AUTH), objectId(CLIENT_AUTH))),
        extension('2.5.29.35', sequence(tagged(0x80, authorityKeyId))),
        extension('2.5.29.17', sequence(...alternativeNames(name, options))),
      ];
      return {
        cert: certificate({ issuer, subject: nameOf(name), days, publicKey, extensions, signer }),
        key: pemOf(privateKey),
      };
    },
  };
}

/** Writes what each name needs below `folder` and says where. Private keys are for their owner's eyes only. */
export function writeCertificates(
  folder: string,
  authority: Authority,
  names: readonly string[] = CERTIFIED,
): (name: string) => TlsFiles {
  const filesOf = tlsFilesIn(folder);
  for (const name of names) {
    const { cert, key } = authority.issue(name);
    writeFileSync(filesOf(name).certFile, cert);
    writeFileSync(filesOf(name).keyFile, key, { mode: 0o600 });
  }
  writeFileSync(filesOf('').caFile, authority.cert);
  return filesOf;
}

/** Where `writeCertificates` puts them. */
export function tlsFilesIn(folder: string): (name: string) => TlsFiles {
  return (name) => ({
    certFile: join(folder, `${name}.crt`),
    keyFile: join(folder, `${name}.key`),
    caFile: join(folder, 'ca.crt'),
    reloadMs: 30_000,
  });
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));

type Wanted = {
  issuer: Buffer;
  subject: Buffer;
  days: [notBefore: Date, notAfter: Date];
  publicKey: KeyObject;
  extensions: Buffer[];
  signer: KeyObject;
};

/** RFC 5280 §4.1, version 3. */
function certificate(wanted: Wanted): string {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_WITH_SHA256,
    wanted.issuer,
    sequence(...wanted.days.map(time)),
    wanted.subject,
    wanted.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...wanted.extensions)),
  );
  const signature = sign('sha256', body, wanted.signer);
  return new X509Certificate(sequence(body, ECDSA_WITH_SHA256, bitString(signature))).toString();
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(objectId(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** RFC 5280 §4.2.1.6: [2] dNSName, [6] uniformResourceIdentifier, [7] iPAddress. */
function alternativeNames(name: string, { uris, hosts }: IssueOptions): Buffer[] {
  return [
    ...(uris ?? [`spiffe://centra.payments/${name}`]).map((uri) => tagged(0x86, Buffer.from(uri))),
    ...(hosts ?? [name, 'localhost', '127.0.0.1']).map((host) =>
      isIPv4(host) ? tagged(0x87, Buffer.from(host.split('.').map(Number))) : tagged(0x82, Buffer.from(host)),
    ),
  ];
}

function nameOf(commonName: string): Buffer {
  return sequence(setOf(sequence(objectId('2.5.4.3'), utf8String(commonName))));
}

/** As `nameOf` wrote it: what an authority issues must name it byte by byte. */
function subjectOf(authority: X509Certificate): Buffer {
  return nameOf(authority.subject.replace(/^CN=/, ''));
}

/** RFC 5280 §4.2.1.2, method 1, over the whole key structure: any digest does that is the same on both sides. */
function keyIdOf(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

function newKey(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function fromNow(ms: number): Date {
  return new Date(Date.now() + ms);
}

/** The variables of a process that is started with these files. */
export function tlsVariables({ certFile, keyFile, caFile }: TlsFiles): Record<string, string> {
  return { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, TLS_CA_FILE: caFile };
}
