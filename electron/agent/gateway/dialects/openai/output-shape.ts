import { asObject, asOptionalText, boolean, invalidField } from '../fields.ts';
import type { Json, JsonObject } from '../json.ts';
import type { OutputShape } from '../query.ts';
import { boundedSchema } from '../schema-bounds.ts';
import { shortText } from './generation.ts';
import type { Reading } from './reading.ts';
import type { ToolForm } from './tools.ts';

/** Some servers demand a name for a schema, and some callers give none. */
const namelessSchema = 'answer';

/** The form that the answer must have, from `response_format` of a chat or `text.format` of a response. */
export function readShape(value: Json | undefined, path: string, form: ToolForm, reading: Reading): OutputShape {
  if (value === undefined || value === null) return { kind: 'text' };
  const format = asObject(value, path);
  const { type } = format;
  switch (typeof type === 'string' ? type : '') {
    case 'text':
      return { kind: 'text' };
    case 'json_object':
      reading.need('json', path);
      return { kind: 'json' };
    case 'json_schema':
      reading.need('json', path);
      return form === 'flat'
        ? readSchema(format, path)
        : readSchema(asObject(format['json_schema'], `${path}.json_schema`), `${path}.json_schema`);
    default:
      throw invalidField(`${path}.type`, 'must be one of text, json_object, json_schema');
  }
}

function readSchema(declared: JsonObject, path: string): OutputShape {
  const { strict } = declared;
  if (strict !== undefined && strict !== null) boolean(strict, `${path}.strict`);
  return {
    kind: 'schema',
    name: asOptionalText(declared['name'], `${path}.name`, shortText) ?? namelessSchema,
    schema: boundedSchema(declared['schema'], `${path}.schema`),
    strict: typeof strict === 'boolean' ? strict : null,
  };
}
