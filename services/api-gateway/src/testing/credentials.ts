import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import type { CheckoutIdentity } from '@centra/service-kit/service-identity.ts';
import type { Door } from '../routes.ts';
import type { ApiKey, RealAuth } from './real-auth.ts';
import { createPerson, logIn } from './real-person.ts';
import type { Person } from './real-person.ts';

/** One of each kind, of one hotel with an owner. */
export type Credentials = {
  merchantId: string;
  owner: Person;
  key: ApiKey;
  /** An access token for the hotel. */
  token: string;
  /** One of a person who works nowhere. */
  tokenForNoHotel: string;
  /** The payment that the client secret opens. */
  objectId: string;
  clientSecret: string;
};

export async function createCredentials(auth: RealAuth): Promise<Credentials> {
  const key = await auth.createKey();
  const { merchantId } = key;
  const owner = await createPerson(auth, { merchantId });
  const stranger = await createPerson(auth);
  const objectId = toPublicId('pay', newUuid());
  return {
    merchantId,
    owner,
    key,
    token: await logIn(auth, owner, merchantId),
    tokenForNoHotel: await logIn(auth, stranger),
    objectId,
    clientSecret: clientSecret(auth, { merchantId, mode: 'test', objectId }),
  };
}

/** A client secret as payment-api signs it. */
export function clientSecret(auth: RealAuth, checkout: CheckoutIdentity, lifetimeS = 3_600): string {
  const signer = createSigner('payment-api', auth.keys.privateKeys['payment-api'] ?? '');
  return `cs_${checkout.mode}_${signer.checkoutToken(checkout, lifetimeS)}`;
}

/** What opens the door; nothing for one that needs nothing. */
export function opening(door: Door, credentials: Credentials): string | undefined {
  switch (door) {
    case 'hotel':
      return credentials.key.secret;
    case 'staff':
    case 'person':
      return credentials.token;
    case 'guest':
      return credentials.clientSecret;
    case 'public':
      return undefined;
    default:
      throw new Error(`unknown door ${String(door satisfies never)}`);
  }
}
