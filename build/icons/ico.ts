/** One drawing of an icon at one size. */
export interface IcoImage {
  /** Width and height in pixels, 1–256. */
  readonly size: number;
  /** Straight (not premultiplied) RGBA, top row first. */
  readonly rgba: Uint8Array;
  readonly png: Uint8Array;
}

const headerBytes = 6;
const entryBytes = 16;

/** A Windows icon file. Sizes below 256 are stored as bitmaps, which every reader knows; 256 as PNG, as is usual. */
export function encodeIco(images: readonly IcoImage[]): Buffer {
  const bodies = images.map((image) => (image.size < 256 ? bitmap(image) : Buffer.from(image.png)));
  const head = Buffer.alloc(headerBytes + entryBytes * images.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(images.length, 4);
  let offset = head.length;
  images.forEach((image, index) => {
    const at = headerBytes + entryBytes * index;
    const body = bodies[index] ?? Buffer.alloc(0);
    // A size of 256 is written as 0.
    head.writeUInt8(image.size % 256, at);
    head.writeUInt8(image.size % 256, at + 1);
    head.writeUInt16LE(1, at + 4);
    head.writeUInt16LE(32, at + 6);
    head.writeUInt32LE(body.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += body.length;
  });
  return Buffer.concat([head, ...bodies]);
}

/** A 32-bit bottom-up bitmap with the (unused, all zero) mask that the format wants after it. */
function bitmap({ size, rgba }: IcoImage): Buffer {
  const maskStride = Math.ceil(size / 32) * 4;
  const body = Buffer.alloc(40 + size * size * 4 + maskStride * size);
  body.writeUInt32LE(40, 0);
  body.writeInt32LE(size, 4);
  // The height counts colour and mask rows.
  body.writeInt32LE(size * 2, 8);
  body.writeUInt16LE(1, 12);
  body.writeUInt16LE(32, 14);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const from = (y * size + x) * 4;
      const to = 40 + ((size - 1 - y) * size + x) * 4;
      body[to] = rgba[from + 2] ?? 0;
      body[to + 1] = rgba[from + 1] ?? 0;
      body[to + 2] = rgba[from] ?? 0;
      body[to + 3] = rgba[from + 3] ?? 0;
    }
  }
  return body;
}
