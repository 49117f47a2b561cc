import assert from 'node:assert/strict';
import { after, before, describe, mock, test } from 'node:test';
import { createLog, errorForLog } from '@centra/service-kit/log.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import request from 'supertest';
import type { Auth } from '../service.ts';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { allMailsTo, asAnyone, newEmail, registerUnverified } from '../testing-accounts.ts';
import { mailsTo, readMail } from './test-maildir.ts';
import { startTestSmtp } from './test-smtp.ts';
import type { TestSmtp } from './test-smtp.ts';

type Row = Record<string, unknown>;

const PASSWORD = 'five otters paddle at dawn';

const jobs = async (service: TestAuth): Promise<Row[]> =>
  await service.sql(
    `select id::int, attempts, max_attempts as most, last_error as error, payload from graphile_worker._private_jobs order by id`,
  );
const jobsGone = async (service: TestAuth): Promise<void> =>
  void (await waitFor('an empty queue', async () => ((await jobs(service)).length === 0 ? true : undefined)));
const verify = async (service: TestAuth, token: string | undefined, replica?: Auth): Promise<number> =>
  (await asAnyone(service, replica).post('/v1/auth/verify-email').send({ token, password: PASSWORD })).status;
const registerAt = async (service: TestAuth, replica: Auth, email: string): Promise<void> => {
  const body = { email, password: PASSWORD, name: 'Amina Haddad' };
  await asAnyone(service, replica).post('/v1/auth/register').send(body).expect(202);
};
const outcomes = async (replica: Auth): Promise<Record<string, number>> => {
  const { text } = await request(`http://127.0.0.1:${replica.opsPort}`).get('/metrics');
  const found = [
    ...text.matchAll(/^centra_auth_emails_total\{template="(\w+)",outcome="(\w+)".*\} (\d+)$/gm),
  ];
  return Object.fromEntries(
    found.map(([, template, outcome, count]) => [`${template} ${outcome}`, Number(count)]),
  );
};

describe('over a mail server', () => {
  let service: TestAuth;
  let smtp: TestSmtp;
  let replica: Auth;
  const lines: string[] = [];

  before(async () => {
    service = await startTestAuth();
    smtp = await startTestSmtp();
    // The first replica would put mails in its folder.
    await service.auth.close();
    const config = { mail: { ...service.config.mail, smtpUrl: new Secret(smtp.url) } };
    replica = await service.startReplica({ log: recordingLog(lines) }, config);
  });
  after(async () => {
    await service.close();
    await smtp.close();
  });
  const received = async (email: string, count = 1): Promise<string[]> =>
    await waitFor(`${count} mails`, async () => {
      const mails = smtp.mails.filter(({ to }) => to[0] === email);
      return mails.length >= count ? mails.map(({ data }) => data) : undefined;
    });

  test('a mail that is not taken at first is tried again, with a new secret that works', async () => {
    const email = newEmail();
    smtp.answerNext('.', '451 later');
    await registerAt(service, replica, email);
    const failed = await waitFor('a failed attempt', async () => {
      const [job] = await jobs(service);
      return typeof job?.['error'] === 'string' ? job : undefined;
    });
    assert.deepEqual([failed['attempts'], failed['most']], [1, 21]);
    assert.equal(failed['error'], 'the mail was not taken: EMESSAGE, answer 451');
    const [data = ''] = await received(email);
    assert.equal(await verify(service, readMail(data).token, replica), 200);
    await jobsGone(service);
    const counted = await outcomes(replica);
    assert.deepEqual([counted['verify_email failed'], counted['verify_email sent']], [1, 1]);
  });

  test('the last attempt ends in the log, and the address leaves the queue', async () => {
    const email = newEmail();
    smtp.answerNext('RCPT', `451 later ${email}`);
    await registerAt(service, replica, email);
    await waitFor('a failed attempt', async () => {
      const [job] = await jobs(service);
      return typeof job?.['error'] === 'string' ? true : undefined;
    });
    smtp.answerNext('RCPT', `451 later ${email}`);
    // As after nearly three days.
    await service.sql('update graphile_worker._private_jobs set attempts = 20, run_at = now()');
    await jobsGone(service);
    assert.equal((await outcomes(replica))['verify_email given_up'], 1);
    const [line] = lines.filter((each) => each.includes('mail is not sent'));
    assert.match(line ?? '', /"level":"error".*"attempts":21/);
  });

  test('an address that the mail server turns away is asked for once', async () => {
    const email = newEmail();
    smtp.answerNext('RCPT', '550 no such person');
    await registerAt(service, replica, email);
    await waitFor('the refusal', async () =>
      (await outcomes(replica))['verify_email refused'] === 1 ? true : undefined,
    );
    await jobsGone(service);
  });

  test('a mail that was sent by a process which died is sent again, and the last one’s link works', async () => {
    const email = newEmail();
    await registerAt(service, replica, email);
    const [first = ''] = await received(email);
    await jobsGone(service);
    // As if the process had died between the mail server's yes and its own note of it.
    await service.sql(
      `select graphile_worker.add_job('send_email', json_build_object('to', $1::text, 'name', 'Amina', 'locale', 'en',
         'template', 'verify_email', 'emailTokenId', (select email_tokens.id from email_tokens
           join users on users.id = user_id where email = $1)))`,
      [email],
    );
    const [, second = ''] = await received(email, 2);
    assert.equal(await verify(service, readMail(first).token, replica), 410);
    assert.equal(await verify(service, readMail(second).token, replica), 200);
  });

  test('a database that does not take the note of a sent mail ends no process: it is sent again', async () => {
    await service.sql(
      `create function refuse_for_test() returns trigger language plpgsql as $$ begin raise exception 'away'; end $$;
       create trigger refuse_for_test before delete on graphile_worker._private_jobs
         for each row execute function refuse_for_test()`,
    );
    const email = newEmail();
    await registerAt(service, replica, email);
    await received(email);
    await waitFor('the word of it', async () =>
      lines.some((line) => line.includes('Failed to complete jobs')) ? true : undefined,
    );
    await service.sql('drop trigger refuse_for_test on graphile_worker._private_jobs');
    // As the loop does after five minutes.
    await service.sql(
      `update graphile_worker._private_jobs set locked_at = now() - interval '1 hour' where locked_by is not null;
       select graphile_worker.force_unlock_workers(array_agg(distinct locked_by))
       from graphile_worker._private_jobs where locked_by is not null`,
    );
    await received(email, 2);
    await jobsGone(service);
  });

  test('no log line has an address, a secret or the words of a mail', () => {
    assert.ok(lines.length > 3 && smtp.mails.length >= 3);
    for (const { to, data } of smtp.mails) {
      const { token } = readMail(data);
      for (const line of lines) {
        assert.ok(!line.includes(String(to[0])), line);
        assert.ok(token !== undefined && !line.includes(token), line);
        assert.doesNotMatch(line, /Amina|Confirm your e-mail/);
      }
    }
    assert.ok(lines.every((line) => !line.includes('riad-atlas.example')));
  });
});

