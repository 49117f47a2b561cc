import { BlockList, isIP, isIPv4 } from 'node:net';

/** Answers whether a caller's address is on the list. */
export type AddressRule = (address: string) => boolean;

/**
 * The rule of a list of addresses and networks (CIDR); undefined for an empty list, which allows every address. An entry that
 * cannot be read allows nobody, and so does an address that is none.
 */
export function addressRule(allowed: readonly string[]): AddressRule | undefined {
  if (allowed.length === 0) return undefined;
  const list = new BlockList();
  for (const entry of allowed) addEntry(list, entry);
  return (address) => {
    const plain = withoutMapping(address);
    return isIP(plain) !== 0 && list.check(plain, familyOf(plain));
  };
}

function addEntry(list: BlockList, entry: string): void {
  const [text = '', prefix, ...rest] = entry.split('/');
  const address = withoutMapping(text);
  if (isIP(address) === 0 || rest.length > 0) return;
  const bits = isIPv4(address) ? 32 : 128;
  // A network that was written as IPv4 inside IPv6 is that IPv4 network: 96 bits less.
  const mappedBits = address === text ? 0 : 96;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) - mappedBits : -1;
  if (length >= 0 && length <= bits) list.addSubnet(address, length, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

/** `::ffff:203.0.113.7`, as a listener on both families names its IPv4 callers, is 203.0.113.7. */
function withoutMapping(address: string): string {
  const [, dotted, high = '', low = ''] =
    /^(?:0{0,4}:){2,5}ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i.exec(address) ?? [];
  if (dotted !== undefined) return dotted;
  if (high === '' || isIP(address) === 0) return address;
  const value = (Number.parseInt(high, 16) << 16) | Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}
