import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';

export type DnsType = 'A' | 'AAAA' | 'CNAME';

/** One record of an answer. `name` is the name that was asked unless said otherwise; `ttl` in seconds, by default 0. */
export type DnsRecord = { type: DnsType; data: string; name?: string; ttl?: number };

/** What a question gets. No records: the name exists without such an address. `silence`: nothing comes back at all. */
export type DnsAnswer = readonly DnsRecord[] | 'nxdomain' | 'servfail' | 'silence';

/** A name server with answers that a test sets, on a loopback port; other programs ask it over UDP as any other. */
export type DnsServer = {
  /** host:port, as `setServers` takes it. */
  address: string;
  /** What was asked, in order. */
  asked: { name: string; type: DnsType }[];
  /** Sets the answers for a name: `count` is 1 for its first question of that type, then 2 … Names not set do not exist. */
  script(name: string, answer: (type: DnsType, count: number) => DnsAnswer): void;
  close(): Promise<void>;
};

/** Starts it; the caller closes it. */
export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: DnsServer['asked'] = [];
  const scripts = new Map<string, (type: DnsType, count: number) => DnsAnswer>();
  socket.on('message', (packet, from) => {
    const question = readQuestion(packet);
    if (question === undefined) return;
    const { name, type } = question;
    asked.push({ name, type });
    const count = asked.filter((each) => each.name === name && each.type === type).length;
    const answer = scripts.get(name)?.(type, count) ?? 'nxdomain';
    if (answer !== 'silence') socket.send(writeReply(packet, question, answer), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    script: (name, answer) => void scripts.set(name.toLowerCase(), answer),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

// RFC 1035 §3.2.2 and RFC 3596.
const TYPE_NUMBERS: Readonly<Record<DnsType, number>> = { A: 1, CNAME: 5, AAAA: 28 };
const CLASS_IN = 1;
const HEADER_BYTES = 12;

type Question = { name: string; type: DnsType; end: number };

/** The one question of a query (RFC 1035 §4.1.2); undefined for a type we have no answers for. */
function readQuestion(packet: Buffer): Question | undefined {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = packet[at] ?? 0; length > 0; length = packet[at] ?? 0) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const number = packet.readUInt16BE(at + 1);
  const type = (['A', 'AAAA', 'CNAME'] as const).find((each) => TYPE_NUMBERS[each] === number);
  // Resolvers may vary the case of letters to make forging harder; names are the same in any.
  return type === undefined ? undefined : { name: labels.join('.').toLowerCase(), type, end: at + 5 };
}

function writeReply(query: Buffer, question: Question, answer: Exclude<DnsAnswer, 'silence'>): Buffer {
  const records = typeof answer === 'string' ? [] : answer;
  const code = answer === 'nxdomain' ? 3 : answer === 'servfail' ? 2 : 0;
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  // An answer, to a recursive query, by a server that recurses (RFC 1035 §4.1.1).
  header.writeUInt16BE(0x8180 | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  // The question goes back byte by byte as it came.
  const asked = query.subarray(HEADER_BYTES, question.end);
  return Buffer.concat([header, asked, ...records.map((record) => writeRecord(question.name, record))]);
}

function writeRecord(asked: string, { type, data, name = asked, ttl = 0 }: DnsRecord): Buffer {
  const content = type === 'CNAME' ? writeName(data) : writeAddress(data);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(TYPE_NUMBERS[type], 0);
  fixed.writeUInt16BE(CLASS_IN, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(content.length, 8);
  return Buffer.concat([writeName(name), fixed, content]);
}

function writeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(label, 'latin1'));
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), label]),
    Buffer.from([0]),
  ]);
}

/** An IPv4 address, or an IPv6 one with all of its eight groups or with `::`. */
function writeAddress(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser writes any form of it in groups.
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right === undefined || right === '' ? [] : right.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const groups = [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
  return Buffer.from(groups.flatMap((group) => [group >>> 8, group & 255]));
}
