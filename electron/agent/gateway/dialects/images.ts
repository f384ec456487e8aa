import { AppError } from '../../base/errors.ts';
import { invalidField } from './fields.ts';
import type { Part, Query } from './query.ts';

/** An image that was looked at: real base64 of one of the formats that engines read. */
export interface CheckedImage {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/webp' | 'image/gif';
  /** Padded, without line breaks. */
  readonly base64: string;
}

const limitBytes = 20 * 1024 * 1024;
/** Enough of the beginning to know the format by, and less than any whole image has. */
const headBytes = 30;
/** Beyond this an engine's decoder takes gigabytes for a file of a few kilobytes. */
const pixelLimit = 100_000_000;
/** Of all images of a request: engines hold them unpacked side by side, three bytes a pixel and more. */
const togetherLimit = 200_000_000;

/**
 * The image in a `data:` address. Any other address is refused and never asked: fetching what a caller names would let
 * callers reach into this machine and its networks.
 *
 * @throws AppError `invalid_request` naming `path`
 */
export function imageFromUrl(url: string, path: string): CheckedImage {
  if (!startsWithIgnoringCase(url, 'data:')) {
    throw invalidField(path, 'must be a data:image/ address: images are not fetched, send the image itself as base64');
  }
  const comma = url.indexOf(',');
  const head = comma === -1 || comma > 256 ? '' : url.slice('data:'.length, comma).toLowerCase();
  if (!head.startsWith('image/')) throw invalidField(path, 'must be a data:image/ address');
  if (!head.endsWith(';base64')) throw invalidField(path, 'must hold its image as base64');
  return imageFromBase64(url.slice(comma + 1), path);
}

/**
 * The image in base64 alone. What kind it is, its bytes say: what callers declare is often wrong.
 *
 * @throws AppError `invalid_request` naming `path`
 */
export function imageFromBase64(received: string, path: string): CheckedImage {
  if (received.length > Math.ceil(limitBytes / 3) * 4 * 1.1) throw tooLarge(path);
  const base64 = settled(received, path);
  if ((base64.length / 4) * 3 > limitBytes + 2) throw tooLarge(path);
  const head = Buffer.from(base64.slice(0, 40), 'base64');
  const mediaType = mediaTypeOf(head);
  if (mediaType === null || head.length < headBytes) {
    throw invalidField(path, 'must be a PNG, JPEG, WebP or GIF image');
  }
  const size = sizeOf(mediaType, head, base64);
  if (size && (size.width === 0 || size.height === 0)) throw invalidField(path, 'is an image without any pixels');
  if (size && size.width * size.height > pixelLimit) {
    throw invalidField(path, `is an image of more than ${pixelLimit / 1_000_000} million pixels`);
  }
  return { mediaType, base64 };
}

/**
 * Judges all images of a request together, each of which was looked at.
 *
 * @throws AppError `invalid_request`
 */
export function judgeImages(query: Query): void {
  if (query.operation !== 'chat') return;
  const parts = query.turns.flatMap((turn): readonly Part[] => ('parts' in turn ? turn.parts : []));
  const pixels = parts.reduce((sum, part) => sum + (part.kind === 'image' ? pixelsOf(part.base64) : 0), 0);
  if (pixels <= togetherLimit) return;
  const message = `The images of the request have more than ${togetherLimit / 1_000_000} million pixels together. Send fewer or smaller ones.`;
  throw new AppError('invalid_request', message);
}

function pixelsOf(base64: string): number {
  const head = Buffer.from(base64.slice(0, 40), 'base64');
  const mediaType = mediaTypeOf(head);
  const size = mediaType === null ? null : sizeOf(mediaType, head, base64);
  // What does not tell its size may have any, up to what one image may have.
  return size === null ? pixelLimit : size.width * size.height;
}

function tooLarge(path: string): Error {
  return invalidField(path, `must be an image of at most ${limitBytes / 1024 / 1024} MiB`);
}

/** Callers break lines, leave the padding out or use the letters for addresses; engines want none of that. */
function settled(received: string, path: string): string {
  if (received.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(received)) return received;
  if (!/^[A-Za-z0-9+/_\-\s]+={0,2}\s*$/.test(received)) throw invalidField(path, 'is not valid base64');
  return Buffer.from(received, 'base64').toString('base64');
}

function mediaTypeOf(head: Buffer): CheckedImage['mediaType'] | null {
  const text = head.toString('latin1');
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'image/gif';
  if (text.startsWith('RIFF') && text.startsWith('WEBP', 8)) return 'image/webp';
  return null;
}

interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** As the image's own head tells; null where it does not. `base64` is read for JPEG alone, which hides it further in. */
function sizeOf(mediaType: CheckedImage['mediaType'], head: Buffer, base64: string): PixelSize | null {
  switch (mediaType) {
    case 'image/png':
      return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
    case 'image/gif':
      return { width: head.readUInt16LE(6), height: head.readUInt16LE(8) };
    case 'image/webp':
      return webpSize(head);
    case 'image/jpeg':
      return jpegSize(Buffer.from(base64, 'base64'));
  }
}

function webpSize(head: Buffer): PixelSize | null {
  switch (head.toString('latin1', 12, 16)) {
    case 'VP8X':
      return { width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1 };
    case 'VP8 ':
      return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff };
    case 'VP8L': {
      const bits = head.readUInt32LE(21);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    default:
      return null;
  }
}

/** Walks the segments up to the one that begins the frame. */
function jpegSize(bytes: Buffer): PixelSize | null {
  let at = 2;
  while (at + 9 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1] ?? 0;
    // C4, C8 and CC lie among the frames' markers and are none.
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    at += marker === 0xff ? 1 : 2 + Math.max(2, bytes.readUInt16BE(at + 2));
  }
  return null;
}

function startsWithIgnoringCase(text: string, prefix: string): boolean {
  return text.slice(0, prefix.length).toLowerCase() === prefix;
}
