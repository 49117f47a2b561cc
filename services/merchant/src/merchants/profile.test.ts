import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPublicPage } from './profile.ts';

test('a website is a name that anybody can look up', () => {
  const pages = ['https://www.riad-rif.com', 'https://riad.co.uk/fr?x=1#y', 'https://xn--rad-0na.com/'];
  const others = [
    'http://www.riad.com',
    'https://localhost',
    'https://riad.local/',
    'https://db.svc',
    'https://10.0.0.1',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://[::1]/',
    'https://user@riad.com',
    'https://riad.com:8443',
    'https://riad',
    'https://riad.com/\u202e',
    'https://ri\nad.com',
    'https:/riad.com',
    `https://riad.com/${'x'.repeat(2048)}`,
  ];
  for (const page of pages) assert.equal(isPublicPage(page), true, page);
  for (const other of others) assert.equal(isPublicPage(other), false, other);
});
