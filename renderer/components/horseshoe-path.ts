type Point = readonly [x: number, y: number];
type Curve = readonly [Point, Point, Point, Point];

/** The shoe's middle line from its left heel over the toe to its right heel, in a box of 200 × 200. */
const curves: readonly Curve[] = [
  [
    [57, 186],
    [34, 160],
    [22, 130],
    [22, 98],
  ],
  [
    [22, 98],
    [22, 50],
    [56, 18],
    [100, 18],
  ],
  [
    [100, 18],
    [144, 18],
    [178, 50],
    [178, 98],
  ],
  [
    [178, 98],
    [178, 130],
    [166, 160],
    [143, 186],
  ],
];

/** The middle line as SVG path data. */
export const horseshoePath = curves
  .map(
    ([from, a, b, to], index) =>
      `${index === 0 ? `M${from.join(' ')}` : ''}C${a.join(' ')} ${b.join(' ')} ${to.join(' ')}`,
  )
  .join('');

const stepsPerCurve = 40;

/** Most nails that stay apart from each other. */
const mostNails = 16;

/** `count` places spread evenly along the shoe, clear of its heels; none when there are too many to tell apart. */
export function nailPlaces(count: number): Point[] {
  if (count < 1 || count > mostNails) return [];
  const line = curves.flatMap((curve) =>
    Array.from({ length: stepsPerCurve }, (_, step) => pointOn(curve, step / stepsPerCurve)),
  );
  const lengths: number[] = [0];
  for (let index = 1; index < line.length; index += 1) {
    lengths.push((lengths[index - 1] ?? 0) + distance(line[index - 1], line[index]));
  }
  const total = lengths.at(-1) ?? 0;
  return Array.from({ length: count }, (_, nail) => {
    const wanted = (total * (nail + 0.5)) / count;
    const index = lengths.findIndex((length) => length >= wanted);
    return line[index] ?? [100, 18];
  });
}

function pointOn([from, a, b, to]: Curve, t: number): Point {
  const rest = 1 - t;
  const at = (axis: 0 | 1): number =>
    rest ** 3 * from[axis] + 3 * rest ** 2 * t * a[axis] + 3 * rest * t ** 2 * b[axis] + t ** 3 * to[axis];
  return [at(0), at(1)];
}

function distance(from: Point | undefined, to: Point | undefined): number {
  return from === undefined || to === undefined ? 0 : Math.hypot(to[0] - from[0], to[1] - from[1]);
}
