/**
 * Whether a password is on a list of the 49,000 that stolen lists hold most often, as it stands or dressed up: with digits
 * and punctuation around it, or with digits for letters. Expects lower case.
 */
export async function isBreached(lower: string): Promise<boolean> {
  const breached = await breachedPasswords();
  return formsOf(lower).some((form) => breached.has(form) && 2 * form.length >= lower.length);
}

let list: Promise<ReadonlySet<string>> | undefined;

/** Read when the first password is judged: it takes some 60 ms and 5 MB, and most processes judge none. */
async function breachedPasswords(): Promise<ReadonlySet<string>> {
  list ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) => new Set(dictionary['passwords-common']),
  );
  return await list;
}

/** What a password may have been made from: itself, without decoration at either end, and those with their letters back. */
function formsOf(lower: string): string[] {
  // Decoration goes first, or its digits would become letters too.
  const bare = [lower, withoutStart(lower), withoutEnd(lower), withoutStart(withoutEnd(lower))];
  const spelled = bare.flatMap((form) => SPELLINGS.map((spelling) => undo(form, spelling)));
  return [...new Set([...bare, ...spelled])];
}

function withoutStart(text: string): string {
  return text.replace(/^\P{L}+/u, '');
}

function withoutEnd(text: string): string {
  return text.replace(/\P{L}+$/u, '');
}

const LETTER_OF: Readonly<Record<string, string>> = {
  '0': 'o',
  '3': 'e',
  '4': 'a',
  '@': 'a',
  '5': 's',
  $: 's',
  '7': 't',
  '+': 't',
  '8': 'b',
  '9': 'g',
};
// One sign that stands for two letters.
const SPELLINGS = ['i', 'l'].map((one) => ({ ...LETTER_OF, '1': one, '!': one, '|': one }));

function undo(text: string, spelling: Readonly<Record<string, string>>): string {
  return text.replaceAll(/[^\p{L}\s]/gu, (sign) => spelling[sign] ?? sign);
}
