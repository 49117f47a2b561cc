import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ConfigError } from '@centra/service-kit/env.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { LOCALES } from '../accounts/user.ts';
import type { MailConfig } from '../config.ts';
import { MailRefused, createPostOffice } from './post-office.ts';
import { renderEmail } from './render-email.ts';
import type { RenderedEmail } from './render-email.ts';
import { mailsIn, readMail } from './test-maildir.ts';
import { startTestSmtp } from './test-smtp.ts';
import type { TestSmtp } from './test-smtp.ts';

const folder = temporaryFolder('mail');
const config = (changes: Partial<MailConfig> = {}): MailConfig => ({
  smtpUrl: undefined,
  maildir: join(folder, 'mail'),
  from: 'Centra Payments <no-reply@centra.example>',
  dashboardUrl: 'https://dashboard.centra.example',
  ...changes,
});
const over = (url: string): MailConfig => config({ smtpUrl: new Secret(url) });

const mail = (locale: (typeof LOCALES)[number] = 'en'): RenderedEmail =>
  renderEmail({
    template: 'verify_email',
    locale,
    name: 'أمينة',
    dashboardUrl: 'https://dashboard.centra.example',
    link: 'https://dashboard.centra.example/verify-email#token=SECRET',
  });

let smtp: TestSmtp;
before(async () => {
  smtp = await startTestSmtp();
});
after(async () => {
  await smtp.close();
  rmSync(folder, { recursive: true, force: true });
});

const TO = 'amina@riad-atlas.example';

describe('a mail server', () => {
  test('gets the mail in every language as it was written', async () => {
    const office = createPostOffice(over(smtp.url));
    for (const locale of LOCALES) {
      await office.take(TO, mail(locale));
      const taken = smtp.mails.at(-1);
      assert.deepEqual([taken?.from, taken?.to], ['no-reply@centra.example', [TO]]);
      const { raw, token, ...read } = readMail(taken?.data ?? '');
      assert.deepEqual(read, {
        ...mail(locale),
        to: TO,
        from: 'Centra Payments <no-reply@centra.example>',
      });
      assert.equal(token, 'SECRET');
      assert.match(raw, /^Auto-Submitted: auto-generated$/m);
      assert.match(raw, /^Message-ID: <[^>]+@centra\.example>$/im);
      // RFC 5322 §2.1.1 and RFC 2045 §2.7: lines of ASCII, none too long.
      assert.ok(raw.split(/\r?\n/).every((line) => line.length <= 998 && /^[\x20-\x7e]*$/.test(line)));
    }
  });

  test('an address never becomes two, nor a header', async () => {
    const office = createPostOffice(over(smtp.url));
    const hostile = [
      'a@riad-atlas.example, all@riad-atlas.example',
      'a@riad-atlas.example\r\nBcc: all@riad-atlas.example',
      'a@riad-atlas.example>\r\nRCPT TO:<all@riad-atlas.example',
    ];
    for (const to of hostile) {
      const earlier = smtp.mails.length;
      await office.take(to, mail()).catch(() => undefined);
      for (const taken of smtp.mails.slice(earlier)) {
        assert.ok(taken.to.length === 1 && taken.to[0] !== 'all@riad-atlas.example');
        assert.doesNotMatch(taken.data, /^Bcc:/im);
      }
    }
    assert.ok(smtp.commands.every((line) => !line.startsWith('RCPT TO:<all@')));
  });

  test('that turns an address away for good is told apart from one that is busy', async () => {
    const office = createPostOffice(over(smtp.url));
    smtp.answerNext('RCPT', `550 no such person ${TO}`);
    await assert.rejects(office.take(TO, mail()), MailRefused);
    for (const [command, answer] of [
      ['RCPT', '451 later'],
      ['MAIL', '421 busy'],
      ['DATA', '451 later'],
      ['.', '452 full'],
      ['.', '554 looks like spam'],
    ] as const) {
      smtp.answerNext(command, answer);
      await assert.rejects(
        office.take(TO, mail()),
        (error) => error instanceof Error && !(error instanceof MailRefused),
        answer,
      );
    }
    const earlier = smtp.mails.length;
    await office.take(TO, mail());
    assert.equal(smtp.mails.length, earlier + 1);
  });

  test('its words are kept out of our errors', async () => {
    smtp.answerNext('RCPT', `451 ${TO} SECRET`);
    const failed = await createPostOffice(over(smtp.url))
      .take(TO, mail())
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    assert.ok(failed instanceof Error);
    assert.equal(failed.message, 'the mail was not taken: EENVELOPE, answer 451');
    assert.doesNotMatch(failed.stack ?? '', /SECRET|amina/);
    assert.equal(failed.cause, undefined);
  });

  test('that is away makes an error that can be tried again', async () => {
    const gone = await startTestSmtp();
    await gone.close();
    await assert.rejects(createPostOffice(over(gone.url)).take(TO, mail()), /ECONN|ESOCKET/);
  });

  test('elsewhere than on this machine gets nothing without TLS', async () => {
    // Resolved by the system to this machine, and named as another one would be.
    const plain = smtp.url.replace('127.0.0.1', 'localhost.');
    const earlier = smtp.mails.length;
    await assert.rejects(createPostOffice(over(plain)).take(TO, mail()), /ETLS|ESOCKET|EDNS|ECONN|STARTTLS/);
    assert.equal(smtp.mails.length, earlier);
  });
});

test('an SMTP_URL that cannot be read stops the start, and is not said back', () => {
  for (const url of ['smtp://', 'smtp://user:hunter2@', 'smtps://:99999'])
    assert.throws(
      () => createPostOffice(over(url)),
      (error) => error instanceof ConfigError && !error.message.includes('hunter2'),
      url,
    );
});

describe('a maildir', () => {
  test('holds each mail whole, in the order they came, for its owner’s eyes only', async () => {
    const own = config({ maildir: join(folder, 'deep', 'own') });
    const office = createPostOffice(own);
    for (const locale of LOCALES) await office.take(TO, mail(locale));
    assert.deepEqual(
      mailsIn(own.maildir).map(({ subject }) => subject),
      LOCALES.map((locale) => mail(locale).subject),
    );
    assert.deepEqual(readdirSync(join(own.maildir, 'tmp')), []);
    for (const name of readdirSync(join(own.maildir, 'new'))) {
      assert.equal(statSync(join(own.maildir, 'new', name)).mode & 0o777, 0o600);
      assert.match(
        readFileSync(join(own.maildir, 'new', name), 'latin1'),
        /^To: amina@riad-atlas\.example$/m,
      );
    }
  });
});