describe('into a maildir', () => {
  let service: TestAuth;
  before(async () => {
    service = await startTestAuth();
  });
  after(() => service.close());

  test('a queued mail holds neither secret nor words, and waits while nobody works', async () => {
    const own = await startTestAuth();
    try {
      const email = newEmail();
      await own.auth.close();
      const idle = await own.startReplica();
      // Holds every job that is added from now on where it is.
      await own.sql(
        `create function later() returns trigger language plpgsql as $$ begin new.run_at := now() + interval '1 day'; return new; end $$`,
      );
      await own.sql(
        'create trigger later before insert on graphile_worker._private_jobs for each row execute function later()',
      );
      await registerAt(own, idle, email);
      const [job] = await jobs(own);
      const [link] = await own.sql('select id, secret_hash from email_tokens');
      assert.equal(link?.['secret_hash'], null);
      assert.deepEqual(job?.['payload'], {
        to: email,
        name: 'Amina Haddad',
        locale: 'en',
        template: 'verify_email',
        emailTokenId: link['id'],
      });
      await idle.close();
      await own.sql('update graphile_worker._private_jobs set run_at = now()');
      const next = await own.startReplica();
      const [mail] = await mailsTo(own.config.mail.maildir, email);
      assert.equal(await verify(own, mail?.token, next), 200);
    } finally {
      await own.close();
    }
  });

  test('a link that was overtaken before its mail was sent is not sent', async () => {
    const { email } = await registerUnverified(service);
    await allMailsTo(service, email);
    await service.sql(
      `update email_tokens set used_at = now() from users where users.id = user_id and email = $1`,
      [email],
    );
    await service.sql(
      `select graphile_worker.add_job('send_email', json_build_object('to', $1::text, 'name', 'Amina', 'locale', 'en',
         'template', 'verify_email', 'emailTokenId', (select email_tokens.id from email_tokens
           join users on users.id = user_id where email = $1)))`,
      [email],
    );
    assert.equal((await allMailsTo(service, email)).length, 1);
    assert.equal((await outcomes(service.auth))['verify_email overtaken'], 1);
  });

  test('the secret of a mail is nowhere in the database', async () => {
    const { email } = await registerUnverified(service);
    const [mail] = await allMailsTo(service, email);
    const [row] = await service.sql(
      `select (select json_agg(email_tokens) from email_tokens)::text || (select coalesce(json_agg(jobs), '[]')
         from graphile_worker._private_jobs as jobs)::text as text`,
    );
    assert.ok(mail?.token !== undefined && String(row?.['text']).length > 100);
    assert.ok(!String(row?.['text']).includes(mail.token));
  });

  test('a job whose process was killed goes to the next one', async () => {
    const own = await startTestAuth();
    try {
      await own.auth.close();
      await own.sql(
        `select graphile_worker.add_job('send_email',
           '{"to": "amina@riad-atlas.example", "name": "Amina", "locale": "en", "template": "factor_added"}')`,
      );
      await own.sql(
        `update graphile_worker._private_jobs set locked_by = 'dead', locked_at = now() - interval '6 minutes', attempts = 1`,
      );
      await own.startReplica();
      const [mail] = await mailsTo(own.config.mail.maildir, 'amina@riad-atlas.example');
      assert.equal(mail?.subject, 'A second factor was added to your account');
    } finally {
      await own.close();
    }
  });

  test('after the database cut every connection, mails are sent again', async () => {
    const { email } = await registerUnverified(service);
    await allMailsTo(service, email);
    await service.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'auth-mails' and datname = current_database()`,
    );
    const again = await registerUnverified(service);
    assert.equal((await mailsTo(service.config.mail.maildir, again.email)).length, 1);
  });

  test('two replicas send one mail', async () => {
    const second = await service.startReplica();
    const emails = Array.from({ length: 6 }, newEmail);
    await Promise.all(emails.map((email) => registerAt(service, second, email)));
    for (const email of emails) assert.equal((await allMailsTo(service, email)).length, 1);
    await second.close();
  });
});

/** A log whose lines are kept instead of written, at every level. */
function recordingLog(lines: string[]): Logger {
  const log = createLog('auth', 'silent');
  for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const)
    mock.method(
      log,
      level,
      (...said: unknown[]) => void lines.push(JSON.stringify({ level, said }, errorsToo)),
    );
  return log;
}

function errorsToo(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Error ? errorForLog(value) : value;
}
