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
  throw new Error(`not built yet: ${options.targets.length}`);
}
