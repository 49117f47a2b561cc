import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeHtml } from './escape-html.ts';

test('no text becomes an element, an attribute or an entity', () => {
  const cases: [text: string, escaped: string][] = [
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    [`" onload='x'`, '&quot; onload=&#39;x&#39;'],
    ['&lt;', '&amp;lt;'],
    ['Riad & Spa', 'Riad &amp; Spa'],
  ];
  for (const [text, escaped] of cases) assert.equal(escapeHtml(text), escaped);
});

test('every other letter stays as it is', () => {
  for (const text of ['', 'Amina Haddad', 'فندق `Atlas` 100 % = ½\n', '\u{1f3e8}'])
    assert.equal(escapeHtml(text), text);
});
