import { html } from './html.ts';
import type { Content, Markup } from './html.ts';

/** The part of Markdown that descriptions use: paragraphs, lists, `code`, **bold** and headings. */
export function renderText(text: string): Markup {
  const blocks = text.trim().split(/\n\s*\n/);
  return html`${text.trim() === '' ? undefined : blocks.map(renderBlock)}`;
}

function renderBlock(block: string): Markup {
  const lines = block.split('\n');
  if (lines.every((line) => /^\s*[-*] /.test(line)))
    return html`<ul>
      ${lines.map((line) => html`<li>${renderLine(line.replace(/^\s*[-*] /, ''))}</li>`)}
    </ul>`;
  const heading = /^#+ (.*)$/.exec(lines[0] ?? '');
  if (heading !== null && lines.length === 1) return html`<h4>${renderLine(heading[1] ?? '')}</h4>`;
  return html`<p>${renderLine(lines.join(' '))}</p>`;
}

/** `code` and **bold** within a line. */
export function renderLine(line: string): Content {
  return line.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith('`') && part.length > 2) return html`<code>${part.slice(1, -1)}</code>`;
    if (part.startsWith('**') && part.length > 4) return html`<strong>${part.slice(2, -2)}</strong>`;
    return part;
  });
}
