/** On every answer. An upstream may only say something else about caching. */
export const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ['x-content-type-options', 'nosniff'],
  // Two years, the preload list's own minimum being one.
  ['strict-transport-security', 'max-age=63072000; includeSubDomains'],
  ['cache-control', 'no-store'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['referrer-policy', 'no-referrer'],
  ['permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=()'],
  ['cross-origin-resource-policy', 'same-origin'],
  // Whether Access-Control-Allow-Origin is sent depends on it.
  ['vary', 'Origin'],
];
