/** Rows that people walk along, each taken as a circle and in both directions. */
const ROWS = [
  '0123456789',
  'abcdefghijklmnopqrstuvwxyz',
  // Keyboards of the countries we serve, along the rows and down the columns.
  'qwertyuiopasdfghjklzxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
  'qwertzuiopasdfghjklyxcvbnm',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  '1q2w3e4r5t6y7u8i9o0p',
].map((row) => new Map(Array.from(row).map((letter, place) => [letter, place])));

// Two letters stand side by side by chance.
const RUN_MIN = 3;
// A run counts as one thing to remember, like a letter of its own. Fewer things than these are guessed in no time.
const THINGS_MIN = 6;

/** Whether a password is a piece repeated, or little more than letters in a row (`qwerty123456`). Expects lower case. */
export function isPattern(lower: string): boolean {
  const letters = Array.from(lower);
  return isRepetition(letters) || thingsIn(letters) < THINGS_MIN;
}

/** Whether a piece of at most half of it makes the whole, the last time perhaps cut off. */
function isRepetition(letters: readonly string[]): boolean {
  for (let size = 1; size <= letters.length / 2; size += 1)
    if (letters.every((letter, place) => letter === letters[place % size])) return true;
  return false;
}

function thingsIn(letters: readonly string[]): number {
  let things = 0;
  for (let start = 0; start < letters.length; things += 1) {
    const length = runAt(letters, start);
    start += length >= RUN_MIN ? length : 1;
  }
  return things;
}

/** How many letters from here on stand in a row, or are the same. */
function runAt(letters: readonly string[], start: number): number {
  let longest = lengthOfRun(letters, start, (before, letter) => before === letter);
  for (const row of ROWS)
    for (const step of [1, row.size - 1]) {
      const follows = (before: string, letter: string): boolean => {
        const place = row.get(before);
        return place !== undefined && row.get(letter) === (place + step) % row.size;
      };
      longest = Math.max(longest, lengthOfRun(letters, start, follows));
    }
  return longest;
}

function lengthOfRun(
  letters: readonly string[],
  start: number,
  follows: (before: string, letter: string) => boolean,
): number {
  let end = start + 1;
  for (; end < letters.length; end += 1) {
    const before = letters[end - 1];
    const letter = letters[end];
    if (before === undefined || letter === undefined || !follows(before, letter)) break;
  }
  return end - start;
}
