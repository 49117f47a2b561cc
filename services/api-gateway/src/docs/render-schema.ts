import type { Description, JsonSchema } from './description.ts';
import { html } from './html.ts';
import type { Content, Markup } from './html.ts';
import { renderLine } from './render-text.ts';

// Deeper than any body of ours; it also ends a schema that contains itself.
const DEPTH_MAX = 6;

/** The fields of an object, nested ones folded in below their parent. Nothing for what has no fields. */
export function renderFields(description: Description, given: JsonSchema, depth = 0): Content {
  const { schema } = description.resolve(given);
  if (depth > DEPTH_MAX) return undefined;
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined) return renderChoices(description, choices, depth);
  if (schema.allOf !== undefined) return schema.allOf.map((part) => renderFields(description, part, depth));
  if (schema.items !== undefined) return renderFields(description, schema.items, depth);
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) return undefined;
  const required = new Set(schema.required);
  return html`<ul class="fields">
    ${properties.map(([name, property]) => renderField(description, name, property, required.has(name), depth))}
  </ul>`;
}

function renderChoices(description: Description, choices: readonly JsonSchema[], depth: number): Content {
  const objects = choices.filter((choice) => typeOf(description, choice) !== 'null');
  if (objects.length === 1 && objects[0] !== undefined) return renderFields(description, objects[0], depth);
  const listed = objects.map((choice) => {
    const fields = renderFields(description, choice, depth + 1);
    const { schema, name } = description.resolve(choice);
    return fields === undefined
      ? undefined
      : html`<details class="nested">
          <summary>${schema.title ?? name ?? 'one of'}</summary>
          ${fields}
        </details>`;
  });
  return listed.some((each) => each !== undefined) ? listed : undefined;
}

function renderField(
  description: Description,
  name: string,
  property: JsonSchema,
  isRequired: boolean,
  depth: number,
): Markup {
  const { schema } = description.resolve(property);
  const nested = renderFields(description, schema, depth + 1);
  return html`<li>
    <div class="field">
      <code class="name">${name}</code> <span class="type">${typeOf(description, property)}</span>
      ${isRequired ? html`<span class="required">required</span>` : undefined}
      ${schema.deprecated === true ? html`<span class="deprecated">deprecated</span>` : undefined}
    </div>
    ${renderRemarks(schema)}
    ${
      nested === undefined
        ? undefined
        : html`<details class="nested">
            <summary>Fields of <code>${name}</code></summary>
            ${nested}
          </details>`
    }
  </li>`;
}

/** The description of a value and the limits on it. */
export function renderRemarks(schema: JsonSchema): Content {
  const limits = limitsOf(schema);
  return [
    schema.description === undefined ? undefined : html`<p>${renderLine(schema.description)}</p>`,
    schema.enum === undefined || schema.enum.length < 2
      ? undefined
      : html`<p class="limits">
          One of ${schema.enum.map((value) => html`<code>${String(value)}</code> `)}
        </p>`,
    limits.length === 0 ? undefined : html`<p class="limits">${limits.join(' · ')}</p>`,
  ];
}

// What says no more than "an integer" is left out.
const UNREMARKABLE = new Set<unknown>([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
// A long pattern, or one of character classes, explains nothing to a person.
const PATTERN_MAX = 40;

function limitsOf(schema: JsonSchema): string[] {
  const isReadable =
    (schema.pattern?.length ?? 0) <= PATTERN_MAX && schema.pattern?.includes(String.raw`\p`) !== true;
  return [
    range(schema['minimum'], schema['maximum'], ''),
    range(schema['minLength'], schema['maxLength'], ' characters'),
    range(schema['minItems'], schema['maxItems'], ' items'),
    range(undefined, schema['maxProperties'], ' entries'),
    typeof schema['exclusiveMinimum'] === 'number' ? `more than ${schema['exclusiveMinimum']}` : '',
    typeof schema['exclusiveMaximum'] === 'number' ? `less than ${schema['exclusiveMaximum']}` : '',
    schema['default'] === undefined ? '' : `default ${JSON.stringify(schema['default'])}`,
    schema.pattern !== undefined && isReadable ? `pattern ${schema.pattern}` : '',
  ].filter((limit) => limit !== '');
}

function range(min: unknown, max: unknown, unit: string): string {
  const from = typeof min === 'number' && !UNREMARKABLE.has(min) ? min : undefined;
  const to = typeof max === 'number' && !UNREMARKABLE.has(max) ? max : undefined;
  if (from !== undefined && to !== undefined)
    return from === to ? `${from}${unit}` : `${from} to ${to}${unit}`;
  if (from !== undefined) return `at least ${from}${unit}`;
  return to === undefined ? '' : `at most ${to}${unit}`;
}

/** "string (date-time)", "array of object", "integer or null". */
export function typeOf(description: Description, given: JsonSchema): string {
  const { schema, name } = description.resolve(given);
  if (schema.items !== undefined) return `array of ${typeOf(description, schema.items)}`;
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined)
    return [...new Set(choices.map((choice) => typeOf(description, choice)))].join(' or ');
  if (schema['const'] !== undefined) return JSON.stringify(schema['const']);
  const type = (Array.isArray(schema.type) ? schema.type : [schema.type ?? 'object']).join(' or ');
  if (name !== undefined && type === 'object') return name;
  if (schema.properties === undefined && typeof schema.additionalProperties === 'object')
    return `map of ${typeOf(description, schema.additionalProperties)}`;
  return schema.format === undefined ? type : `${type} (${schema.format})`;
}
