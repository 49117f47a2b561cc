import type { Description } from './description.ts';
import { html, Markup } from './html.ts';
import type { Content } from './html.ts';
import { renderOperation } from './render-operation.ts';
import { renderText } from './render-text.ts';
import { STYLE } from './style.ts';

/** The whole reference as one page, without a script or anything from elsewhere. */
export function renderPage(description: Description): string {
  const { title, version, tags } = description;
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>${title}: API reference</title>
      ${styleElement()}
    </head>
    <body>
      <a class="skip" href="#content">Skip to the content</a>
      <header>
        <p class="brand">${title}</p>
        <p class="version">${version}</p>
        <a class="raw" href="/openapi.json">openapi.json</a>
      </header>
      <div class="layout">
        <nav aria-label="Operations">${renderMenu(description)}</nav>
        <main id="content">
          <section class="intro">
            <h1>API reference</h1>
            ${renderText(description.text)} ${renderBasics(description)}
          </section>
          ${tags.map((tag) => renderTag(description, tag))}
        </main>
      </div>
    </body>
  </html>`;
  return `<!doctype html>\n${page.text}`;
}

/** The browser hashes exactly what stands between the tags, so nothing is added there. */
function styleElement(): Markup {
  return new Markup(`<style>${STYLE}</style>`);
}

function renderMenu(description: Description): Content {
  // Folded away on a phone; the style opens it where there is room beside the text.
  return html`<details class="menu">
      <summary>All operations</summary>
      ${renderMenuGroups(description)}
    </details>
    <div class="menu-wide">${renderMenuGroups(description)}</div>`;
}

function renderMenuGroups(description: Description): Content {
  return description.tags.map((tag) => {
    const operations = description.operations.filter((operation) => operation.tag === tag.name);
    return html`<p class="group"><a href="#${tagAnchor(tag.name)}">${tag.name}</a></p>
      <ul>
        ${operations.map((operation) => {
          return html`<li>
            <a href="#${operation.anchor}">
              <span class="method ${operation.method.toLowerCase()}">${operation.method}</span>
              <span>${operation.summary ?? operation.path}</span>
            </a>
          </li>`;
        })}
      </ul>`;
  });
}

function renderTag(description: Description, tag: Description['tags'][number]): Markup {
  const operations = description.operations.filter((operation) => operation.tag === tag.name);
  return html`<section>
    <h2 id="${tagAnchor(tag.name)}">${tag.name}</h2>
    ${renderText(tag.text)} ${operations.map((operation) => renderOperation(description, operation))}
  </section>`;
}

function tagAnchor(name: string): string {
  return `tag-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
}

function renderBasics(description: Description): Markup {
  return html`<dl class="basics">
    ${
      description.servers.length === 0
        ? undefined
        : html`<dt>Base URL</dt>
            <dd>${description.servers.map((server) => html`<code>${server}</code> `)}</dd>`
    }
    <dt>Authentication</dt>
    <dd>
      Send your secret key as <code>Authorization: Bearer ck_test_…</code>. Keys that begin with
      <code>ck_live_</code> move real money.
    </dd>
    <dt>Refusals</dt>
    <dd>
      Every refusal is an <code>application/problem+json</code> document. Branch on its <code>code</code>, and
      quote its <code>request_id</code> when you ask for help.
    </dd>
    <dt>Limits</dt>
    <dd>
      The <code>RateLimit</code> header says how much is left; after a <code>429</code> wait for
      <code>Retry-After</code>
      seconds.
    </dd>
  </dl>`;
}
