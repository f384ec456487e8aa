/**
 * A key under which any of the dialects has text, thinking, or the arguments of a call, with something in it, or a list of
 * calls. Quotes within a text are escaped, so no text looks like this.
 */
const words =
  /"(?:content|text|response|refusal|reasoning|reasoning_content|thinking|arguments|partial_json)"\s*:\s*"[^"]|"tool_calls"\s*:\s*\[\s*\{|"arguments"\s*:\s*\{/;

/**
 * Whether a piece of an answer has the beginning of what the model wrote in it, rather than whose turn it is or how far the
 * prompt is read. Of words that are split between two pieces the next ones tell.
 */
export function hasWords(bytes: Buffer, start: number, end: number): boolean {
  return words.test(bytes.toString('latin1', start, end));
}
