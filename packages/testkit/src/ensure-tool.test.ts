import assert from 'node:assert/strict';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findTool } from './ensure-tool.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('a program is found wherever PATH leads, a library at its own paths, and nothing else', () => {
  const folder = temporaryFolder('tools');
  const before = process.env['PATH'];
  try {
    const file = join(folder, 'centra-tool');
    writeFileSync(file, '');
    chmodSync(file, 0o755);
    const program = { package: 'centra-tool', is: 'centra-tool', without: 'nothing' };
    assert.equal(findTool(program), undefined);
    process.env['PATH'] = `${before ?? ''}:${folder}`;
    assert.equal(findTool(program), file);
    assert.equal(findTool({ ...program, is: [join(folder, 'absent.so'), file] }), file);
    assert.equal(findTool({ ...program, is: [join(folder, 'absent.so')] }), undefined);
  } finally {
    process.env['PATH'] = before;
    rmSync(folder, { recursive: true, force: true });
  }
});
