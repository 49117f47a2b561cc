import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  CARD_TYPES,
  cardErrors,
  cardTypeOf,
  expiryError,
  holderError,
  luhnValid,
  numberError,
} from '../cards/card-rules.ts';
import type { Reply } from '../replies.ts';
import { htmlReply } from '../replies.ts';

export type CaptureFormPage = { read: (settings: PageSettings) => Reply };

/** What the page's script needs to know; it finds the session token in its own address. */
export type PageSettings = { accepted: string[] | undefined; clockOffsetMs: number };

/** Reads the page's parts once; each request then only adds its nonce and settings. */
export function captureFormPage(): CaptureFormPage {
  const style = readFileSync(new URL('capture-form.css', import.meta.url), 'utf8');
  const form = readFileSync(new URL('capture-form.html', import.meta.url), 'utf8');
  const script = `${rulesScript()}\n${readFileSync(new URL('capture-form.js', import.meta.url), 'utf8')}`;
  return {
    read({ accepted, clockOffsetMs }) {
      const nonce = randomBytes(16).toString('base64');
      const settings = JSON.stringify({ accepted, clockOffsetMs });
      const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Card details</title>
<style nonce="${nonce}">${style}</style>
</head>
<body>
${form}
<script type="module" nonce="${nonce}">
const SETTINGS = ${settings};
${script}</script>
</body>
</html>`;
      return htmlReply(200, html, nonce);
    },
  };
}

/** The very functions the server checks with: their source at run time is plain JavaScript. */
function rulesScript(): string {
  const rules = [cardErrors, cardTypeOf, expiryError, holderError, luhnValid, numberError];
  return [`const CARD_TYPES = ${JSON.stringify(CARD_TYPES)};`, ...rules.map((rule) => rule.toString())].join(
    '\n',
  );
}
