import type { Socket } from 'node:net';
import { createAnswerReader } from './fault-proxy-answer.ts';
import type { AnswerReader } from './fault-proxy-answer.ts';
import type { Fault } from './fault-proxy.ts';

/** What all connections of a proxy share. */
export type Faults = {
  /** What goes wrong at this moment. */
  current(): Fault | undefined;
  /** It has struck once; one that is limited in number may be over with that. */
  strike(fault: Fault): void;
};

export type Connection = {
  isOpen(): boolean;
  /** Whether bytes or an end were swallowed, so that it can never be whole again. */
  hasLost(): boolean;
  reset(): void;
};

type Wire = {
  inbound: Socket;
  /** Undefined when it was taken while nothing passed. */
  outbound: Socket | undefined;
  toTarget: Direction;
  toClient: Direction;
  faults: Faults;
  answers: AnswerReader;
  /** The last bytes of the client, for text that comes in pieces. */
  tail: Buffer;
  /** The answer is awaited, to be thrown away. */
  isMuted: boolean;
  hasLost: boolean;
};

type Direction = {
  source: Socket | undefined;
  sink: Socket | undefined;
  /** A chunk is kept back; what comes after it, an end too, waits. */
  isHolding: boolean;
  /** The end that waits. */
  afterwards: (() => void) | undefined;
};

/** Longer texts are not looked for: `match` is a name, a path or a statement's beginning. */
export const MATCH_BYTES_MAX = 256;

/** Carries bytes between both sockets, one chunk of at most 64 KiB under way in each direction. */
export function carry(
  inbound: Socket,
  outbound: Socket | undefined,
  faults: Faults,
  onGone: () => void,
): Connection {
  const wire: Wire = {
    inbound,
    outbound,
    toTarget: { source: inbound, sink: outbound, isHolding: false, afterwards: undefined },
    toClient: { source: outbound, sink: inbound, isHolding: false, afterwards: undefined },
    faults,
    answers: createAnswerReader(),
    tail: Buffer.alloc(0),
    isMuted: false,
    hasLost: outbound === undefined,
  };
  inbound.on('data', (chunk: Buffer) => towardsTarget(wire, chunk));
  outbound?.on('data', (chunk: Buffer) => towardsClient(wire, chunk));
  followEnd(wire, wire.toTarget, onGone);
  followEnd(wire, wire.toClient, onGone);
  inbound.resume();
  return {
    isOpen: () => !inbound.destroyed,
    hasLost: () => wire.hasLost || wire.isMuted,
    reset: () => resetBoth(wire),
  };
}

/** The end of one side becomes the end of the other, in the same manner. */
function followEnd(wire: Wire, direction: Direction, onGone: () => void): void {
  const { source, sink } = direction;
  const afterHolding = (pass: () => void): void => {
    if (direction.isHolding) direction.afterwards = pass;
    else pass();
  };
  const isSwallowed = (): boolean => {
    const isHalfOpen = wire.faults.current()?.kind === 'half-open';
    if (isHalfOpen) wire.hasLost = true;
    return isHalfOpen;
  };
  // What went wrong shows in `close`.
  source?.on('error', () => {});
  source?.on('end', () => afterHolding(() => void (isSwallowed() || sink?.end())));
  source?.on('close', (hadError) => {
    if (sink === undefined || sink.destroyed) onGone();
    else if (isSwallowed()) return;
    else if (hadError) breakOff(sink);
    else afterHolding(() => sink.destroySoon());
  });
}

function towardsTarget(wire: Wire, chunk: Buffer): void {
  wire.answers.sawRequest(chunk);
  const fault = wire.faults.current();
  const isHit = fault !== undefined && !wire.isMuted && isMeant(wire, fault, chunk);
  wire.tail = Buffer.concat([wire.tail, chunk.subarray(-MATCH_BYTES_MAX)]).subarray(-MATCH_BYTES_MAX);
  if (isHit) {
    wire.faults.strike(fault);
    wire.isMuted = true;
  }
  if (isHit && fault.kind === 'cut-after-request') {
    // The end of the one side lets what was written to the other still arrive.
    wire.outbound?.write(chunk);
    breakOff(wire.inbound);
  } else if (fault?.kind === 'delay') deliverLater(wire, wire.toTarget, chunk, fault);
  else deliver(wire, wire.toTarget, chunk);
}

/** Whether the bytes hold what the fault waits for; a text may have begun in bytes of before, but not have ended there. */
function isMeant({ tail }: Wire, fault: Fault, chunk: Buffer): boolean {
  if (fault.kind !== 'cut-after-request' && fault.kind !== 'lose-reply') return false;
  if (fault.match === undefined) return true;
  const from = Math.max(0, tail.length - Buffer.byteLength(fault.match) + 1);
  return Buffer.concat([tail, chunk]).includes(fault.match, from);
}

function towardsClient(wire: Wire, chunk: Buffer): void {
  const isAnswered = wire.answers.sawAnswer(chunk);
  const fault = wire.faults.current();
  if (wire.isMuted) {
    if (isAnswered) resetBoth(wire);
  } else if (fault?.kind === 'delay') deliverLater(wire, wire.toClient, chunk, fault);
  else if (fault?.kind === 'slow') deliverInDrops(wire, wire.toClient, chunk);
  else deliver(wire, wire.toClient, chunk);
}

/** Passes the chunk on and reads further when there is room for more. */
function deliver(wire: Wire, direction: Direction, chunk: Buffer): void {
  const { source, sink } = direction;
  const fault = wire.faults.current();
  direction.isHolding = false;
  if (fault?.kind === 'half-open' || sink === undefined) {
    if (fault !== undefined) wire.faults.strike(fault);
    wire.hasLost = true;
    source?.resume();
  } else if (!sink.writable || sink.write(chunk)) source?.resume();
  else {
    source?.pause();
    sink.once('drain', () => source?.resume());
  }
  direction.afterwards?.();
}

function hold(direction: Direction): void {
  direction.isHolding = true;
  direction.source?.pause();
}

type Delay = Extract<Fault, { kind: 'delay' }>;

function deliverLater(wire: Wire, direction: Direction, chunk: Buffer, fault: Delay): void {
  hold(direction);
  wire.faults.strike(fault);
  setTimeout(() => deliver(wire, direction, chunk), fault.ms);
}

// Twenty drops a second: often enough that a slow rate is no burst.
const DROP_INTERVAL_MS = 50;

function deliverInDrops(wire: Wire, direction: Direction, chunk: Buffer): void {
  hold(direction);
  let rest = chunk;
  const drop = (): void => {
    const { sink } = direction;
    const fault = wire.faults.current();
    if (fault?.kind !== 'slow' || sink === undefined || sink.destroyed || rest.length === 0) {
      deliver(wire, direction, rest);
      return;
    }
    wire.faults.strike(fault);
    // A drop is far smaller than what a socket holds; a client that does not read even that is waited for.
    if (!sink.writableNeedDrain) {
      const bytes = Math.max(1, Math.floor((fault.bytesPerSecond * DROP_INTERVAL_MS) / 1_000));
      sink.write(rest.subarray(0, bytes));
      rest = rest.subarray(bytes);
    }
    setTimeout(drop, rest.length === 0 ? 0 : DROP_INTERVAL_MS);
  };
  drop();
}

function resetBoth({ inbound, outbound }: Wire): void {
  breakOff(inbound);
  if (outbound !== undefined) breakOff(outbound);
}

/** Ends it with a reset. One whose end is just being sent is only closed: Node would fail to reset it, and never let go of it. */
export function breakOff(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
