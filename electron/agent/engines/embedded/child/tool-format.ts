import type { LlamaModel, Token } from 'node-llama-cpp';
import type { AnswerReaderOptions, CallStyle } from './answer-reader.ts';
import { withBeginning, type ChatFormat } from './chat-format.ts';
import { toGrammarSchema } from './json-schema.ts';
import type { ChatMessage } from './request.ts';
import { toolTemplateOf, type ToolTemplate } from './tool-template.ts';
import type { Tool, Toolbox } from './tools.ts';

/** What a prompt begins a call with, where one has to be made. */
const callBeginnings: Readonly<Record<CallStyle, string>> = {
  tagged: '<tool_call>\n',
  listed: '[TOOL_CALLS][',
  bare: '',
};
const thinkingBegun = /<think>\s*$/;
/** A character that no text has (Unicode keeps it out of all interchange). */
const cut = '\u{FDD0}';
/** As GGUF files number the kinds of tokens. */
const controlTypes: ReadonlySet<unknown> = new Set([2, 3]);

/** A model whose own template knows tools; null for one whose template does not, or cannot be rendered here. */
export function toolFormat(model: LlamaModel, source: string): ChatFormat | null {
  const words = { bos: model.tokens.bosString ?? '', eos: model.tokens.eosString ?? '' };
  const template = toolTemplateOf(source, words);
  if (!template) return null;
  const controls = controlTexts(model);
  const stops = stopsOf(template, controls);
  const thinks = source.includes('<think>');
  const disarm = disarming(controls);
  return {
    hasTemplate: true,
    hasTools: true,
    prompt({ messages, toolbox, templateValues, shape }) {
      const forced = toolbox?.choice.kind === 'call';
      const tools = (toolbox?.tools ?? []).map((tool) => disarmedTool(tool, disarm));
      const written = template.render(
        messages.map((message) => disarmedMessage(message, disarm)),
        tools,
        templateValues,
      );
      const thinking = thinks && thinkingBegun.test(written);
      // A grammar holds the answer from its first letter on: what would be thought before it has no place.
      const held = forced || shape.kind !== 'text';
      const closed = thinking && held ? `${written.trimEnd()}\n</think>\n\n` : written;
      const text = forced ? closed + callBeginnings[template.style] : closed;
      const reading: AnswerReaderOptions = {
        tools: toolbox && new Set(toolbox.tools.map(({ name }) => name)),
        thinking: !thinks || held ? 'none' : thinking ? 'begun' : 'possible',
        begun: forced ? template.style : null,
        once: forced || toolbox?.parallel === false,
      };
      return {
        tokens: tokensOf(model, text),
        stops,
        trimStart: false,
        reading,
        held: forced ? callSchema(toolbox, template) : null,
      };
    },
  };
}

/** What a call of one of the chosen tools looks like. */
function callSchema({ tools, choice }: Toolbox, { argumentsKey }: ToolTemplate): object {
  const names = choice.kind === 'call' ? choice.names : [];
  const calls = tools
    .filter(({ name }) => names.includes(name))
    .map(({ name, parameters }) => ({
      type: 'object',
      properties: { name: { const: name }, [argumentsKey]: argumentsSchema(parameters) },
      required: ['name', argumentsKey],
      additionalProperties: false,
    }));
  return calls.length === 1 ? (calls[0] ?? {}) : { oneOf: calls };
}

/** A grammar cannot keep every schema: then the call is held to an object, and what is in it is left to the model. */
function argumentsSchema(parameters: object | null): object {
  if (parameters === null) return { type: 'object', properties: {} };
  // A reference counts from the root of the schema, which the arguments no longer are.
  if (JSON.stringify(parameters).includes('"$ref"')) return { type: 'object' };
  try {
    return toGrammarSchema(parameters);
  } catch {
    return { type: 'object' };
  }
}

/** Tokens of a text in which the control tokens are meant, but for those that a {@link cut} goes through. */
function tokensOf(model: LlamaModel, text: string): Token[] {
  const pieces = text.split(cut).filter((piece) => piece !== '');
  return withBeginning(
    model,
    pieces.flatMap((piece) => model.tokenize(piece, true)),
  );
}

/** The texts of the model's control tokens, such as <|im_end|>. */
function controlTexts(model: LlamaModel): readonly string[] {
  const { tokens, token_type: types } = model.fileInfo.metadata.tokenizer.ggml;
  return tokens.filter((text, index) => text.length > 1 && controlTypes.has(types[index]));
}

/** Puts a {@link cut} into every control token that a caller wrote: it is read as the letters that it is made of. */
function disarming(controls: readonly string[]): (text: string) => string {
  if (controls.length === 0) return (text) => text.replaceAll(cut, '');
  const longestFirst = [...controls].sort((a, b) => b.length - a.length);
  const any = new RegExp(
    longestFirst.map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|\-/]/g, String.raw`\$&`)).join('|'),
    'g',
  );
  return (text) => text.replaceAll(cut, '').replace(any, (control) => control.charAt(0) + cut + control.slice(1));
}

function disarmedMessage(message: ChatMessage, disarm: (text: string) => string): ChatMessage {
  const content = disarm(message.content);
  if (message.role === 'tool') {
    return { ...message, content, name: message.name === null ? null : disarm(message.name) };
  }
  if (message.role !== 'assistant') return { ...message, content };
  const { toolCalls, reasoning } = message;
  return {
    ...message,
    content,
    ...(reasoning !== undefined && { reasoning: disarm(reasoning) }),
    ...(toolCalls && {
      toolCalls: toolCalls.map((call) => ({
        ...call,
        id: disarm(call.id),
        name: disarm(call.name),
        arguments: disarm(call.arguments),
      })),
    }),
  };
}

function disarmedTool({ name, description, parameters }: Tool, disarm: (text: string) => string): Tool {
  return {
    name,
    description: description === null ? null : disarm(description),
    parameters: parameters && (JSON.parse(disarm(JSON.stringify(parameters))) as object),
  };
}

/** A control token right behind an answer ends it, even where the model's file does not say so. */
function stopsOf({ afterAnswer }: ToolTemplate, controls: readonly string[]): readonly string[] {
  const behind = afterAnswer.trimStart();
  const stop = controls.filter((text) => behind.startsWith(text)).sort((a, b) => b.length - a.length)[0];
  return stop === undefined ? [] : [stop];
}
