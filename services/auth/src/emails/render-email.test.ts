import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assert as check, constantFrom, property, string } from 'fast-check';
import { LINK_HOURS } from '../accounts/email-token.ts';
import type { InvitationFacts } from '../invitations/invitation-link.ts';
import { INVITATION_DAYS } from '../invitations/invitation-link.ts';
import { LOCALES } from '../accounts/user.ts';
import type { Locale } from '../accounts/user.ts';
import { TEMPLATES } from './queue-email.ts';
import type { Template } from './queue-email.ts';
import { LANGUAGES, nameForGreeting, renderEmail } from './render-email.ts';
import type { RenderedEmail } from './render-email.ts';

const DASHBOARD = 'https://dashboard.centra.example';
const LINKED: readonly Template[] = ['verify_email', 'account_exists', 'reset_password', 'invitation'];
const INVITATION = { hotel: 'Riad Atlas', inviter: 'Omar Tazi', role: 'manager' } as const;

function render(template: Template, locale: Locale, name = 'Amina'): RenderedEmail {
  const link = LINKED.includes(template) ? `${DASHBOARD}/page#token=SECRET` : undefined;
  const facts = { template, locale, name, dashboardUrl: DASHBOARD, link };
  return renderEmail(template === 'invitation' ? { ...facts, invitation: INVITATION } : facts);
}

function renderInvitation(locale: Locale, changed: Partial<InvitationFacts>): RenderedEmail {
  const invitation = { ...INVITATION, ...changed };
  const link = `${DASHBOARD}/page#token=SECRET`;
  return renderEmail({ template: 'invitation', locale, name: '', dashboardUrl: DASHBOARD, link, invitation });
}

for (const locale of LOCALES)
  for (const template of TEMPLATES)
    describe(`${template} in ${locale}`, () => {
      const { subject, text, html } = render(template, locale);

      test('says everything, with nothing left to fill in', () => {
        assert.ok(subject.length > 5 && subject.length < 80);
        assert.match(text, /Amina/);
        assert.match(html, /<bdi>Amina<\/bdi>/);
        for (const part of [subject, text, html]) {
          assert.doesNotMatch(part, /[{}]|undefined|null|\[object/);
          // Words that stand in every language's file by mistake are in no other script or order.
          assert.doesNotMatch(part, /TODO|XXX|lorem/i);
        }
        assert.doesNotMatch(subject, /[\r\n]/);
      });

      test('has its link in both parts, or none', () => {
        const expected = LINKED.includes(template) ? 1 : 0;
        assert.equal(text.split('#token=SECRET').length - 1, expected);
        assert.equal(html.split('href="').length - 1, expected);
      });

      test('is marked with its language and direction', () => {
        const dir = locale === 'ar' ? 'rtl' : 'ltr';
        assert.ok(html.includes(`<html lang="${locale}" dir="${dir}">`));
        assert.equal(/\p{Script=Arabic}/u.test(text), locale === 'ar');
      });
    });

test('no two languages share a line, and no two mails a subject', () => {
  for (const template of TEMPLATES) {
    const subjects = LOCALES.map((locale) => render(template, locale).subject);
    assert.equal(new Set(subjects).size, LOCALES.length, template);
  }
  for (const locale of LOCALES) {
    const subjects = TEMPLATES.map((template) => render(template, locale).subject);
    assert.equal(new Set(subjects).size, TEMPLATES.length, locale);
  }
  const lines = LOCALES.map(
    (locale) =>
      new Set(Object.values(LANGUAGES[locale].mails).flatMap(({ before, after }) => [...before, ...after])),
  );
  const shared = lines.flatMap((own, index) =>
    [...own].filter((line) => lines.some((other, place) => place !== index && other.has(line))),
  );
  assert.deepEqual(shared, []);
});

test('the mails say how long their links are good for', () => {
  assert.deepEqual(LINK_HOURS, { verify_email: 24, reset_password: 1 });
  for (const locale of LOCALES) {
    assert.match(render('verify_email', locale).text, /\b24\b/);
    for (const template of ['reset_password', 'account_exists'] as const)
      assert.match(render(template, locale).text, /\b1\s|ساعة واحدة/);
    assert.match(render('invitation', locale).text, new RegExp(`\\b${INVITATION_DAYS}\\b`));
  }
});

test('a mail with a button needs a link, and one without refuses it', () => {
  const facts = { locale: 'en', name: 'Amina', dashboardUrl: DASHBOARD } as const;
  assert.throws(() => renderEmail({ ...facts, template: 'verify_email', link: undefined }));
  assert.throws(() => renderEmail({ ...facts, template: 'password_changed', link: DASHBOARD }));
});

test('an invitation says who invites where to which role, and no other mail does', () => {
  const roles = { en: 'Manager', fr: 'Responsable', es: 'Responsable', ar: 'مدير' };
  for (const locale of LOCALES) {
    const { text, html } = renderInvitation(locale, {});
    for (const part of ['Riad Atlas', 'Omar Tazi', roles[locale]]) {
      assert.ok(text.includes(part), `${locale} ${part}`);
      assert.ok(html.includes(`<bdi>${part}</bdi>`), `${locale} ${part}`);
    }
    assert.match(renderInvitation(locale, { role: { name: 'Night desk' } }).text, /Night desk/);
  }
  const facts = { locale: 'en', name: '', dashboardUrl: DASHBOARD, link: DASHBOARD } as const;
  assert.throws(() => renderEmail({ ...facts, template: 'invitation' }));
  assert.throws(() => renderEmail({ ...facts, template: 'verify_email', invitation: INVITATION }));
});

const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "Amina' onmouseover='x",
  'Amina\r\nBcc: all@riad-atlas.example',
  'Amina\n\nYour account is closed',
  'Amina \u202etxt.exe',
  '\u2067Amina\u2069',
  'Amina\u2028Haddad',
  'Amina {dashboard} {name}',
  'Amina &amp; &#60;b&#62;',
  '$& $1 $`',
];

