import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Canary } from '@centra/testkit/leak-scan.ts';
import { CARDS } from '../load/card.ts';
import type { Stage } from '../stage/stage.ts';

/** Published test numbers that the load does not use, so that a hit names its cause. */
export const CANARY_VISA = { number: '4000056655665556', type: 'visa', code: '831' } as const;
export const CANARY_AMEX = { number: '378282246310005', type: 'amex', code: '8317' } as const;

/** A webhook secret that nobody else has. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(16).toString('hex')}`;
}

/** Everything of a stage that must be nowhere but with its owners: card numbers, codes, keys of hotels, services and the keyring. */
export function canariesOf(stage: Pick<Stage, 'hotels' | 'keyringFile'>): Canary[] {
  const cards = [CANARY_VISA, CANARY_AMEX].map((card) => card.number);
  const numbers = new Set<string>([...cards, ...Object.values(CARDS).map((card) => card.number)]);
  return [
    ...[...numbers].map((value): Canary => ({ name: `card …${value.slice(-4)}`, kind: 'card', value })),
    ...codes(),
    ...stage.hotels.flatMap(({ name, apiKey, stripeKey, vaulteraKey }): Canary[] => [
      { name: `API key of ${name}`, kind: 'secret', value: apiKey },
      { name: `Stripe key of ${name}`, kind: 'secret', value: stripeKey },
      { name: `Vaultera key of ${name}`, kind: 'secret', value: vaulteraKey },
    ]),
    ...keyFiles(dirname(stage.keyringFile)),
  ];
}

/** Three digits alone are everywhere by chance; beside the name of their field they are not. */
function codes(): Canary[] {
  const { code } = CANARY_VISA;
  return ['service_code', 'security_code', 'cvc', 'cvv', 'cvv2', 'card[cvc]', 'card%5Bcvc%5D'].flatMap(
    (field) =>
      ['":"', '": "', '\\":\\"', '":', '=', ': '].map((between): Canary => ({
        name: `code beside ${field}`,
        kind: 'text',
        value: `${field}${between}${code}`,
      })),
  );
}

/** The private keys of the services and the operator, those to their certificates, and the master keys. */
function keyFiles(folder: string): Canary[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.flatMap(({ name, parentPath }): Canary[] => {
    const text = readFileSync(join(parentPath, name), 'utf8');
    if (/\.(?:pem|key)$/.test(name)) return privateKey(name, text);
    if (!name.endsWith('keyring.json')) return [];
    // Base64 in the file; the bytes themselves are what opens.
    return [...text.matchAll(/"([A-Za-z0-9+/]{43}=)"/g)].map(([, base64 = '']) => ({
      name: `master key of ${name}`,
      kind: 'secret',
      value: Buffer.from(base64, 'base64'),
    }));
  });
}

function privateKey(file: string, pem: string): Canary[] {
  const { d } = createPrivateKey(pem).export({ format: 'jwk' });
  if (typeof d !== 'string') throw new Error(`${file} holds no private key`);
  // The first line of the text is the same for all keys of this kind.
  const [, ...lines] = pem.split('\n').filter((line) => /^[A-Za-z0-9+/=]{16,}$/.test(line));
  return [
    { name: `private key ${file}`, kind: 'secret', value: Buffer.from(d, 'base64url') },
    ...lines.map((value): Canary => ({ name: `private key ${file}, as text`, kind: 'text', value })),
  ];
}
