import type { Description, Media, Operation, Parameter } from './description.ts';
import { curlOf, exampleOf } from './example.ts';
import { html } from './html.ts';
import type { Content, Markup } from './html.ts';
import { renderFields, renderRemarks, typeOf } from './render-schema.ts';
import { renderLine, renderText } from './render-text.ts';

/** One operation: what it does and takes on the left, how to call it and what comes back on the right. */
export function renderOperation(description: Description, operation: Operation): Markup {
  return html`<article id="${operation.anchor}">
    <h3>
      <a href="#${operation.anchor}">${operation.summary ?? `${operation.method} ${operation.path}`}</a>
    </h3>
    <p class="endpoint">
      <span class="method ${operation.method.toLowerCase()}">${operation.method}</span>
      <code>${renderPath(operation.path)}</code>
      ${operation.deprecated === true ? html`<span class="deprecated">deprecated</span>` : undefined}
    </p>
    <div class="columns">
      <div class="words">
        ${renderText(operation.description ?? '')} ${renderParameters(description, operation)}
        ${renderBody(description, operation)} ${renderRefusals(operation)}
      </div>
      <div class="samples">
        ${renderSample('Request', curlOf(description, operation))} ${renderAnswers(description, operation)}
      </div>
    </div>
  </article>`;
}

/** Long paths may break after a slash. */
function renderPath(path: string): Content {
  return path.split(/(?<=\/)/).map((part) => [part, html`<wbr />`]);
}

const PLACES: readonly (readonly [Parameter['in'], string])[] = [
  ['path', 'In the path'],
  ['query', 'In the query'],
  ['header', 'Headers'],
];

function renderParameters(description: Description, operation: Operation): Content {
  return PLACES.map(([place, title]) => {
    const parameters = operation.parameters.filter((parameter) => parameter.in === place);
    if (parameters.length === 0) return undefined;
    return html`<h4>${title}</h4>
      <ul class="fields">
        ${parameters.map((parameter) => renderParameter(description, parameter))}
      </ul>`;
  });
}

function renderParameter(description: Description, parameter: Parameter): Markup {
  const schema = parameter.schema ?? {};
  const { description: own, ...rest } = description.resolve(schema).schema;
  const text = parameter.description ?? own;
  return html`<li>
    <div class="field">
      <code class="name">${parameter.name}</code> <span class="type">${typeOf(description, schema)}</span>
      ${parameter.required === true ? html`<span class="required">required</span>` : undefined}
    </div>
    ${renderRemarks(text === undefined ? rest : { ...rest, description: text })}
  </li>`;
}

function renderBody(description: Description, operation: Operation): Content {
  const schema = operation.requestBody?.content?.['application/json']?.schema;
  if (schema === undefined) return undefined;
  return html`<h4>Body</h4>
    ${renderFields(description, schema)}`;
}

function renderAnswers(description: Description, operation: Operation): Content {
  const good = operation.responses.filter(({ status }) => !isRefusal(status));
  return good.map(({ status, description: words, content, headers }, index) => {
    const [media] = Object.values(content);
    return html`<details class="answer" ${index === 0 ? html`open` : undefined}>
      <summary><span class="status good">${status}</span> ${renderLine(words)}</summary>
      ${renderHeaders(headers)} ${media === undefined ? undefined : renderAnswerBody(description, media)}
    </details>`;
  });
}

function renderHeaders(headers: readonly [string, string][]): Content {
  if (headers.length === 0) return undefined;
  return html`<ul class="headers">
    ${headers.map(([name, words]) => html`<li><code>${name}</code> ${renderLine(words)}</li>`)}
  </ul>`;
}

function renderAnswerBody(description: Description, media: Media): Content {
  const example = exampleOf(description, media);
  const fields = media.schema === undefined ? undefined : renderFields(description, media.schema);
  return [
    example === undefined
      ? undefined
      : html`<pre tabindex="0"><code>${JSON.stringify(example, null, 2)}</code></pre>`,
    fields === undefined
      ? undefined
      : html`<details class="nested">
          <summary>Fields</summary>
          ${fields}
        </details>`,
  ];
}

function renderRefusals(operation: Operation): Content {
  const refusals = operation.responses.filter(({ status }) => isRefusal(status));
  if (refusals.length === 0) return undefined;
  return html`<details class="refusals">
    <summary>${refusals.length} ways to be refused</summary>
    <ul>
      ${refusals.map(({ status, description: words }) => {
        return html`<li><span class="status bad">${status}</span> <span>${renderLine(words)}</span></li>`;
      })}
    </ul>
  </details>`;
}

function isRefusal(status: string): boolean {
  return status === 'default' || status >= '400';
}

function renderSample(title: string, text: string): Markup {
  return html`<p class="sample-title">${title}</p>
    <pre tabindex="0"><code>${text}</code></pre>`;
}
