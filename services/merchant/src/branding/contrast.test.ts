import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { newDraft } from '../testing/onboarding.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

describe('422 contrast_too_low', () => {
  const cases: [object, string | undefined, string?][] = [
    // 4.54:1 and 4.48:1 on white: the greys on both sides of the rule.
    [{ text_color: '#767676', background_color: '#ffffff' }, undefined],
    [{ text_color: '#777777', background_color: '#ffffff' }, 'branding.text_color', '4.47'],
    [{ text_color: '#ffffff' }, 'branding.text_color', '1:1'],
    [{ primary_color: '#777777', on_primary_color: '#ffffff' }, 'branding.on_primary_color', '4.47'],
    // 3.03:1 and 2.99:1 on white, black on them being readable.
    [{ primary_color: '#949494', on_primary_color: '#000000' }, undefined],
    [{ primary_color: '#959595', on_primary_color: '#000000' }, 'branding.primary_color', '2.9'],
    [{ background_color: '#000000' }, 'branding.text_color'],
    [
      {
        background_color: '#000000',
        text_color: '#FFFFFF',
        primary_color: '#ffff00',
        on_primary_color: '#000000',
      },
      undefined,
    ],
  ];
  for (const [branding, field, ratio = ''] of cases)
    test(`${JSON.stringify(branding)} ${field === undefined ? 'can be read' : `fails by ${field}`}`, async () => {
      const { owner, path } = await newDraft(service);
      const { status, body } = await owner.post(path).send({ branding });
      if (field === undefined) return assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual([status, body.code], [422, 'contrast_too_low']);
      assert.equal(body.errors[0].field, field);
      assert.ok(body.errors[0].reason.includes(ratio), body.errors[0].reason);
    });
});
