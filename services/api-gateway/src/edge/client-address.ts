import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { BlockList } from 'node:net';

// Longer chains of proxies do not exist in earnest.
const HOPS_MAX = 16;

/**
 * Who is at the other end. Only a trusted proxy's X-Forwarded-For is read, from its right end: the first address
 * that is not a trusted proxy itself. What stands further left was written by that caller and proves nothing.
 */
export function clientAddress(request: IncomingMessage, trusted: BlockList | undefined): string {
  const peer = plainAddress(request.socket.remoteAddress ?? '');
  if (trusted === undefined || !isTrusted(trusted, peer)) return peer;
  const header = request.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').slice(-HOPS_MAX);
  let address = peer;
  for (const hop of hops.toReversed()) {
    const candidate = plainAddress(hop.trim());
    if (isIP(candidate) === 0) return address;
    address = candidate;
    if (!isTrusted(trusted, candidate)) return address;
  }
  return address;
}

/** An IPv4 address that arrived on an IPv6 socket is written like any other IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

function isTrusted(trusted: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && trusted.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

const IPV6_NETWORK_GROUPS = 4;

/** What one household or server can choose from counts as one caller: an IPv6 address by its /64 network. */
export function addressForLimit(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(8 - left.length - right.length, 0);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  // `0db8` and `db8` are the same group.
  const network = groups
    .slice(0, IPV6_NETWORK_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
