import { BlockList, connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { buildConnector } from 'undici';

/** Where a call goes: one address that was checked, under the name that the certificate must be for. */
export type Destination = {
  /** A name or an address, without brackets. */
  host: string;
  port: number;
  /** The only address that is connected to; undefined leaves it to the system, for trusted targets. */
  pinned: string | undefined;
  secure: boolean;
};

/** How far a connection came, which tells one failure from another. `strayed`: it ended up at another address. */
export type Progress = { stage: 'tcp' | 'tls' | 'open'; timedOut: boolean; strayed: boolean };

export type Dial = (options: { host: string; port: number }) => Socket;

// Half the earth away a TCP and a TLS handshake take under a second together.
const CONNECT_TIMEOUT_MS = 3_000;

export const dialTcp: Dial = (options) => connectTcp(options);

/**
 * Connects to the pinned address and to no other, looks at where the socket really is before the first byte is sent, and
 * then speaks TLS for the name. Calls back once.
 */
export function connectPinned(
  to: Destination,
  options: { dial: Dial; ca: string | undefined; progress: Progress },
  done: buildConnector.Callback,
): void {
  const { progress } = options;
  const tcp = options.dial({ host: to.pinned ?? to.host, port: to.port });
  const settle = settleOnce(tcp, progress, done);
  tcp.once('error', settle.failed);
  tcp.once('connect', () => {
    if (to.pinned !== undefined && !isSameAddress(tcp.remoteAddress, to.pinned)) {
      progress.strayed = true;
      settle.failed(new Error('the socket is not at the address that was checked'));
    } else if (to.secure) {
      progress.stage = 'tls';
      const tls = startTls(tcp, to, options.ca);
      tls.once('error', settle.failed);
      // A peer that hangs up in the handshake ends the socket without an error of its own.
      tls.once('close', () => settle.failed(new Error('the peer hung up during the TLS handshake')));
      tls.once('secureConnect', () => settle.opened(tls));
    } else {
      settle.opened(tcp);
    }
  });
}

type Settle = { opened(socket: Socket): void; failed(error: Error): void };

/** Whatever comes first counts: open, an error, or the time being up. */
function settleOnce(tcp: Socket, progress: Progress, done: buildConnector.Callback): Settle {
  let settled = false;
  const timer = setTimeout(() => {
    progress.timedOut = true;
    failed(new Error('the connection took too long'));
  }, CONNECT_TIMEOUT_MS);
  function failed(error: Error): void {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    // TLS over it ends with it.
    tcp.destroy();
    done(error, null);
  }
  function opened(socket: Socket): void {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    progress.stage = 'open';
    done(null, socket);
  }
  return { opened, failed };
}

function startTls(tcp: Socket, { host }: Destination, ca: string | undefined): Socket {
  return connectTls({
    socket: tcp,
    host,
    // An address is no server name (RFC 6066 §3); the certificate must name it all the same.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    // Said here, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot say otherwise.
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
  });
}

function isSameAddress(actual: string | undefined, expected: string): boolean {
  if (actual === undefined) return false;
  // Compared as the numbers they are: `::0001` and `::1` are one address.
  const only = new BlockList();
  only.addAddress(expected, familyOf(expected));
  return only.check(actual, familyOf(actual));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
