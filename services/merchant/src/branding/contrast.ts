import { AppError } from '@centra/service-kit/errors.ts';
import { z } from 'zod';

/** One colour, in the one spelling that is stored. */
export const colourSchema = z
  .string()
  .regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as #1a4f8b')
  .toLowerCase()
  .meta({ example: '#1a4f8b' });

export type Colours = {
  primary_color: string | null;
  on_primary_color: string | null;
  background_color: string | null;
  text_color: string | null;
};

/** What pages for guests show where a hotel has set nothing. A colour is held against these too. */
export const DEFAULT_COLOURS = {
  primary_color: '#1a4f8b',
  on_primary_color: '#ffffff',
  background_color: '#ffffff',
  text_color: '#1b1f24',
} as const satisfies Record<keyof Colours, string>;

type Pair = { of: keyof Colours; on: keyof Colours; least: number };

// WCAG 2.2: 1.4.3 (AA) asks 4.5 : 1 of text, 1.4.11 (AA) 3 : 1 of the parts of a page that people must find.
const PAIRS: readonly Pair[] = [
  { of: 'text_color', on: 'background_color', least: 4.5 },
  { of: 'on_primary_color', on: 'primary_color', least: 4.5 },
  { of: 'primary_color', on: 'background_color', least: 3 },
];

/** Throws `contrast_too_low`, naming each pair that cannot be read and its ratio. */
export function checkContrast(colours: Colours): void {
  const colourOf = (name: keyof Colours): string => colours[name] ?? DEFAULT_COLOURS[name];
  const errors = PAIRS.flatMap(({ of, on, least }) => {
    const ratio = contrastRatio(colourOf(of), colourOf(on));
    if (ratio >= least) return [];
    const [one, other] = [colourOf(of), colourOf(on)];
    // Cut, not rounded: 4.499 must not be called 4.5.
    const shown = Math.floor(ratio * 100) / 100;
    const reason = `${one} on ${on} ${other} has a contrast of ${shown}:1; at least ${least}:1 is needed`;
    return [{ field: `branding.${of}`, reason }];
  });
  if (errors.length > 0)
    throw new AppError('contrast_too_low', {
      detail: errors.map(({ field, reason }) => `${field}: ${reason}.`).join(' '),
      errors,
    });
}

/** Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrastRatio(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

/** Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.2, "relative luminance"). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
