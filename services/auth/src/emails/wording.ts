import type { BuiltInRole } from '@centra/service-kit/permissions.ts';
import type { Template } from './queue-email.ts';

/**
 * The words of one mail. Lines may hold `{dashboard}`, the address of the log-in page, and in an invitation `{hotel}`,
 * `{inviter}` and `{role}`.
 */
export type Wording = {
  subject: string;
  /** Paragraphs up to the button. */
  before: readonly string[];
  /** What the button says, in mails with a link. */
  button?: string;
  /** Paragraphs after it. */
  after: readonly string[];
};

/** Everything that mails say in one language. */
export type Language = {
  dir: 'ltr' | 'rtl';
  /** With `{name}`. */
  greeting: string;
  greetingWithoutName: string;
  /** Above the link as text, for mail programs that show no button. */
  buttonHint: string;
  closing: readonly string[];
  /** What every hotel's roles are called. */
  roles: Readonly<Record<BuiltInRole, string>>;
  /** Instead of a name that had better not stand in a mail. */
  unnamed: Readonly<Record<'hotel' | 'inviter' | 'role', string>>;
  mails: Readonly<Record<Template, Wording>>;
};
