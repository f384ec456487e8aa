/** The dialects a program can be told to speak; `responses` is the younger one of OpenAI's two. */
export const apis = ['openai', 'responses', 'anthropic', 'ollama'] as const;
export type Api = (typeof apis)[number];

/** What a configuration is made from. */
export interface Target {
  /** The gateway's address without a path and without a slash at its end. */
  readonly url: string;
  readonly model: string;
  /** Tokens of prompt and answer together. */
  readonly contextLength: number;
  /** Tokens that an answer may have. */
  readonly maxOutput: number;
  readonly vision: boolean;
  /** The caller's key, or a placeholder where the node asks for none. */
  readonly key: string;
  readonly api: Api;
}

/** Where a program keeps its settings on this machine. */
export interface Places {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/** A value that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

/**
 * A file of the program's own and what has to stand in it. `json`: the settings are merged into it. `yaml-keys`: each
 * key of the top level, with its lines, is replaced. `yaml-list`: entries between two marks are replaced, else added.
 */
export type ConfigFile =
  | { readonly format: 'json'; readonly path: string; readonly settings: JsonObject }
  | { readonly format: 'yaml-keys'; readonly path: string; readonly keys: Readonly<Record<string, readonly string[]>> }
  | { readonly format: 'yaml-list'; readonly path: string; readonly entries: readonly string[] };

/** How one program is pointed at this node. */
export interface Connection {
  readonly file: ConfigFile | null;
  /** Environment variables that it needs, beside the file. */
  readonly env: Readonly<Record<string, string>>;
  /** Shell lines that have to run once, before it is used. */
  readonly once: readonly string[];
  /** A shell line that shows whether it works. */
  readonly tryOut: string;
  /** Lines of a program's source that use it, for libraries. */
  readonly code: readonly string[];
  readonly notes: readonly string[];
}

/** A connection with nothing but what is given. */
export function connection(parts: Partial<Connection> & Pick<Connection, 'tryOut'>): Connection {
  return { file: null, env: {}, once: [], code: [], notes: [], ...parts };
}

/** `text` as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_/:=.,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** `text` as a scalar of YAML: a JSON string is one. */
export function yamlScalar(text: string): string {
  return JSON.stringify(text);
}
