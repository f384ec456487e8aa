/** What a name asks for: a model wherever it is, or the one of the upstream that it names too. */
export interface ModelReading {
  readonly form: 'plain' | 'at' | 'slash';
  /** As an upstream lists it; in front of an `@` also a name of ours. */
  readonly base: string;
  /** The only upstream that is meant; null for any. */
  readonly only: string | null;
}

/** What has to be known of the upstreams to read a name. */
export interface KnownUpstreams {
  /** Whether one that costs nothing has a model of exactly this name. */
  isNear(name: string): boolean;
  has(upstream: string): boolean;
}

/**
 * A name as an upstream lists it comes first, for it may have a slash or an @ in it; then `model@upstream`; then
 * `provider/model`.
 */
export function readModelName(name: string, known: KnownUpstreams): ModelReading {
  const plain: ModelReading = { form: 'plain', base: name, only: null };
  if (known.isNear(name)) return plain;
  const at = name.lastIndexOf('@');
  if (at > 0 && known.has(name.slice(at + 1))) return { form: 'at', base: name.slice(0, at), only: name.slice(at + 1) };
  const slash = name.indexOf('/');
  if (slash > 0 && known.has(name.slice(0, slash)))
    return { form: 'slash', base: name.slice(slash + 1), only: name.slice(0, slash) };
  return plain;
}
