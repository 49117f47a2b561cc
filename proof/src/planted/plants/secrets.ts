import type { Plant } from '../plant.ts';

/** What is sealed opens in its own place only, and neither cards nor secrets are written down (P13, P14). */
export const SECRET_PLANTS: readonly Plant[] = [
  {
    name: 'sealed-without-its-row',
    why: 'security row 34, I21: ciphertext moved to another account of the hotel opens there',
    edits: [
      {
        file: 'services/merchant/src/provider-accounts/sealed-credentials.ts',
        find: `  const { merchantId, providerAccountId, version } = row;
  return associatedData(
    'centra/merchant/provider-account/v1',
    merchantId,
    providerAccountId,
    field,`,
        replace: `  const { merchantId, version } = row;
  return associatedData(
    'centra/merchant/provider-account/v1',
    merchantId,
    field,`,
      },
    ],
    suite: {
      file: 'services/merchant/src/provider-accounts/get-provider-account.test.ts',
      test: 'the ciphertext of the same hotel’s other account, and of the other version',
    },
  },
  {
    name: 'associated-data-forgotten',
    why: 'security rows 34 and 48, I21: ciphertext is bound to nothing, so it opens wherever its key does',
    edits: [
      {
        file: 'packages/service-kit/src/seal.ts',
        find: 'clear: string | Buffer, bound: Buffer): string {',
        replace: 'clear: string | Buffer, _bound: Buffer): string {',
      },
      { file: 'packages/service-kit/src/seal.ts', find: '  cipher.setAAD(bound);\n', replace: '' },
      {
        file: 'packages/service-kit/src/seal.ts',
        find: 'sealed: string, bound: Buffer): Buffer {',
        replace: 'sealed: string, _bound: Buffer): Buffer {',
      },
      { file: 'packages/service-kit/src/seal.ts', find: '    decipher.setAAD(bound);\n', replace: '' },
    ],
    suite: {
      file: 'packages/service-kit/src/seal.test.ts',
      test: 'another key, and any other part of the binding, opens nothing',
    },
  },
  {
    name: 'authentication-tag-of-any-length',
    why: 'security row 47: Node takes a tag of 4 bytes unless told otherwise, and 4 bytes can be guessed',
    edits: [
      {
        file: 'packages/service-kit/src/seal.ts',
        find: 'exactly(NONCE_BYTES, nonce), { authTagLength: TAG_BYTES });',
        replace: 'exactly(NONCE_BYTES, nonce));',
      },
      {
        file: 'packages/service-kit/src/seal.ts',
        find: 'decipher.setAuthTag(exactly(TAG_BYTES, tag));',
        replace: `decipher.setAuthTag(Buffer.from(tag, 'base64url'));`,
      },
    ],
    suite: {
      file: 'packages/service-kit/src/seal.test.ts',
      test: 'a tag of 15, 12, 8, 4 or 0 bytes is refused, though Node itself would take a correct short one',
    },
  },
  {
    name: 'body-in-the-log',
    why: 'security row 54, I24: a hotel’s provider key is in the log of each refused request',
    edits: [
      {
        file: 'packages/service-kit/src/http.ts',
        find: `log.debug({ code: refusal.code, internal: refusal.message, requestId }, 'request refused');`,
        replace: `log.debug(
        { code: refusal.code, internal: refusal.message, requestId, received: JSON.stringify(request.body) },
        'request refused',
      );`,
      },
    ],
    suite: {
      file: 'services/merchant/src/leaks.test.ts',
      test: 'a running process at the most talkative level logs no secret, refusals and faults included, and stops cleanly',
    },
  },
  {
    name: 'card-number-in-metadata',
    why: 'security row 53: the hotel’s own values are not searched for card numbers',
    edits: [
      {
        file: 'packages/service-kit/src/card-data.ts',
        find: '      refuseCardData(item, itemPath);\n',
        replace: `      if (key === 'metadata') continue;
      refuseCardData(item, itemPath);
`,
      },
    ],
    suite: {
      file: 'services/payment-api/src/charges/create-charge.test.ts',
      test: '422: card data is refused wherever it stands, and is nowhere afterwards',
    },
  },
];
