import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { boundPort } from '@centra/service-kit/listen.ts';
import { breakOff, carry, MATCH_BYTES_MAX } from './fault-proxy-connection.ts';
import type { Connection, Faults } from './fault-proxy-connection.ts';

/** Where connections are passed on to. */
export type Target = { host: string; port: number };

/**
 * What goes wrong on a wire. `match` is text that the bytes towards the target must hold (a statement, `COMMIT`, a path);
 * absent, the next bytes do. `times` is how often it happens, 1 unless told otherwise.
 */
export type Fault =
  /** Each chunk waits so long, both ways. */
  | { kind: 'delay'; ms: number }
  /** Answers come in drops. */
  | { kind: 'slow'; bytesPerSecond: number }
  /** The matching bytes reach the target, and the connection breaks before it could answer. */
  | { kind: 'cut-after-request'; match?: string; times?: number }
  /** The target answers the matching bytes, the answer is thrown away, and then the connection breaks: as at COMMIT. */
  | { kind: 'lose-reply'; match?: string; times?: number }
  /** Connections of now end with a TCP reset; new ones pass. */
  | { kind: 'reset' }
  /** Connections of now and new ones are reset at once: nobody is there. */
  | { kind: 'refuse' }
  /** Connections stay and new ones are taken, but nothing passes, not even an end. */
  | { kind: 'half-open' };

export type FaultProxy = {
  port: number;
  /** The same URL or host:port, through the proxy. */
  through(address: string): string;
  /** From now on; replaces the fault before. */
  set(fault: Fault): void;
  /** Passes again. What was swallowed cannot be made up for: connections that lost bytes are reset. */
  clear(): void;
  /** New connections are spread over these, in turn; one that refuses is passed over. Old ones stay where they are. */
  setTargets(targets: readonly Target[]): void;
  /** Ends every connection with a reset. */
  breakAll(): void;
  /** How many connections are open now, and how often each kind of fault has struck. */
  openConnections(): number;
  struck(): Readonly<Record<string, number>>;
  close(): Promise<void>;
};

/** A TCP proxy on a loopback port of its own (or `port`) that fails on command. */
export async function startFaultProxy(options: {
  targets: readonly Target[];
  port?: number;
}): Promise<FaultProxy> {
  const connections = new Set<Connection>();
  const struck: Record<string, number> = {};
  const switches = createFaults(struck);
  const { faults } = switches;
  let targets = options.targets;
  let turn = 0;

  const take = async (inbound: Socket): Promise<void> => {
    inbound.on('error', () => {});
    let fault = faults.current();
    const outbound =
      fault?.kind === 'refuse' || fault?.kind === 'half-open' ? undefined : await dial(targets, (turn += 1));
    // It may have changed while we dialled.
    fault = faults.current();
    if (fault?.kind === 'refuse') faults.strike(fault);
    if (fault?.kind === 'refuse' || (outbound === undefined && fault?.kind !== 'half-open')) {
      breakOff(inbound);
      outbound?.destroy();
      return;
    }
    const connection = carry(inbound, outbound, faults, () => connections.delete(connection));
    connections.add(connection);
  };
  const reset = (isMeant: (connection: Connection) => boolean): number => {
    const meant = [...connections].filter(isMeant);
    for (const connection of meant) connection.reset();
    return meant.length;
  };

  // A half-closed connection is passed on as such. Nothing is read before the target is there to take it.
  const server = createServer(
    { allowHalfOpen: true, pauseOnConnect: true, noDelay: true },
    (inbound) => void take(inbound),
  );
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const port = boundPort(server);
  return {
    port,
    through: (address) => throughPort(address, port),
    set(fault) {
      switches.change(fault.kind === 'reset' ? undefined : fault);
      if (fault.kind !== 'half-open') reset((connection) => connection.hasLost());
      if (fault.kind !== 'reset' && fault.kind !== 'refuse') return;
      struck[fault.kind] = (struck[fault.kind] ?? 0) + reset(() => true);
    },
    clear() {
      switches.change(undefined);
      reset((connection) => connection.hasLost());
    },
    setTargets: (wanted) => void (targets = wanted),
    breakAll: () => void reset(() => true),
    openConnections: () => [...connections].filter((connection) => connection.isOpen()).length,
    struck: () => ({ ...struck }),
    async close() {
      switches.change({ kind: 'refuse' });
      reset(() => true);
      server.close();
      await once(server, 'close');
    },
  };
}

/** Where an address (`postgres://…`, `http://…`, `host:port`) leads to. */
export function targetOf(address: string): Target {
  const { hostname, port } = new URL(address.includes('://') ? address : `tcp://${address}`);
  if (hostname === '' || port === '') throw new Error(`${address} does not name a host and a port`);
  return { host: hostname, port: Number(port) };
}

/** The fault of the moment, and how often it still strikes. */
function createFaults(struck: Record<string, number>): {
  faults: Faults;
  change(fault: Fault | undefined): void;
} {
  let current: Fault | undefined;
  let timesLeft = Number.POSITIVE_INFINITY;
  const change = (fault: Fault | undefined): void => {
    const isLimited = fault?.kind === 'cut-after-request' || fault?.kind === 'lose-reply';
    if (isLimited && Buffer.byteLength(fault.match ?? '') > MATCH_BYTES_MAX)
      throw new Error(`a match of more than ${MATCH_BYTES_MAX} bytes is not looked for`);
    timesLeft = isLimited ? (fault.times ?? 1) : Number.POSITIVE_INFINITY;
    current = fault;
  };
  const strike = (fault: Fault): void => {
    struck[fault.kind] = (struck[fault.kind] ?? 0) + 1;
    timesLeft -= 1;
    if (timesLeft <= 0) current = undefined;
  };
  return { faults: { current: () => current, strike }, change };
}

// On the loopback interface a connection is there or refused at once; this only keeps a full queue from holding us for ever.
const DIAL_TIMEOUT_MS = 5_000;

/** A connection to the target whose turn it is, or to the next one that takes it; undefined when none does. */
async function dial(targets: readonly Target[], turn: number): Promise<Socket | undefined> {
  for (let tries = 0; tries < targets.length; tries += 1) {
    const target = targets[(turn + tries) % targets.length];
    if (target === undefined) return undefined;
    const socket = connect({ ...target, allowHalfOpen: true, noDelay: true });
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) });
      return socket;
    } catch {
      socket.on('error', () => {});
      socket.destroy();
    }
  }
  return undefined;
}

function throughPort(address: string, port: number): string {
  if (!address.includes('://')) return `127.0.0.1:${port}`;
  const url = new URL(address);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  const through = url.toString();
  // A URL object adds the empty path that the address may not have.
  return address.endsWith('/') ? through : through.replace(/\/$/, '');
}
