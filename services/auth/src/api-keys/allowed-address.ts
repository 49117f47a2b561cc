import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';

// A hotel's offices and hosting are a handful of networks; each request is compared with all of them.
const ADDRESSES_MAX = 50;
// The longest IPv6 address with its prefix length.
const TEXT_MAX_LENGTH = 43;

/** Addresses and networks that a key may be used from, each in its one canonical spelling. */
export const allowedAddressesSchema = z
  .array(
    z
      .string()
      .max(TEXT_MAX_LENGTH)
      .transform((text, context) => {
        const canonical = toCanonicalNetwork(text);
        if (canonical !== undefined) return canonical;
        context.addIssue({
          code: 'custom',
          message: 'must be an IP address or a network such as 192.0.2.0/24',
        });
        return z.NEVER;
      }),
  )
  .max(ADDRESSES_MAX)
  .refine((each) => new Set(each).size === each.length, 'must not repeat an address')
  .meta({
    description:
      'Addresses and networks (CIDR) that the key may be used from, 50 at most; empty for anywhere',
    example: ['203.0.113.7', '2001:db8:7::/48'],
  });

/**
 * The canonical spelling of an address or network: IPv6 as RFC 5952 writes it, a network of one address as that address.
 * Undefined for anything else, and for a network with host bits, whose writer meant either the address or the network.
 */
export function toCanonicalNetwork(text: string): string | undefined {
  const parts = /^([0-9a-fA-F.:]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text);
  const address = canonicalAddress(parts?.[1] ?? '');
  if (address === undefined) return undefined;
  const bits = isIPv4(address) ? 32 : 128;
  const prefix = parts?.[2] === undefined ? bits : Number(parts[2]);
  if (prefix > bits) return undefined;
  if (prefix === bits) return address;
  return valueOf(address) % (1n << BigInt(bits - prefix)) === 0n ? `${address}/${prefix}` : undefined;
}

/** An IPv4 address in IPv6's clothes is refused: a request is compared as IPv4, and would never match it. */
function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text)) return undefined;
  const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
  return canonical.startsWith('::ffff:') ? undefined : canonical;
}

function valueOf(address: string): bigint {
  if (isIPv4(address)) return address.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
  const [head = '', tail] = address.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const groups = [...before, ...zeros, ...after];
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function groupsOf(part: string): string[] {
  return part === '' ? [] : part.split(':');
}
