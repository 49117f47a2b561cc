import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { CERTIFIED, createAuthority, openAuthority, writeCertificates } from './certificates.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('each name gets a certificate of its own, issued by the authority and by no other', () => {
  const authority = createAuthority();
  const root = new X509Certificate(authority.cert);
  assert.equal(root.ca, true);
  const serials = new Set<string>();
  for (const name of CERTIFIED) {
    const { cert, key } = authority.issue(name);
    const certificate = new X509Certificate(cert);
    serials.add(certificate.serialNumber);
    assert.equal(certificate.ca, false);
    assert.equal(certificate.checkPrivateKey(createPrivateKey(key)), true);
    assert.equal(certificate.checkIssued(root) && certificate.verify(root.publicKey), true);
    assert.equal(certificate.verify(new X509Certificate(createAuthority().cert).publicKey), false);
    assert.equal(
      certificate.subjectAltName,
      `URI:spiffe://centra.payments/${name}, DNS:${name}, DNS:localhost, IP Address:127.0.0.1`,
    );
  }
  assert.equal(serials.size, CERTIFIED.length);
});

test('times of any century are written as they are meant', () => {
  const authority = createAuthority();
  for (const year of [1999, 2026, 2049, 2050, 2123]) {
    const at = new Date(Date.UTC(year, 11, 31, 23, 59, 58));
    const { cert } = authority.issue('auth', { notBefore: new Date(Date.UTC(1980)), notAfter: at });
    assert.deepEqual(new X509Certificate(cert).validToDate, at);
  }
});

test('an authority that was kept issues as before', () => {
  const made = createAuthority();
  const { cert } = openAuthority(made).issue('auth');
  const root = new X509Certificate(made.cert);
  assert.equal(new X509Certificate(cert).checkIssued(root), true);
  assert.equal(new X509Certificate(cert).verify(root.publicKey), true);
});

test('private keys are for their owner only', () => {
  const folder = temporaryFolder('certificates');
  const files = writeCertificates(folder, createAuthority(), ['auth']);
  assert.equal(statSync(files('auth').keyFile).mode & 0o777, 0o600);
  rmSync(folder, { recursive: true });
});