for (const name of HOSTILE)
  test(`the name ${JSON.stringify(name)} stays a name`, () => {
    for (const locale of LOCALES) {
      const { subject, text, html } = render('verify_email', locale, name);
      const plain = render('verify_email', locale);
      assert.equal(subject, plain.subject);
      // As many lines, tags and links as for anybody.
      assert.equal(text.split('\n').length, plain.text.split('\n').length);
      assert.equal(text.split(DASHBOARD).length, plain.text.split(DASHBOARD).length);
      assert.deepEqual(tagsOf(html), tagsOf(plain.html));
      assert.doesNotMatch(text + html, /[\p{Bidi_Control}\u2028\u2029\r]/u);
    }
  });

for (const name of HOSTILE)
  test(`in an invitation ${JSON.stringify(name)} stays the name of a hotel, a person or a role`, () => {
    for (const locale of LOCALES) {
      const plain = renderInvitation(locale, {});
      const { subject, text, html } = renderInvitation(locale, {
        hotel: name,
        inviter: name,
        role: { name },
      });
      assert.equal(subject, plain.subject);
      assert.equal(text.split('\n').length, plain.text.split('\n').length);
      assert.equal(text.split(DASHBOARD).length, plain.text.split(DASHBOARD).length);
      assert.deepEqual(tagsOf(html), tagsOf(plain.html));
      assert.doesNotMatch(text + html, /[\p{Bidi_Control}\u2028\u2029\r]/u);
    }
  });

/** Without those around names, of which hostile ones have fewer. */
function tagsOf(markup: string): string[] {
  return (markup.match(/<[^>]*>/g) ?? []).filter((tag) => !tag.includes('bdi>'));
}

test('nobody gets words or links of a stranger’s in our name', () => {
  for (const name of [
    'Win at https://evil.example/now',
    'Visit evil.example',
    'www evil',
    'call evil@evil.example',
    'Your account is locked and will be removed today unless you log in again at once',
    ' ',
    '\u200f',
  ]) {
    assert.equal(nameForGreeting(name), undefined, name);
    assert.match(render('verify_email', 'en', name).text, /^Hello,\n/);
    assert.match(render('verify_email', 'ar', name).text, /^مرحبًا،\n/);
    const { text } = renderInvitation('en', { hotel: name, inviter: name, role: { name } });
    assert.match(text, /\nSomebody who works there invites you .* of a hotel with Centra Payments\.\n/);
    assert.match(text, /\nYour role there: a role of the hotel’s own\.\n/);
  }
  for (const name of [
    'Amina',
    'أمينة حداد',
    'J. R. Ewing',
    "Seán O'Brien-Núñez",
    '李小龍',
    'Dr. Haddad, PhD',
  ])
    assert.equal(nameForGreeting(name), name);
});

test('whatever the name, the page has our tags only', () => {
  check(
    property(string({ unit: 'grapheme' }), constantFrom(...LOCALES), (name, locale) => {
      const { html, text } = render('factor_added', locale, name);
      const tags = (html.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/[ >].*/s, ''));
      assert.ok(tags.every((tag) => /^<(!doctype|\/?(html|head|meta|title|body|p|bdi|br))$/.test(tag)));
      assert.doesNotMatch(text, /[\p{Bidi_Control}\r]/u);
    }),
  );
});
