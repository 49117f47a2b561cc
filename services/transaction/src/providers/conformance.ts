import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { amounts } from './conformance/amounts.ts';
import { challenges } from './conformance/challenges.ts';
import { charges } from './conformance/charges.ts';
import { credentials } from './conformance/credentials.ts';
import { faults } from './conformance/faults.ts';
import { holds, lapsedHolds } from './conformance/holds.ts';
import { hostedPages } from './conformance/hosted-pages.ts';
import { refunds } from './conformance/refunds.ts';
import { repetitions } from './conformance/repetitions.ts';
import type { Subject } from './conformance/subject.ts';

/** The suite that every provider adapter passes. Nothing is assumed of one that it does not declare. */
export function conformance(subject: Subject): void {
  describe(`${subject.name} conforms`, () => {
    test('it declares what is tested here, no more and no less', () => {
      assert.equal(subject.provider().name, subject.name);
      assert.deepEqual(subject.provider().capabilities, subject.declares);
    });
    describe('charges', () => charges(subject));
    describe('challenges', () => challenges(subject));
    describe('holds', () => holds(subject));
    describe('refunds', () => refunds(subject));
    describe('repetitions', () => repetitions(subject));
    describe('hosted pages', () => hostedPages(subject));
    describe('amounts', () => amounts(subject));
    describe('credentials', () => credentials(subject));
    describe('faults', () => faults(subject));
    describe('lapsed holds', () => lapsedHolds(subject));
  });
}
