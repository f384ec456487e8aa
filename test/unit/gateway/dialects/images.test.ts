import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../electron/agent/base/errors.ts';
import { imageFromBase64, imageFromUrl, judgeImages } from '../../../../electron/agent/gateway/dialects/images.ts';

/** A whole PNG of one pixel. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

function head(bytes: readonly (number | string)[]): string {
  const start = Buffer.concat(
    bytes.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : Buffer.from([piece]))),
  );
  return Buffer.concat([start, Buffer.alloc(64)]).toString('base64');
}

function failure(run: () => unknown): { code: string; message: string; param: unknown } | null {
  try {
    run();
    return null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { code: error.code, message: error.message, param: error.context['param'] };
  }
}

describe('imageFromUrl', () => {
  it('takes a data: address, and knows the format by its bytes', () => {
    expect(imageFromUrl(`data:image/png;base64,${png}`, 'url')).toEqual({ mediaType: 'image/png', base64: png });
    expect(imageFromUrl(`DATA:image/jpg;charset=x;base64,${png}`, 'url').mediaType).toBe('image/png');
  });

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'https://example.com/cat.png',
    'file:///etc/passwd',
    'ftp://x/y.png',
    '//host/x.png',
    'data.example.com/x.png',
    '',
    ' data:image/png;base64,AAAA',
  ])('B46 %j is refused and never fetched', (url) => {
    expect(failure(() => imageFromUrl(url, 'messages[0].content[1].image_url.url'))).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('images are not fetched') as string,
      param: 'messages[0].content[1].image_url.url',
    });
  });

  it.each([
    'data:text/html;base64,PGI+',
    'data:image/svg+xml,<svg/>',
    'data:image/png',
    `data:image/png,${png}`,
    `data:image/svg+xml;base64,${Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"></svg>').toString('base64')}`,
  ])('B45 %j is not an image that an engine reads', (url) => {
    expect(failure(() => imageFromUrl(url, 'url'))).toMatchObject({ code: 'invalid_request', param: 'url' });
  });
});

describe('imageFromBase64', () => {
  it.each([
    ['image/png', png],
    ['image/jpeg', head([0xff, 0xd8, 0xff, 0xe0])],
    ['image/gif', head(['GIF89a', 1, 0, 1, 0])],
    ['image/webp', head(['RIFF', 0, 0, 0, 0, 'WEBPVP8X', 10])],
  ])('knows %s', (mediaType, base64) => {
    expect(imageFromBase64(base64, 'image')).toEqual({ mediaType, base64 });
  });

  it('settles line breaks, missing padding and the letters of addresses', () => {
    const wide = head([0xff, 0xd8, 0xff, 0xfb, 0xff, 0xbf]);
    const odd = `${wide.slice(0, 20)}\r\n${wide.slice(20)}`
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replaceAll('=', '');
    expect(odd).not.toBe(wide);
    expect(imageFromBase64(odd, 'image').base64).toBe(wide);
  });

  it.each(['', 'AAAA', '====', 'not base64!', `${png.slice(0, 40)}<${png.slice(41)}`, png.slice(0, 30)])(
    'B45 a broken image: %j',
    (base64) => {
      expect(failure(() => imageFromBase64(base64, 'images[0]'))).toMatchObject({
        code: 'invalid_request',
        param: 'images[0]',
      });
    },
  );

  it('B45 50 MB: refused by its length', () => {
    const huge = Buffer.from(png, 'base64').toString('base64') + 'A'.repeat(70_000_000);
    expect(failure(() => imageFromBase64(huge, 'image'))?.message).toContain('at most 20 MiB');
  });

  it.each([
    ['JPEG', [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc2, 0, 17, 8, 0xff, 0xff, 0xff, 0xff]],
    ['GIF', ['GIF89a', 0xff, 0xff, 0xff, 0xff]],
    ['WebP VP8X', ['RIFF', 0, 0, 0, 0, 'WEBPVP8X', 10, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0xff, 0xff, 0]],
    ['WebP VP8', ['RIFF', 0, 0, 0, 0, 'WEBPVP8 ', 0, 0, 0, 0, 0, 0, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 0xff, 0x3f]],
    ['WebP VP8L', ['RIFF', 0, 0, 0, 0, 'WEBPVP8L', 0, 0, 0, 0, 0x2f, 0xff, 0xff, 0xff, 0x0f]],
  ])('B45 a %s of enormous pixels', (_name, bytes) => {
    expect(failure(() => imageFromBase64(head(bytes), 'image'))?.message).toContain('million pixels');
  });

  it('takes a JPEG whose frame comes after other segments', () => {
    const base64 = head([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc4, 0, 3, 0, 0xff, 0xc0, 0, 17, 8, 0, 9, 0, 9]);
    expect(imageFromBase64(base64, 'image').mediaType).toBe('image/jpeg');
  });

  it('B45 a JPEG that does not tell its size counts as the largest that is taken', () => {
    const base64 = head([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xd9]);
    const query = (images: number): Parameters<typeof judgeImages>[0] => ({
      operation: 'chat',
      turns: [
        {
          role: 'user',
          parts: Array.from({ length: images }, () => ({ kind: 'image' as const, mediaType: 'image/jpeg', base64 })),
        },
      ],
      tools: [],
      toolChoice: 'auto',
      parallelCalls: null,
      shape: { kind: 'text' },
      thinking: null,
      sampling: {},
      stop: [],
      maxTokens: null,
      logprobs: null,
      keepAlive: null,
    });
    expect(failure(() => judgeImages(query(2)))).toBeNull();
    expect(failure(() => judgeImages(query(3)))?.message).toContain('million pixels together');
  });

  it('B45 a small file of enormous pixels, or of none', () => {
    const bytes = Buffer.from(png, 'base64');
    bytes.writeUInt32BE(60_000, 16);
    bytes.writeUInt32BE(60_000, 20);
    expect(failure(() => imageFromBase64(bytes.toString('base64'), 'image'))?.message).toContain('million pixels');
    bytes.writeUInt32BE(0, 16);
    expect(failure(() => imageFromBase64(bytes.toString('base64'), 'image'))?.message).toContain('without any pixels');
  });
});
