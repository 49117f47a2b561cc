import { X509Certificate, constants, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { SecureContextOptions } from 'node:tls';
import { ConfigError, envInteger, envText } from './env.ts';
import type { Env } from './env.ts';

/** Where a process finds its certificate, how it is called in it, and whom it trusts. */
export type TlsFiles = {
  /** PEM: the process's own certificate, then any between it and the authority. */
  certFile: string;
  /** PEM: the private key to it. */
  keyFile: string;
  /** PEM: one or more authorities whose certificates are taken. */
  caFile: string;
  /** Milliseconds between looks at the files. */
  reloadMs: number;
};

/** The variables of a service's certificate. There is no plaintext to fall back to. */
export function envTls(env: Env): TlsFiles {
  return {
    certFile: envText(env, 'TLS_CERT_FILE'),
    keyFile: envText(env, 'TLS_KEY_FILE'),
    caFile: envText(env, 'TLS_CA_FILE'),
    // A renewed certificate is there days before the old one expires.
    reloadMs: envInteger(env, 'TLS_RELOAD_MS', 30_000, 50, 3_600_000),
  };
}

/** What the three files hold at one moment. */
export type TlsTexts = { cert: string; key: string; ca: string };

/** Files that fit each other: what connections are made with. */
export type TlsMaterial = {
  context: SecureContextOptions;
  expiresAt: Date;
};

/** Reads the files at the start; throws ConfigError when one cannot be read. */
export function readTlsFiles({ certFile, keyFile, caFile }: TlsFiles): TlsTexts {
  try {
    return {
      cert: readFileSync(certFile, 'utf8'),
      key: readFileSync(keyFile, 'utf8'),
      ca: readFileSync(caFile, 'utf8'),
    };
  } catch (error) {
    throw new ConfigError('TLS_CERT_FILE, TLS_KEY_FILE or TLS_CA_FILE names a file that cannot be read', {
      cause: error,
    });
  }
}

/** Reads the files again. They may be half replaced: `checkTls` decides. */
export async function readTlsFilesAgain({ certFile, keyFile, caFile }: TlsFiles): Promise<TlsTexts> {
  const [cert, key, ca] = await Promise.all(
    [certFile, keyFile, caFile].map(async (file) => await readFile(file, 'utf8')),
  );
  return { cert: cert ?? '', key: key ?? '', ca: ca ?? '' };
}

/**
 * Whether the three fit: the key belongs to the certificate, a trusted authority issued it, it has not expired, and it is
 * `name`'s. Throws ConfigError with the reason, never with a file's content.
 */
export function checkTls({ cert, key, ca }: TlsTexts, name: string): TlsMaterial {
  const chain = readCertificates(cert, 'TLS_CERT_FILE');
  const authorities = readCertificates(ca, 'TLS_CA_FILE');
  const [own] = chain;
  const last = chain.at(-1);
  if (own === undefined || last === undefined) throw new ConfigError('TLS_CERT_FILE holds no certificate');
  if (authorities.length === 0) throw new ConfigError('TLS_CA_FILE holds no certificate');
  if (!fits(own, key)) throw new ConfigError('TLS_KEY_FILE is not the key of the certificate');
  if (serviceNameOf(own.subjectAltName) !== name)
    throw new ConfigError(`TLS_CERT_FILE is not a certificate of ${name}`);
  const expiresAt = own.validToDate;
  if (expiresAt.getTime() <= Date.now())
    throw new ConfigError('the certificate in TLS_CERT_FILE has expired');
  if (!authorities.some((authority) => last.checkIssued(authority) && last.verify(authority.publicKey)))
    throw new ConfigError('no authority in TLS_CA_FILE issued the certificate');
  return { expiresAt, context: { cert, key, ca, minVersion: 'TLSv1.3', secureOptions: NO_TICKETS } };
}

// Without tickets each connection proves its certificate anew: a resumed one would go on with what was trusted before.
const NO_TICKETS = constants.SSL_OP_NO_TICKET;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function readCertificates(pem: string, variable: string): X509Certificate[] {
  try {
    return [...pem.matchAll(PEM_CERTIFICATE)].map(([text]) => new X509Certificate(text));
  } catch {
    throw new ConfigError(`${variable} holds something that is not a certificate in PEM`);
  }
}

function fits(own: X509Certificate, keyPem: string): boolean {
  try {
    return own.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

const SPIFFE_ID = /^URI:spiffe:\/\/centra\.payments\/([a-z][a-z0-9-]{0,62})$/;

/**
 * The service that a verified certificate names: exactly one URI, `spiffe://centra.payments/<name>` (SPIFFE X.509-SVID §2).
 * Takes Node's text of the subject's alternative names; undefined for anything unusual.
 */
export function serviceNameOf(subjectAltName: string | undefined): string | undefined {
  // Node quotes a value that could be taken for two; ours never need it.
  if (subjectAltName === undefined || subjectAltName.includes('"')) return undefined;
  const uris = subjectAltName.split(', ').filter((entry) => entry.startsWith('URI:'));
  const [uri] = uris;
  if (uri === undefined || uris.length !== 1) return undefined;
  return SPIFFE_ID.exec(uri)?.[1];
}
