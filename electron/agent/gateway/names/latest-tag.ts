const tag = ':latest';

/** Ollama's `name` and `name:latest` are one model, and it lists the long form: the short one of either. */
export function withoutLatest(name: string): string {
  return name.length > tag.length && name.endsWith(tag) ? name.slice(0, -tag.length) : name;
}

/** The long form of either. */
export function withLatest(name: string): string {
  return `${withoutLatest(name)}${tag}`;
}
