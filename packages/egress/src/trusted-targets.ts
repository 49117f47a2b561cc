/** `host:port` pairs that may be called although they are not public: receivers on a developer's machine. */
export type TrustedTargets = readonly string[];

// A developer runs a handful of receivers.
const TARGETS_MAX = 20;

/** Reads `host:port,host:port`; undefined when it is not that. */
export function parseTrustedTargets(text: string): TrustedTargets | undefined {
  const targets = text
    .split(',')
    .map((target) => target.trim().toLowerCase())
    .filter((target) => target !== '');
  const ok = targets.length <= TARGETS_MAX && targets.every(isTarget);
  return ok ? targets : undefined;
}

/** Exactly as URLs spell it, else it would silently never match. */
function isTarget(target: string): boolean {
  const url = `http://${target}/`;
  return /^[a-z0-9._:[\]-]+:\d{1,5}$/.test(target) && URL.canParse(url) && targetOf(new URL(url)) === target;
}

/** Whether exactly this host and port are on the list. */
export function isTrusted(targets: TrustedTargets, url: URL): boolean {
  return targets.includes(targetOf(url));
}

function targetOf(url: URL): string {
  return `${url.hostname}:${portOf(url)}`;
}

/** The port of an http or https URL. */
export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}
