import { randomBytes } from 'node:crypto';
import type { Reply, VaulteraError } from './replies.ts';
import { htmlReply } from './replies.ts';

const STYLE = `
  body { margin: 0; padding: 24px 16px; font: 16px/1.5 system-ui, sans-serif; color: #1c2430; }
  main { max-width: 28rem; border: 1px solid #e3b9b5; border-radius: 8px; background: #fdf4f3; padding: 16px 20px; }
  h1 { font-size: 1.0625rem; margin: 0 0 4px; } p { margin: 0; }
  .code { margin-top: 8px; font-size: 0.8125rem; color: #6b5553; }`;

/** The page an iframe shows instead of its form: one sentence for the guest, the code for the developer. */
export function errorPage(error: VaulteraError): Reply {
  const nonce = randomBytes(16).toString('base64');
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(error.message)}</title><style nonce="${nonce}">${STYLE}</style></head>
<body><main role="alert" data-code="${escapeHtml(error.code)}"><h1>This page can no longer be used</h1>
<p>Please go back and try again.</p>
<p class="code">${error.status} ${escapeHtml(error.message)}</p></main></body></html>`;
  return htmlReply(error.status, html, nonce);
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
