import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fromPublicId, newUuid, toPublicId } from './ids.ts';

test('every UUID comes back from its public id, whatever its version', () => {
  fc.assert(
    fc.property(fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7, 8] }), (uuid) => {
      const id = toPublicId('pay', uuid);
      assert.match(id, /^pay_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
      assert.equal(fromPublicId('pay', id), uuid);
    }),
  );
});

test('upper-case UUIDs name the same object', () => {
  const uuid = newUuid();
  assert.equal(toPublicId('op', uuid.toUpperCase()), toPublicId('op', uuid));
});

// valid.json of the TypeID specification (jetify-com/typeid, spec 0.3): those that are UUIDs of RFC 9562.
const PUBLISHED: [string, string][] = [
  ['00000000000000000000000000', '00000000-0000-0000-0000-000000000000'],
  ['7zzzzzzzzzzzzzzzzzzzzzzzzz', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  ['01h455vb4pex5vsknk084sn02q', '01890a5d-ac96-774b-bcce-b302099a8057'],
];

test('ids are written as the TypeID specification writes them', () => {
  for (const [suffix, uuid] of PUBLISHED) {
    assert.equal(toPublicId('pa', uuid), `pa_${suffix}`);
    assert.equal(fromPublicId('pa', `pa_${suffix}`), uuid);
  }
});

test('what is not such an id is undefined, never an error', () => {
  const malformed = [
    '',
    'pay',
    'pay_',
    '01h455vb4pex5vsknk084sn02q',
    '_01h455vb4pex5vsknk084sn02q',
    // Another prefix: the same bytes name another kind of object.
    'pa_01h455vb4pex5vsknk084sn02q',
    'pay__01h455vb4pex5vsknk084sn02q',
    'PAY_01h455vb4pex5vsknk084sn02q',
    'pay_01H455VB4PEX5VSKNK084SN02Q',
    'pay_01h455vb4pex5vsknk084sn02',
    'pay_01h455vb4pex5vsknk084sn02qq',
    ' pay_01h455vb4pex5vsknk084sn02q',
    'pay_01h455vb4pex5vsknk084sn02q\n',
    // Over 128 bits.
    'pay_8zzzzzzzzzzzzzzzzzzzzzzzzz',
    // Letters that base32 leaves out, since they are read as others.
    'pay_01h455vb4pex5vsknk084sn0il',
    'pay_01h455vb4pex5vsknk084sn0ou',
    'pay_01890a5d-ac96-774b-bcce-b302099a8057',
    'pay_٠١h455vb4pex5vsknk084sn02q',
    "pay_' or 1=1 --aaaaaaaaaaaaaaa",
    'pay_../../../../etc/passwd0000',
    // Well written, but no UUID of any version: the specification's own vector for "one".
    'pay_00000000000000000000000001',
  ];
  for (const id of malformed) assert.equal(fromPublicId('pay', id), undefined, id);
});

test('no text whatsoever makes it throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void fromPublicId('evt', `evt_${text}`)));
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom(...Array.from('0123456789abcdefghjkmnpqrstvwxyz')),
        minLength: 26,
        maxLength: 26,
      }),
      (text) => {
        const uuid = fromPublicId('evt', `evt_${text}`);
        if (uuid !== undefined) assert.equal(toPublicId('evt', uuid), `evt_${text}`);
      },
    ),
  );
});

test('new ids sort by time, as UUIDs and as public ids', () => {
  const uuids = Array.from({ length: 500 }, () => newUuid());
  assert.equal(new Set(uuids).size, uuids.length);
  assert.deepEqual(uuids.toSorted(), uuids);
  const ids = uuids.map((uuid) => toPublicId('req', uuid));
  assert.deepEqual(ids.toSorted(), ids);
});
