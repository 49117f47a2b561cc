import { keccak_256 as keccak256 } from '@noble/hashes/sha3.js';

const ZERO = /^0x0{40}$/;
// Every TIP-20 token lies below these twelve bytes, and refuses to be a recipient.
const TOKEN = /^0x20c0{21}/i;
// The chain's own contracts: what they receive, nobody can send on.
const SYSTEM = /^0x(?:20fc|feec|dec0|403c|b10c|fdc0)0{36}$/i;

/**
 * Why money must not be sent to an address of the right form; undefined when nothing speaks against it. Capital letters
 * are its checksum (EIP-55); an address all in one case carries none.
 */
export function flawOfReceivingAddress(address: string): string | undefined {
  if (ZERO.test(address)) return 'is the zero address: what is sent there is lost';
  if (TOKEN.test(address)) return 'is the address of a token, not of a wallet';
  if (SYSTEM.test(address)) return 'is an address of the network itself, not of a wallet';
  if (isMixedCase(address) && address !== withChecksum(address))
    return 'has a typing error: its capital letters do not match. Copy it again from your wallet';
  return undefined;
}

function isMixedCase(address: string): boolean {
  const digits = address.slice(2);
  return digits !== digits.toLowerCase() && digits !== digits.toUpperCase();
}

/** The address with each letter's case taken from the hash of the address, as EIP-55 says. */
export function withChecksum(address: string): string {
  const digits = address.slice(2).toLowerCase();
  const hash = Buffer.from(keccak256(Buffer.from(digits, 'ascii'))).toString('hex');
  const cased = Array.from(digits, (digit, at) =>
    Number.parseInt(hash[at] ?? '0', 16) >= 8 ? digit.toUpperCase() : digit,
  );
  return `0x${cased.join('')}`;
}
