import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CERTIFIED, createAuthority, openAuthority, tlsFilesIn } from '@centra/testkit/certificates.ts';
import type { Authority } from '@centra/testkit/certificates.ts';
import { createServiceKeys } from '@centra/testkit/service-keys.ts';
import type { KeyFiles } from './plan.ts';

/** The services' signing keys and certificates: made at the first start, kept afterwards; certificates are renewed in time. */
export function writeKeys(folder: string): KeyFiles {
  const files: KeyFiles = {
    privateKeyFile: (service) => join(folder, `${service}.pem`),
    trustedKeysFile: join(folder, 'trusted-keys.json'),
    tlsFiles: tlsFilesIn(join(folder, 'tls')),
  };
  mkdirSync(join(folder, 'tls'), { recursive: true, mode: 0o700 });
  writeCertificates(files, join(folder, 'tls', 'ca.key'));
  if (existsSync(files.trustedKeysFile)) return files;
  const { privateKeys, trustedKeys } = createServiceKeys();
  for (const [service, pem] of Object.entries(privateKeys))
    writeFileSync(files.privateKeyFile(service), pem, { mode: 0o600 });
  writeFileSync(files.trustedKeysFile, trustedKeys);
  return files;
}

function writeCertificates({ tlsFiles }: KeyFiles, authorityKeyFile: string): void {
  const authority = keptAuthority(tlsFiles('').caFile, authorityKeyFile);
  for (const name of CERTIFIED) {
    const { certFile, keyFile } = tlsFiles(name);
    if (existsSync(keyFile) && isKept(certFile, authority)) continue;
    const { cert, key } = authority.issue(name);
    writeFileSync(keyFile, key, { mode: 0o600 });
    writeFileSync(certFile, cert);
  }
}

/** The folder's authority; a new one at the first start and when the old one nears its end, and then new certificates too. */
function keptAuthority(certFile: string, keyFile: string): Authority {
  if (existsSync(keyFile) && existsSync(certFile)) {
    const kept = openAuthority({
      cert: readFileSync(certFile, 'utf8'),
      key: readFileSync(keyFile, 'utf8'),
    });
    if (isKept(certFile, kept)) return kept;
  }
  const authority = createAuthority();
  writeFileSync(keyFile, authority.key, { mode: 0o600 });
  writeFileSync(certFile, authority.cert);
  return authority;
}

// Renewed this early, a certificate outlives any run of the platform.
const LIFE_LEFT_MIN = 1 / 3;

function isKept(certFile: string, authority: Authority): boolean {
  if (!existsSync(certFile)) return false;
  const certificate = new X509Certificate(readFileSync(certFile));
  const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  return (
    certificate.checkIssued(new X509Certificate(authority.cert)) &&
    (to - Date.now()) / (to - from) > LIFE_LEFT_MIN
  );
}
