import { newId } from '../ids.ts';
import type { Reply } from './exchange.ts';

/** A page of this simulator's own, for people: no script, one column, readable on a phone. `body` is trusted HTML. */
export function page(status: number, title: string, body: string): NonNullable<Reply> {
  const nonce = newId('style');
  const text =
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
    `<title>${escapeHtml(title)}</title><style nonce="${nonce}">${STYLE}</style></head><body><main>${body}</main></body></html>`;
  const headers = {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'`,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  };
  return { status, headers, text };
}

/** Sends the browser on. */
export function redirect(location: string): NonNullable<Reply> {
  return { status: 303, headers: { Location: location, 'Cache-Control': 'no-store' }, text: '' };
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE = [
  ':root{color-scheme:light;--ink:#1c2530;--soft:#55606e;--line:#cfd6de;--accent:#0b4f6c;--bad:#a1161f}',
  '*{box-sizing:border-box}',
  'body{margin:0;background:#f3f5f7;color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}',
  'main{max-width:28rem;margin:0 auto;padding:1.5rem 1.25rem 2rem;background:#fff;min-height:100vh}',
  '@media(min-width:36rem){main{min-height:0;margin:3rem auto;border:1px solid var(--line);border-radius:.75rem;padding:2rem}}',
  'h1{font-size:1.25rem;margin:0 0 .25rem}',
  '.amount{font-size:2rem;font-weight:600;margin:.25rem 0 1rem;line-height:1.2}',
  '.soft{color:var(--soft);font-size:.9rem}',
  'table{width:100%;border-collapse:collapse;margin:0 0 1.5rem}',
  'th,td{text-align:left;font-weight:400;padding:.5rem 0;border-top:1px solid var(--line);vertical-align:top}',
  'td{text-align:right;white-space:nowrap;padding-left:1rem}',
  'label{display:block;font-size:.9rem;margin:0 0 1rem}',
  'input{display:block;width:100%;margin-top:.25rem;padding:.7rem .75rem;font:inherit;color:inherit;background:#fff;border:1px solid #7b8794;border-radius:.5rem}',
  '.row{display:grid;grid-template-columns:1fr 1fr;gap:1rem}',
  'button{display:block;width:100%;padding:.85rem 1rem;font:inherit;font-weight:600;color:#fff;background:var(--accent);border:1px solid var(--accent);border-radius:.5rem;cursor:pointer}',
  'form+form{margin-top:.75rem}',
  'button.plain{color:var(--accent);background:#fff}',
  'a{color:var(--accent)}',
  'input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid #6db3d1;outline-offset:2px}',
  '.error{margin:0 0 1rem;padding:.75rem;border:1px solid var(--bad);border-radius:.5rem;color:var(--bad);background:#fdf3f3}',
  '.back{margin:1.25rem 0 0;text-align:center}',
].join('');
