import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '@centra/service-kit/env.ts';
import type { Secret } from '@centra/service-kit/secret.ts';
import { createTransport } from 'nodemailer';
import type { SendMailOptions } from 'nodemailer';
import type { MailConfig } from '../config.ts';
import type { RenderedEmail } from './render-email.ts';

/** Takes mails: a mail server, or a folder in development. */
export type PostOffice = {
  /** Resolves when the mail is taken. Rejects with MailRefused when it never will be, with another error when it may be later. */
  take(to: string, mail: RenderedEmail): Promise<void>;
};

/** The mail server will not take mail for this address, however often it is asked. */
export class MailRefused extends Error {
  override name = 'MailRefused';
}

/** Throws ConfigError for an SMTP_URL that cannot be read. */
export function createPostOffice(config: MailConfig): PostOffice {
  return config.smtpUrl === undefined ? maildir(config) : mailServer(config, config.smtpUrl);
}

function toMessage(config: MailConfig, to: string, mail: RenderedEmail): SendMailOptions {
  return {
    from: config.from,
    // An object is not parsed: whatever stands in it stays one address.
    to: { name: '', address: to },
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    // RFC 3834: nobody's holiday notice answers us.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

// A server that does not answer within this is away; the queue tries again.
const CONNECT_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 20_000;

function mailServer(config: MailConfig, smtpUrl: Secret): PostOffice {
  const transport = createTransport({
    ...smtpOptions(smtpUrl),
    dnsTimeout: CONNECT_TIMEOUT_MS,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    logger: false,
  });
  return {
    async take(to, mail) {
      try {
        await transport.sendMail(toMessage(config, to, mail));
      } catch (error) {
        throw isFinal(error) ? new MailRefused('the mail server refuses the address') : withoutWords(error);
      }
    },
  };
}

type SmtpOptions = {
  host: string;
  port: number;
  secure: boolean;
  requireTLS: boolean;
  tls: { minVersion: 'TLSv1.2' };
  auth?: { user: string; pass: string };
};

/** TLS from the first byte (smtps) or before anything is said (smtp, STARTTLS); without it only to this machine itself. */
function smtpOptions(smtpUrl: Secret): SmtpOptions {
  const text = smtpUrl.reveal();
  if (!URL.canParse(text)) throw new ConfigError('SMTP_URL is not a URL');
  const url = new URL(text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '') throw new ConfigError('SMTP_URL names no host');
  const secure = url.protocol === 'smtps:';
  return {
    host,
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: !secure && !isLoopback(host),
    tls: { minVersion: 'TLSv1.2' },
    ...(url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** RFC 5321 §4.2.1: 5yz to the envelope is an answer for good. To anything else, such as our password, it is our trouble. */
function isFinal(error: unknown): boolean {
  return codeOf(error) === 'EENVELOPE' && (numberOf(error) ?? 0) >= 500;
}

/** What went wrong, without the server's own words: they may quote the address or the mail, and errors are stored. */
function withoutWords(error: unknown): Error {
  const number = numberOf(error);
  return new Error(
    `the mail was not taken: ${codeOf(error) ?? 'unknown'}${number === undefined ? '' : `, answer ${number}`}`,
  );
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function numberOf(error: unknown): number | undefined {
  return error instanceof Error && 'responseCode' in error && typeof error.responseCode === 'number'
    ? error.responseCode
    : undefined;
}

/** A folder in Maildir form: what appears in `new` is whole, and only its owner reads it. */
function maildir(config: MailConfig): PostOffice {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
  let taken = 0;
  return {
    async take(to, mail) {
      const { message } = await composer.sendMail(toMessage(config, to, mail));
      for (const folder of ['tmp', 'new', 'cur'])
        await mkdir(join(config.maildir, folder), { recursive: true, mode: 0o700 });
      // Names sort as mails came, also within a millisecond.
      taken += 1;
      const name = `${Date.now()}.${String(taken).padStart(9, '0')}.${randomUUID()}.eml`;
      const draft = join(config.maildir, 'tmp', name);
      await writeFile(draft, message, { mode: 0o600, flag: 'wx' });
      await rename(draft, join(config.maildir, 'new', name));
    },
  };
}
