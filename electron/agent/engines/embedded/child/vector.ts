/** The first values of a vector, brought back to length 1 as OpenAI does; a vector that needs no cut stays as it is. */
export function cutVector(vector: readonly number[], dimensions: number): number[] {
  if (dimensions >= vector.length) return [...vector];
  const cut = vector.slice(0, dimensions);
  const norm = Math.hypot(...cut);
  return norm === 0 ? cut : cut.map((value) => value / norm);
}
