import { auditEntrySchema } from './audit-entry.ts';
import type { AuditEntry } from './audit-entry.ts';

/** How an export is written. */
export const EXPORT_FORMATS = ['jsonl', 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** A file format: what comes first, and a line for each entry. */
export type Lines = { contentType: string; head: string; lineOf(entry: AuditEntry): string };

/** One JSON object a line, as the list shows it; or a table with the same columns (RFC 4180). */
export function linesOf(format: ExportFormat): Lines {
  switch (format) {
    case 'jsonl':
      return {
        contentType: 'application/jsonl; charset=utf-8',
        head: '',
        lineOf: (entry) => `${JSON.stringify(entry)}\n`,
      };
    case 'csv':
      return {
        contentType: 'text/csv; charset=utf-8; header=present',
        head: toCsvLine(COLUMNS),
        lineOf: (entry) => toCsvLine(COLUMNS.map((column) => toText(entry[column]))),
      };
    default:
      throw new Error(`unknown format ${String(format satisfies never)}`);
  }
}

const COLUMNS = auditEntrySchema.keyof().options;

/** An absent value is an empty cell; an object is its JSON. */
function toText(value: AuditEntry[keyof AuditEntry]): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function toCsvLine(cells: readonly string[]): string {
  return `${cells.map(toCell).join(',')}\r\n`;
}

/**
 * A spreadsheet takes a cell that begins so for a formula and runs it (OWASP, CSV injection); behind an apostrophe it is
 * text. Names and reasons in these cells were written by anybody.
 */
function toCell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
