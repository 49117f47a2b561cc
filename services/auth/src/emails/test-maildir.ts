import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@centra/testkit/pause.ts';

/** A mail as its reader sees it. */
export type ReceivedMail = {
  to: string;
  from: string;
  subject: string;
  text: string;
  html: string;
  /** What stands behind `#token=` in its link; undefined in mails without. */
  token: string | undefined;
  /** The file as it is. */
  raw: string;
};

/** Every mail in a Maildir, as they came. */
export function mailsIn(maildir: string): ReceivedMail[] {
  return filesIn(maildir).map((name) => readMail(readFileSync(join(maildir, 'new', name), 'utf8')));
}

/** Waits for the mails to an address; `count` of them at least, and the newest last. */
export async function mailsTo(maildir: string, email: string, count = 1): Promise<ReceivedMail[]> {
  return await waitFor(`${count} mails`, async () => {
    const mails = mailsIn(maildir).filter(({ to }) => to === email);
    return mails.length >= count ? mails : undefined;
  });
}

function filesIn(maildir: string): string[] {
  try {
    return readdirSync(join(maildir, 'new')).toSorted();
  } catch {
    // Made with the first mail.
    return [];
  }
}

/** Takes apart what our composer writes: two parts of text in an alternative (RFC 2045, 2046, 2047). */
export function readMail(raw: string): ReceivedMail {
  const { headers, body } = splitPart(raw.replaceAll('\r\n', '\n'));
  const boundary = /boundary="([^"]+)"/.exec(headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) throw new Error('the mail has no alternatives');
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => splitPart(part.slice(1, -1)));
  const partOf = (type: string): string => {
    const part = parts.find((each) => each.headers['content-type']?.startsWith(type));
    if (part === undefined) throw new Error(`the mail has no ${type}`);
    return decodeBody(part.body, part.headers['content-transfer-encoding'] ?? '7bit');
  };
  const text = partOf('text/plain');
  return {
    to: headers['to'] ?? '',
    from: headers['from'] ?? '',
    subject: decodeWords(headers['subject'] ?? ''),
    text,
    html: partOf('text/html'),
    token: /#token=([A-Za-z0-9_-]+)/.exec(text)?.[1],
    raw,
  };
}

function splitPart(part: string): { headers: Record<string, string>; body: string } {
  const [head = '', ...rest] = part.split('\n\n');
  const lines = head.replaceAll(/\n[ \t]+/g, ' ').split('\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { headers: Object.fromEntries(headers), body: rest.join('\n\n') };
}

function decodeBody(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  return encoding === 'quoted-printable' ? decodeQuoted(body.replaceAll(/=\n/g, '')) : body;
}

function decodeQuoted(text: string): string {
  const bytes = text.replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function decodeWords(text: string): string {
  return text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?UTF-8\?([BQ])\?([^?]*)\?=/gi, (_all, kind: string, word: string) =>
      kind.toUpperCase() === 'B'
        ? Buffer.from(word, 'base64').toString('utf8')
        : decodeQuoted(word.replaceAll('_', ' ')),
    );
}
