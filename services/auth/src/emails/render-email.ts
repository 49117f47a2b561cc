import { escapeHtml } from '@centra/service-kit/escape-html.ts';
import type { Locale } from '../accounts/user.ts';
import type { InvitationFacts } from '../invitations/invitation-link.ts';
import type { Template } from './queue-email.ts';
import { ARABIC } from './wording-ar.ts';
import { ENGLISH } from './wording-en.ts';
import { SPANISH } from './wording-es.ts';
import { FRENCH } from './wording-fr.ts';
import type { Language } from './wording.ts';

export const LANGUAGES: Readonly<Record<Locale, Language>> = {
  en: ENGLISH,
  fr: FRENCH,
  es: SPANISH,
  ar: ARABIC,
};

export type RenderedEmail = { subject: string; text: string; html: string };

export type EmailFacts = {
  template: Template;
  locale: Locale;
  /** As its owner wrote it: not to be trusted. */
  name: string;
  /** Where the log-in page is. */
  dashboardUrl: string;
  /** For mails with a button: where it leads. */
  link: string | undefined;
  /** For an invitation: who invites where. Names are as people wrote them. */
  invitation?: InvitationFacts;
};

/** The mail's words, as plain text and as HTML. */
export function renderEmail(facts: EmailFacts): RenderedEmail {
  const language = LANGUAGES[facts.locale];
  const { template, link } = facts;
  const { subject, before, button, after } = language.mails[template];
  if ((button === undefined) !== (link === undefined))
    throw new Error(`a mail ${template} has a button exactly when it has a link`);
  if ((template === 'invitation') !== (facts.invitation !== undefined))
    throw new Error('an invitation, and no other mail, says who invites where');
  const name = nameForGreeting(facts.name);
  const greeting = name === undefined ? language.greetingWithoutName : language.greeting;
  const fillings = new Map([
    ['{name}', name ?? ''],
    ['{dashboard}', facts.dashboardUrl],
    ...invitationFillings(language, facts.invitation),
  ]);
  const fill = (line: string, write: (text: string) => string): string =>
    line
      .split(/(\{[a-z]+\})/)
      .map((part) => {
        const filling = fillings.get(part);
        return filling === undefined ? part : write(filling);
      })
      .join('');
  const asText = (line: string): string => fill(line, (text) => text);
  const text = [
    asText(greeting),
    ...before.map(asText),
    ...(button === undefined || link === undefined ? [] : [`${button}\n${link}`]),
    ...after.map(asText),
    [...language.closing].join('\n'),
  ].join('\n\n');
  return { subject, text: `${text}\n`, html: renderHtml(facts, language, { greeting, fill }) };
}

/** Anybody may make a hotel and invite anybody: its name, theirs and the role's are cleaned like a name in a greeting. */
function invitationFillings(
  language: Language,
  facts: InvitationFacts | undefined,
): [placeholder: string, text: string][] {
  if (facts === undefined) return [];
  const { hotel, inviter, role } = facts;
  const { unnamed, roles } = language;
  return [
    ['{hotel}', nameForGreeting(hotel) ?? unnamed.hotel],
    ['{inviter}', nameForGreeting(inviter) ?? unnamed.inviter],
    ['{role}', typeof role === 'string' ? roles[role] : (nameForGreeting(role.name) ?? unnamed.role)],
  ];
}

function renderHtml(
  { template, locale, link }: EmailFacts,
  language: Language,
  { greeting, fill }: { greeting: string; fill(line: string, write: (text: string) => string): string },
): string {
  const { subject, before, button, after } = language.mails[template];
  // The words are ours; what is filled in is not, and may run the other way than the sentence around it.
  const paragraph = (line: string): string =>
    `<p>${fill(escapeHtml(line), (text) => `<bdi>${escapeHtml(text)}</bdi>`)}</p>`;
  const linked =
    button === undefined || link === undefined
      ? []
      : [
          `<p><a href="${escapeHtml(link)}" style="${BUTTON}">${escapeHtml(button)}</a></p>`,
          `<p style="${SMALL}">${escapeHtml(language.buttonHint)}<br><bdi dir="ltr">${escapeHtml(link)}</bdi></p>`,
        ];
  return [
    '<!doctype html>',
    `<html lang="${locale}" dir="${language.dir}">`,
    `<head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>`,
    `<body dir="${language.dir}" style="${BODY}">`,
    paragraph(greeting),
    ...before.map(paragraph),
    ...linked,
    ...after.map(paragraph),
    `<p style="${SMALL}">${language.closing.map(escapeHtml).join('<br>')}</p>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

// Mail programs drop style sheets; what matters stands at the element.
const BODY =
  'font-family:system-ui,-apple-system,sans-serif;font-size:16px;line-height:1.5;color:#1a1a1a;max-width:560px;margin:0 auto;padding:24px';
const BUTTON =
  'display:inline-block;padding:12px 20px;border-radius:6px;background:#14532d;color:#ffffff;text-decoration:none';
const SMALL = 'font-size:14px;color:#595959;overflow-wrap:anywhere';

// Longer ones are seldom names.
const GREETED_NAME_MAX = 60;
// Anybody may register with anybody's address: a name that reads as an address or link would make our mail theirs.
const LINK_LIKE = /[/\\@]|:\S|\p{L}\.\p{L}{2}|\bwww\b/iu;

/** The name as it may stand in a mail; undefined when it had better not. */
export function nameForGreeting(name: string): string | undefined {
  const plain = name
    // Controls could begin a new line, and marks of writing direction could turn the rest of the line around.
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/\p{Cf}+/gu, '')
    .replaceAll(/\s+/gu, ' ')
    .trim();
  return plain === '' || Array.from(plain).length > GREETED_NAME_MAX || LINK_LIKE.test(plain)
    ? undefined
    : plain;
}
