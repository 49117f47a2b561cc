import type { Identity, Signer, UserIdentity } from '@centra/service-kit/service-identity.ts';
import type { Door, UpstreamName } from '../routes.ts';
import type { CredentialKind } from './credential.ts';

/** Who came in, as far as the credential proved it. */
export type Entrant = { identity: Identity | undefined; user: UserIdentity | undefined };

type DoorRule = {
  /** Every other credential is 401 here, however good it is elsewhere. */
  takes: readonly CredentialKind[];
  /** The signed word on the caller that the service gets. */
  vouch(signer: Signer, upstream: UpstreamName, entrant: Entrant): string;
  /** Who holds the place of a request at a service; see `upstreams/upstream.ts`. */
  holder(entrant: Entrant): string;
  /**
   * Whether answers count for the service's breaker. A hotel is our customer; anybody can open an account or hold a client
   * secret, and must not be able to shut the door on the hotels, for example with bodies that never end.
   */
  isKnown: boolean;
};

/** What each kind of route takes and gives: the whole difference between them. */
export const DOORS: Readonly<Record<Door, DoorRule>> = {
  hotel: {
    takes: ['api_key', 'access_token'],
    vouch: vouchForIdentity,
    holder: (entrant) => identityIn(entrant).merchantId,
    isKnown: true,
  },
  staff: {
    takes: ['access_token'],
    vouch: vouchForIdentity,
    holder: (entrant) => identityIn(entrant).merchantId,
    isKnown: true,
  },
  person: {
    takes: ['access_token'],
    vouch: (signer, upstream, entrant) => signer.userToken(upstream, userIn(entrant)),
    holder: (entrant) => userIn(entrant).userId,
    isKnown: false,
  },
  guest: {
    takes: ['client_secret'],
    vouch: vouchForIdentity,
    holder: (entrant) => objectIn(entrant),
    isKnown: false,
  },
  public: {
    takes: [],
    // There is nobody to vouch for: this token says only that the request came through this door.
    vouch: (signer, upstream) => signer.serviceToken(upstream),
    // All of them together, as if they were one.
    holder: () => '',
    isKnown: false,
  },
};

function vouchForIdentity(signer: Signer, upstream: UpstreamName, entrant: Entrant): string {
  return signer.identityToken(upstream, identityIn(entrant));
}

/** The hotel's credential; throws where authenticate() and authorize() are not in front. */
export function identityIn({ identity }: Entrant): Identity {
  if (identity === undefined) throw new Error('nobody was authenticated for a hotel');
  return identity;
}

/** The person; throws likewise. */
export function userIn({ user }: Entrant): UserIdentity {
  if (user === undefined) throw new Error('no person was authenticated');
  return user;
}

/** The one object that the client secret opens; throws likewise. */
export function objectIn({ identity }: Entrant): string {
  if (identity?.objectId === undefined) throw new Error('no client secret was authenticated');
  return identity.objectId;
}
