import { BlockList, isIPv4, isIPv6 } from 'node:net';

/**
 * Whether nobody from outside may have us call this address: everything that IANA's special-purpose registries (RFC 6890 and
 * later) do not call globally reachable, an IPv6 form of such an IPv4 address, and what is no address.
 */
export function isForbiddenAddress(address: string): boolean {
  if (isIPv4(address)) return FORBIDDEN_V4.check(address, 'ipv4');
  // A zone (fe80::1%eth0) names an interface of this machine.
  if (!isIPv6(address) || address.includes('%')) return true;
  const groups = groupsOf(address);
  const inner = innerIpv4(groups);
  if (inner !== undefined) return FORBIDDEN_V4.check(inner, 'ipv4');
  // The written-out form: what the list compares then does not depend on how the address was spelled.
  const written = groups.map((group) => group.toString(16)).join(':');
  return !GLOBAL_UNICAST.check(written, 'ipv6') || FORBIDDEN_V6.check(written, 'ipv6');
}

// https://www.iana.org/assignments/iana-ipv4-special-registry, with all of multicast and everything reserved.
const FORBIDDEN_V4 = networks('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local: the metadata services of clouds, which hand out credentials.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // Public by its number, but inside Azure the platform's own service answers there.
  ['168.63.129.16', 32],
]);

// All that was ever given out to be reached from everywhere (RFC 4291 §2.4). Asked first, so that ::1, unique local,
// link-local, site-local, multicast, discard-only, local NAT64 and whatever comes to be reserved there are out by default.
const GLOBAL_UNICAST = networks('ipv6', [['2000::', 3]]);

// https://www.iana.org/assignments/iana-ipv6-special-registry, as far as it lies within 2000::/3.
const FORBIDDEN_V6 = networks('ipv6', [
  // Protocol assignments: Teredo, benchmarking, ORCHID.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
]);

function networks(family: 'ipv4' | 'ipv6', list: readonly (readonly [string, number])[]): BlockList {
  const blocked = new BlockList();
  for (const [network, bits] of list) blocked.addSubnet(network, bits, family);
  return blocked;
}

/** The IPv4 address that packets to this one end up at: mapped (RFC 4291), NAT64 (RFC 6052) or 6to4 (RFC 3056). */
function innerIpv4(groups: readonly number[]): string | undefined {
  const [first = 0, second = 0, third = 0] = groups;
  const start = groups.slice(0, 6).join();
  if (start === MAPPED || start === NAT64) return dotted(groups[6] ?? 0, groups[7] ?? 0);
  return first === 0x2002 ? dotted(second, third) : undefined;
}

const MAPPED = [0, 0, 0, 0, 0, 0xffff].join();
const NAT64 = [0x64, 0xff9b, 0, 0, 0, 0].join();

function dotted(high: number, low: number): string {
  return [high >>> 8, high & 255, low >>> 8, low & 255].join('.');
}

/** The eight groups of an address that is known to be one. */
function groupsOf(address: string): number[] {
  const tail = /\d+\.\d+\.\d+\.\d+$/.exec(address)?.[0];
  const [a = 0, b = 0, c = 0, d = 0] = tail?.split('.').map(Number) ?? [];
  const hexTail = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  const plain = tail === undefined ? address : address.slice(0, -tail.length) + hexTail;
  const [left = '', right] = plain.split('::');
  const before = parsed(left);
  const after = right === undefined ? [] : parsed(right);
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function parsed(groups: string): number[] {
  return groups === '' ? [] : groups.split(':').map((group) => Number.parseInt(group, 16));
}
