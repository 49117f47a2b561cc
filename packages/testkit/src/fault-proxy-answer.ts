/** Follows what is said on one connection, to know when the target has answered. */
export type AnswerReader = {
  /** The next bytes of the client; the first of them show what kind of talk it is. */
  sawRequest(chunk: Buffer): void;
  /**
   * The next bytes of the target; whether an answer was complete within them. Postgres: they end with ReadyForQuery. TLS (gRPC):
   * a record that is too long for anything but an answer. Anything else: any bytes, since who answers has begun by acting.
   */
  sawAnswer(chunk: Buffer): boolean;
};

type Talk = 'postgres' | 'tls' | 'other';

export function createAnswerReader(): AnswerReader {
  let talk: Talk | undefined;
  let end: Buffer = Buffer.alloc(0);
  const sawRecords = createRecordReader();
  return {
    sawRequest: (chunk) => void (talk ??= talkOf(chunk)),
    sawAnswer(chunk) {
      if (talk === 'tls') return sawRecords(chunk);
      if (talk !== 'postgres') return true;
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
  if (first[0] === HANDSHAKE && first[1] === TLS_MAJOR) return 'tls';
  const version = first.length >= 8 ? first.readUInt16BE(4) : 0;
  return version === 3 || version === 1234 ? 'postgres' : 'other';
}

// RFC 8446, 5.1: type, version (2 bytes), length (2 bytes).
const RECORD_HEADER_BYTES = 5;
const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
const TLS_MAJOR = 3;
// What HTTP/2 says about itself is shorter: a ping is a frame of 17 bytes, two window updates of 26, and TLS 1.3 adds 17. Where
// the parts of an answer come in records of their own, its message makes one that is longer.
const TALK_BYTES_MAX = 43;

/** Whether a record began in the bytes that only an answer fills; who says so much during a handshake has not acted. */
function createRecordReader(): (chunk: Buffer) => boolean {
  let header: Buffer = Buffer.alloc(0);
  let payloadLeft = 0;
  return (chunk) => {
    let hasAnswer = false;
    for (let at = 0; at < chunk.length;) {
      if (payloadLeft > 0) {
        const skipped = Math.min(payloadLeft, chunk.length - at);
        payloadLeft -= skipped;
        at += skipped;
        continue;
      }
      const wanted = RECORD_HEADER_BYTES - header.length;
      header = Buffer.concat([header, chunk.subarray(at, at + wanted)]);
      at += wanted;
      if (header.length < RECORD_HEADER_BYTES) break;
      payloadLeft = header.readUInt16BE(3);
      if (header[0] === APPLICATION_DATA && payloadLeft > TALK_BYTES_MAX) hasAnswer = true;
      header = Buffer.alloc(0);
    }
    return hasAnswer;
  };
}
