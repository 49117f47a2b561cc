/** Follows what is said on one connection, to know when the target has answered. */
export type AnswerReader = {
  /** The next bytes of the client; the first of them show what kind of talk it is. */
  sawRequest(chunk: Buffer): void;
  /**
   * The next bytes of the target; whether an answer was complete within them. Postgres: they end with ReadyForQuery. HTTP/2
   * (gRPC): a stream was ended or reset, whichever it was. Anything else: any bytes, since who answers has begun by acting.
   */
  sawAnswer(chunk: Buffer): boolean;
};

type Talk = 'postgres' | 'http2' | 'other';

export function createAnswerReader(): AnswerReader {
  let talk: Talk | undefined;
  let end: Buffer = Buffer.alloc(0);
  // A server of HTTP/2 may speak before the client has: its frames are followed until it is known to be something else.
  const sawFrames = createFrameReader();
  return {
    sawRequest: (chunk) => void (talk ??= talkOf(chunk)),
    sawAnswer(chunk) {
      if (talk === undefined || talk === 'http2') return sawFrames(chunk) || talk === undefined;
      if (talk === 'other') return true;
      end = Buffer.concat([end, chunk.subarray(-READY_BYTES)]).subarray(-READY_BYTES);
      return end.length === READY_BYTES && end[0] === READY && end.readUInt32BE(1) === READY_BYTES - 1;
    },
  };
}

// ReadyForQuery: 'Z', a length of 5 that counts itself, and one letter for the state of the transaction.
const READY = 'Z'.charCodeAt(0);
const READY_BYTES = 6;

/** A client of Postgres begins with a length and version 3, or with one of the requests that are numbered 1234.x. */
function talkOf(first: Buffer): Talk {
  if (first.subarray(0, 4).toString('latin1') === 'PRI ') return 'http2';
  const version = first.length >= 8 ? first.readUInt16BE(4) : 0;
  return version === 3 || version === 1234 ? 'postgres' : 'other';
}

// RFC 9113, 4.1: length (3 bytes), type, flags, stream (4 bytes).
const FRAME_HEADER_BYTES = 9;
const DATA = 0x00;
const HEADERS = 0x01;
const RST_STREAM = 0x03;
const END_STREAM = 0x01;

/** Whether a frame that ends a stream began in the bytes; gRPC's last frame is HEADERS with the status. */
function createFrameReader(): (chunk: Buffer) => boolean {
  let header: Buffer = Buffer.alloc(0);
  let payloadLeft = 0;
  return (chunk) => {
    let hasEnd = false;
    for (let at = 0; at < chunk.length;) {
      if (payloadLeft > 0) {
        const skipped = Math.min(payloadLeft, chunk.length - at);
        payloadLeft -= skipped;
        at += skipped;
        continue;
      }
      const wanted = FRAME_HEADER_BYTES - header.length;
      header = Buffer.concat([header, chunk.subarray(at, at + wanted)]);
      at += wanted;
      if (header.length < FRAME_HEADER_BYTES) break;
      const [type = 0, flags = 0] = header.subarray(3, 5);
      if (type === RST_STREAM || ((type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0))
        hasEnd = true;
      payloadLeft = header.readUIntBE(0, 3);
      header = Buffer.alloc(0);
    }
    return hasEnd;
  };
}
