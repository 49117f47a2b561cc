import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { dayAt, dayNumber, isCalendarDate, nightsBetween } from './calendar-date.ts';

const DAY_MS = 86_400_000;

test('days are counted as the calendar counts them, through leap years and centuries', () => {
  const cases: [string, string, number][] = [
    ['2026-03-01', '2026-03-04', 3],
    ['2024-02-28', '2024-03-01', 2],
    ['2026-02-28', '2026-03-01', 1],
    ['1900-02-28', '1900-03-01', 1],
    ['2000-02-28', '2000-03-01', 2],
    ['2025-12-31', '2026-01-01', 1],
    // The calendar as it would have been: no eleven days are missing.
    ['1752-09-02', '1752-09-14', 12],
    ['0001-01-01', '9999-12-31', 3_652_058],
    ['2026-03-04', '2026-03-01', -3],
  ];
  for (const [from, to, nights] of cases) assert.equal(nightsBetween(from, to), nights, `${from} ${to}`);
});

test('the nights when clocks change are one night each, wherever the hotel stands', () => {
  // Europe 2026-03-29 and 2026-10-25, Morocco around Ramadan 2026-02-15 and 2026-03-22, Chile at midnight 2026-09-06.
  for (const day of ['2026-03-28', '2026-10-24', '2026-02-14', '2026-03-21', '2026-09-05'])
    assert.equal(nightsBetween(day, new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10)), 1);
});

test('counting agrees with UTC days for every date, and text is a date exactly when it is one', () => {
  const anyDay = fc.integer({
    min: Date.parse('0001-01-01') / DAY_MS,
    max: Date.parse('9999-12-31') / DAY_MS,
  });
  const first = Date.parse('0001-01-01') / DAY_MS - 1;
  fc.assert(
    fc.property(anyDay, (day) => {
      const text = new Date(day * DAY_MS).toISOString().slice(0, 10);
      assert.ok(isCalendarDate(text));
      assert.equal(dayNumber(text), day - first);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9999 }), fc.nat(15), fc.nat(35), (year, month, day) => {
      const text = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
      const parsed = new Date(`${text}T00:00:00Z`);
      const real = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
      assert.equal(isCalendarDate(text), real, text);
    }),
  );
  for (const text of [
    '',
    '2026-3-1',
    '2026-03-01 ',
    '2026-03-01T00:00',
    '0000-01-01',
    '+2026-03-01',
    '２０２６-03-01',
  ])
    assert.equal(isCalendarDate(text), false, text);
  assert.throws(() => dayNumber('2026-02-29'), RangeError);
});

test('which day it is depends on the hotel’s time zone', () => {
  const moment = new Date('2026-05-31T23:30:00Z');
  assert.equal(dayAt(moment, 'UTC'), '2026-05-31');
  assert.equal(dayAt(moment, 'Europe/Paris'), '2026-06-01');
  assert.equal(dayAt(moment, 'America/New_York'), '2026-05-31');
  assert.equal(dayAt(new Date('2026-06-01T00:00:00Z'), 'UTC'), '2026-06-01');
});

function pad(value: number, length: number): string {
  return String(value).padStart(length, '0');
}
