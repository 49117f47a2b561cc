import type { Template } from './queue-email.ts';

/** The words of one mail. Lines may hold `{dashboard}`, the address of the log-in page. */
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
  mails: Readonly<Record<Template, Wording>>;
};
