import {
  JinjaTemplateChatWrapper,
  SpecialTokensText,
  type LlamaModel,
  type LlamaText,
  type Token,
} from 'node-llama-cpp';
import { refuse } from './fields.ts';
import type { ChatMessage } from './request.ts';

/** A conversation as the model reads it, and what ends its answer besides its own end token. */
export interface ChatPrompt {
  readonly tokens: Token[];
  readonly stops: readonly string[];
  /** The transcript ends without a space, so the model begins its answer with one that belongs to the form. */
  readonly trimStart: boolean;
}

/** How this model is asked: by the chat template in its file, or as a plain transcript when it has none. */
export interface ChatFormat {
  readonly hasTemplate: boolean;
  prompt(messages: readonly ChatMessage[]): ChatPrompt;
}

const plainNames = { system: '', user: 'User: ', assistant: 'Assistant: ' } as const;

/**
 * The transcript a model without a chat template continues. It would go on to write the other side's lines too, so a
 * new line in the user's name ends the answer.
 */
function plainTranscript(messages: readonly ChatMessage[]): { text: string; stops: readonly string[] } {
  const lines = messages.map(({ role, content }) => `${plainNames[role]}${content.trim()}\n`);
  return { text: `${lines.join('')}Assistant:`, stops: ['\nUser:', '\nAssistant:'] };
}

export function chatFormatOf(model: LlamaModel): ChatFormat {
  const template: unknown = model.fileInfo.metadata.tokenizer.chat_template;
  return typeof template === 'string' && template.trim() !== '' ? templateFormat(model, template) : plainFormat(model);
}

/** Puts the beginning-of-sequence token in front if the model wants one and the text did not bring it. */
export function withBeginning(model: LlamaModel, tokens: Token[]): Token[] {
  const { bos, shouldPrependBosToken } = model.tokens;
  return bos !== null && shouldPrependBosToken && tokens[0] !== bos ? [bos, ...tokens] : tokens;
}

function plainFormat(model: LlamaModel): ChatFormat {
  return {
    hasTemplate: false,
    prompt(messages) {
      const { text, stops } = plainTranscript(messages);
      return { tokens: withBeginning(model, model.tokenize(text, false)), stops, trimStart: true };
    },
  };
}

/**
 * The library renders the template around placeholders and hands back which parts came from the template and which
 * from the messages, so that control tokens written in a message stay plain text.
 */
function templateFormat(model: LlamaModel, template: string): ChatFormat {
  const wrapper = new JinjaTemplateChatWrapper({
    template,
    tokenizer: model.tokenizer,
    functionCallMessageTemplate: 'noJinja',
    joinAdjacentMessagesOfTheSameType: false,
    trimLeadingWhitespaceInResponses: false,
  });
  return {
    hasTemplate: true,
    prompt(messages) {
      try {
        const state = wrapper.generateContextState({
          chatHistory: [...messages.map(toHistory), { type: 'model', response: [''] }],
        });
        const tokens = withBeginning(model, state.contextText.tokenize(model.tokenizer));
        return { tokens, stops: controlStops(state.stopGenerationTriggers), trimStart: false };
      } catch (error) {
        throw refuse(`The model's chat template does not accept these messages: ${firstLine(error)}`);
      }
    },
  };
}

type History = Parameters<JinjaTemplateChatWrapper['generateContextState']>[0]['chatHistory'][number];

function toHistory({ role, content }: ChatMessage): History {
  switch (role) {
    case 'system':
      return { type: 'system', text: content };
    case 'user':
      return { type: 'user', text: content };
    case 'assistant':
      return { type: 'model', response: [content] };
  }
}

/** Of the texts that follow an answer in the template only marks end it; a mere line break also stands inside answers. */
function controlStops(triggers: readonly LlamaText[]): string[] {
  return triggers
    .filter((trigger) => trigger.values.every((value) => value instanceof SpecialTokensText))
    .map((trigger) =>
      trigger.values
        .map((value) => value.toString())
        .join('')
        .trim(),
    )
    .filter((text) => text !== '');
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]?.slice(0, 200) ?? '';
}
