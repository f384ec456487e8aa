import { asObject, asText, invalidField, unsupportedField } from '../fields.ts';
import { imageFromUrl } from '../images.ts';
import { isList, isObject, type Json, type JsonObject } from '../json.ts';
import type { Part } from '../query.ts';
import { longText } from './generation.ts';

const partLimit = 4096;

/** Parts of a message, as chats and responses write them: `text` or `input_text`, `image_url` or `input_image`. */
export function readParts(value: Json | undefined, path: string): Part[] {
  if (typeof value === 'string') return [{ kind: 'text', text: value }];
  if (!isList(value)) throw invalidField(path, 'must be a text or a list of parts');
  if (value.length > partLimit) throw invalidField(path, `has more than ${partLimit} parts`);
  return value.map((part, index) => readPart(part, `${path}[${index}]`));
}

/** Content that can only be text, its parts as lines of their own. */
export function readText(value: Json | undefined, path: string): string {
  const parts = readParts(value, path);
  const image = parts.findIndex(({ kind }) => kind === 'image');
  if (image !== -1) throw invalidField(`${path}[${image}]`, 'is an image, which only users and tools may send');
  return joinedText(parts);
}

/** The texts among the parts, each on lines of its own. */
export function joinedText(parts: readonly Part[]): string {
  const [only] = parts;
  if (parts.length === 1 && only?.kind === 'text') return only.text;
  return parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n');
}

function readPart(value: Json, path: string): Part {
  const part = asObject(value, path);
  const { type } = part;
  switch (typeof type === 'string' ? type : '') {
    case 'text':
    case 'input_text':
    case 'output_text':
      return { kind: 'text', text: asText(part['text'], `${path}.text`, longText) };
    case 'refusal':
      return { kind: 'text', text: asText(part['refusal'], `${path}.refusal`, longText) };
    case 'image_url':
    case 'input_image':
      return readImage(part, path);
    case 'input_audio':
    case 'file':
    case 'input_file':
    case 'video_url':
      throw unsupportedField(path, `has a part of a type which no engine here reads`);
    default:
      throw invalidField(`${path}.type`, 'must be text or image_url');
  }
}

function readImage(part: JsonObject, path: string): Part {
  if (typeof part['file_id'] === 'string') {
    throw unsupportedField(`${path}.file_id`, 'names a stored file, and none are stored here: send the image itself');
  }
  const image = part['image_url'];
  const [url, place] = isObject(image) ? [image['url'], `${path}.image_url.url`] : [image, `${path}.image_url`];
  return { kind: 'image', ...imageFromUrl(asText(url, place, longText), place) };
}
