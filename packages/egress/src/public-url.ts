import { isIP } from 'node:net';
import { isForbiddenAddress } from './forbidden-address.ts';
import { isTrusted } from './trusted-targets.ts';
import type { TrustedTargets } from './trusted-targets.ts';

/** Why a URL is refused. For our log; the caller is only ever told that it is not allowed. */
export type UrlRefusal =
  | 'too_long'
  | 'not_a_url'
  | 'not_https'
  | 'port'
  | 'credentials'
  | 'fragment'
  | 'forbidden_address'
  | 'forbidden_name';

/** What we would call, as the parser understood it: use this and never the text again. */
export type CheckedUrl = { allowed: true; url: URL; trusted: boolean } | { allowed: false; why: UrlRefusal };

// What servers and proxies commonly take in a request line.
const URL_MAX_LENGTH = 2_048;

/**
 * Whether a URL that somebody gave us could be public by its form: https on port 443, a name or address of the internet, no
 * credentials, no fragment. Looks at what the WHATWG parser made of the text, since `https://0x7f.1` and
 * `https://①②⑦.0.0.1` are 127.0.0.1 only after it. Where the name leads, only the call itself can tell.
 */
export function checkPublicUrl(
  text: string,
  { trustedTargets = [] }: { trustedTargets?: TrustedTargets } = {},
): CheckedUrl {
  if (text.length > URL_MAX_LENGTH) return refused('too_long');
  // The parser drops tabs and line ends and trims blanks; none of them is in an honest address.
  if (/[\p{Cc}\p{Z}]/u.test(text) || !URL.canParse(text)) return refused('not_a_url');
  const url = new URL(text);
  if (url.href.length > URL_MAX_LENGTH) return refused('too_long');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return refused('not_https');
  if (url.username !== '' || url.password !== '') return refused('credentials');
  // An empty fragment leaves `hash` empty, and only the whole shows it.
  if (url.href.includes('#')) return refused('fragment');
  if (isTrusted(trustedTargets, url)) return { allowed: true, url, trusted: true };
  if (url.protocol !== 'https:') return refused('not_https');
  // The parser leaves the scheme's own port out.
  if (url.port !== '') return refused('port');
  return checkHost(url);
}

function checkHost(url: URL): CheckedUrl {
  const address = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) !== 0)
    return isForbiddenAddress(address)
      ? refused('forbidden_address')
      : { allowed: true, url, trusted: false };
  // One dot at the end says the same name, and certificates do not have it.
  const name = url.hostname.endsWith('.') ? url.hostname.slice(0, -1) : url.hostname;
  if (!isPublicName(name)) return refused('forbidden_name');
  url.hostname = name;
  return { allowed: true, url, trusted: false };
}

function refused(why: UrlRefusal): CheckedUrl {
  return { allowed: false, why };
}

// RFC 1035 §2.3.4.
const NAME_MAX_LENGTH = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

// Last labels that lead inside, or to nothing: special-use names (RFC 6761, 6762, 8375), ICANN's .internal, Kubernetes'
// .svc, and those that office networks and home routers use.
const INSIDE = new Set(
  'localhost internal svc local localdomain arpa invalid test lan intranet corp home private onion'.split(
    ' ',
  ),
);

function isPublicName(name: string): boolean {
  const labels = name.split('.');
  // A single label is looked up in the search domains, which are ours.
  if (labels.length < 2 || name.length > NAME_MAX_LENGTH) return false;
  return labels.every((label) => LABEL.test(label)) && !INSIDE.has(labels.at(-1) ?? '');
}
