import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { BlockList, isIP } from 'node:net';
import type { Call } from '../call.ts';
import { queryValue } from '../call.ts';
import type { Config } from '../config.ts';
import { badRequest } from '../replies.ts';

export type Target = { url: URL; method: string };

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

/** Addresses only this machine answers on. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Addresses that are not on the public internet (IANA special-purpose registries): metadata services live here. */
const NOT_PUBLIC = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  NOT_PUBLIC.addSubnet(net, prefix, 'ipv4');
}
for (const [net, prefix] of [
  ['::', 128],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  NOT_PUBLIC.addSubnet(net, prefix, 'ipv6');
}

type TargetPolicy = Pick<Config, 'allowLoopbackTargets' | 'allowedTargetHosts'>;

/** Reads `method` and `url` and applies the rules a URL alone can break; names are checked when they resolve. */
export function targetOf(call: Pick<Call, 'query'>, policy: TargetPolicy): Target {
  const method = queryValue(call, 'method')?.toUpperCase();
  if (method === undefined) throw badRequest('method is missing');
  if (!METHODS.includes(method))
    throw badRequest(`method must be one of ${METHODS.join(', ').toLowerCase()}`);
  const text = queryValue(call, 'url');
  if (text === undefined || text === '') throw badRequest('url is missing');
  const url = URL.parse(text);
  if (url === null) throw badRequest('url is not a URL');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw badRequest('url must be https');
  if (url.username !== '' || url.password !== '') throw badRequest('url must not carry credentials');
  if (isAllowedHost(url, policy)) return { url, method };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const loopback = host === 'localhost' || isLoopback(host);
  if (url.protocol === 'http:' && !(loopback && policy.allowLoopbackTargets))
    throw badRequest('url must be https');
  if (isIP(host) !== 0 && isRefusedAddress(host, policy))
    throw badRequest('the target address is not allowed');
  return { url, method };
}

type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

export class RefusedTarget extends Error {}

/** A resolver that refuses a name as soon as one of its addresses is not allowed, at the moment of connecting. */
export function guardedLookup(policy: TargetPolicy, resolve: Resolve = systemLookup): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error) {
        done(error, []);
      } else if (
        !policy.allowedTargetHosts.some((host) => host.split(':')[0] === hostname) &&
        found.some(({ address }) => isRefusedAddress(address, policy))
      ) {
        done(new RefusedTarget(`${hostname} has an address that is not allowed`), []);
      } else {
        done(null, found);
      }
    });
  };
}

function isAllowedHost(url: URL, policy: TargetPolicy): boolean {
  return policy.allowedTargetHosts.includes(url.hostname) || policy.allowedTargetHosts.includes(url.host);
}

function isRefusedAddress(address: string, policy: TargetPolicy): boolean {
  if (isLoopback(address)) return !policy.allowLoopbackTargets;
  return NOT_PUBLIC.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function isLoopback(host: string): boolean {
  const version = isIP(host);
  return version !== 0 && LOOPBACK.check(host, version === 6 ? 'ipv6' : 'ipv4');
}
