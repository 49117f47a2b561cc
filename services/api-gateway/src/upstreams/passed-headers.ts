import type { IncomingHttpHeaders } from 'node:http';
import { CLIENT_ADDRESS_HEADER, IDENTITY_HEADER } from '@centra/service-kit/http.ts';

// What an upstream may see of the caller's own headers. All others end here: credentials, cookies, anything that
// pretends to come from us (`x-centra-*`, `x-forwarded-*`, `x-user-*`, `x-hotel-*`) and whatever is invented next.
const REQUEST_HEADERS: readonly string[] = [
  'accept',
  'content-type',
  'content-length',
  'transfer-encoding',
  'idempotency-key',
];

// What the caller may see of an upstream's headers.
const ANSWER_HEADERS: readonly string[] = [
  'content-type',
  'content-length',
  'transfer-encoding',
  'content-disposition',
  'cache-control',
  'etag',
  'location',
  'allow',
  'retry-after',
  'idempotent-replayed',
];

/** The whole head of the request to the upstream. */
export function headersForUpstream(
  given: IncomingHttpHeaders,
  own: {
    host: string;
    token: string;
    requestId: string;
    address: string;
    routeHeader: string | undefined;
    userAgent: string | undefined;
  },
): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {
    host: own.host,
    'x-request-id': own.requestId,
    [IDENTITY_HEADER]: own.token,
    [CLIENT_ADDRESS_HEADER]: own.address,
  };
  copy(REQUEST_HEADERS, given, headers);
  if (own.routeHeader !== undefined) copy([own.routeHeader], given, headers);
  if (own.userAgent !== undefined) headers['user-agent'] = plainUserAgent(own.userAgent);
  return headers;
}

// Browsers send about 120.
const USER_AGENT_MAX_LENGTH = 200;

/** People read it in a list: no more than fits there, and nothing that moves a cursor. */
function plainUserAgent(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '').slice(0, USER_AGENT_MAX_LENGTH);
}

/**
 * The upstream's part of the head of the answer. Connections are a matter between neighbours (RFC 9110 §7.6.1). A page
 * says itself what it may load, and a picture who may load it; everywhere else ours stands, which allows nothing.
 */
export function keepAnswerHeaders(
  given: IncomingHttpHeaders,
  { keepAlive, isPage, isPicture }: { keepAlive: boolean; isPage: boolean; isPicture: boolean },
): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = { connection: keepAlive ? 'keep-alive' : 'close' };
  copy(ANSWER_HEADERS, given, headers);
  if (isPage) copy(['content-security-policy'], given, headers);
  if (isPicture) copy(['cross-origin-resource-policy'], given, headers);
  return headers;
}

function copy(names: readonly string[], from: IncomingHttpHeaders, to: IncomingHttpHeaders): void {
  for (const name of names) {
    const value = from[name];
    if (value !== undefined) to[name] = value;
  }
}
