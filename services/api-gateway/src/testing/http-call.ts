import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';

export type Answer = {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  json: Record<string, unknown>;
};
type Options = { method?: string; headers?: Record<string, string>; body?: string };

/** One request over a connection of its own. Rejects when the connection is lost. */
export async function call(url: string, options: Options = {}): Promise<Answer> {
  return await new Promise<Answer>((resolve, reject) => {
    const outgoing = request(
      url,
      { method: options.method ?? 'GET', headers: options.headers ?? {}, agent: false },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text,
            json: toJsonObject(text),
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

/** The members of a JSON object; none for any other text. */
export function toJsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** A request with a JSON body. */
export function jsonPost(secret: string, body: unknown, headers: Record<string, string> = {}): Options {
  const text = JSON.stringify(body);
  return {
    method: 'POST',
    headers: {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(text)),
      'idempotency-key': 'order-1',
      ...headers,
    },
    body: text,
  };
}

/** The credential as a header. */
export function bearer(secret: string): Record<string, string> {
  return { authorization: `Bearer ${secret}` };
}

/** Writes bytes as they are and reads until the server closes the connection. */
export async function sendRaw(port: number, bytes: string | Buffer): Promise<string> {
  return await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.on('close', () => resolve(text));
    // A server that refuses half-way may reset the rest; what it said before counts.
    socket.on('error', (error) => (text === '' ? reject(error) : resolve(text)));
  });
}

/** The status of a raw answer. */
export function rawStatus(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}
