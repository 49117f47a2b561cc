/** What a caller may show, each for its own kind of route. */
export type CredentialKind = 'api_key' | 'access_token' | 'client_secret';

export type Credential = {
  kind: CredentialKind;
  /** The whole text; of a client secret, only the signed token in it. */
  text: string;
  /** Of a client secret, the mode that it says to be for. */
  mode: 'test' | 'live' | undefined;
};

// What ours look like: `ck_<mode>_…`, `cs_<mode>_<token>` and a token, which is three parts in base64url. The first is of
// the length that auth makes; the others hold a few names and ids.
const CREDENTIAL =
  /^Bearer +(?:(ck_(?:test|live)_[A-Za-z0-9_-]{8,200})|(?:cs_(test|live)_)?(eyJ[\w-]{10,500}\.[\w-]{10,1500}\.[\w-]{43,200}))$/i;

/** Undefined for whatever is none of ours: it is refused without asking anyone, with the same answer. */
export function readCredential(authorization: string | undefined): Credential | undefined {
  const found = CREDENTIAL.exec(authorization ?? '');
  if (found === null) return undefined;
  const [, key, mode, token = ''] = found;
  if (key !== undefined) return { kind: 'api_key', text: key, mode: undefined };
  if (mode === undefined) return { kind: 'access_token', text: token, mode };
  return { kind: 'client_secret', text: token, mode: mode === 'live' ? 'live' : 'test' };
}
