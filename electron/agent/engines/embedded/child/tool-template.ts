import { Template } from '@huggingface/jinja';
import type { CallStyle } from './answer-reader.ts';
import { refuse } from './fields.ts';
import type { ChatMessage } from './request.ts';
import type { Tool } from './tools.ts';

/** What a template is given besides the messages. */
export interface TemplateWords {
  readonly bos: string;
  readonly eos: string;
}

/** A model's own template, which writes tools, calls and their results into a prompt. */
export interface ToolTemplate {
  readonly style: CallStyle;
  /** What the model calls the arguments of a call. */
  readonly argumentsKey: 'arguments' | 'parameters';
  /** What follows an answer in a conversation, up to the next message. */
  readonly afterAnswer: string;
  /**
   * The prompt for the next answer. `values`: what a caller adds to the template's own names.
   *
   * @throws AppError `invalid_request` where the template does not accept the messages
   */
  render(
    messages: readonly ChatMessage[],
    tools: readonly Tool[],
    values: Readonly<Record<string, string | number | boolean>>,
  ): string;
}

const probeName = 'probe_of_tools';
const probeValue = 'probe_of_arguments';
const probeAnswer = 'probe_of_answer';
const probeTool: Tool = { name: probeName, description: probeName, parameters: { type: 'object', properties: {} } };
const user: ChatMessage = { role: 'user', content: 'x' };

/** Null for a template that says nothing of tools, or that cannot be rendered here. */
export function toolTemplateOf(source: string, words: TemplateWords): ToolTemplate | null {
  try {
    const template = new Template(source);
    const withTools = (render: Render): boolean => render([user], [probeTool], {}).includes(probeName);
    const objects = renderWith(template, words, true);
    if (!withTools(objects)) return null;
    const render = showsArguments(objects) ? objects : renderWith(template, words, false);
    return {
      style: styleOf(source),
      argumentsKey: /"parameters":\s*dictionary/.test(source) ? 'parameters' : 'arguments',
      afterAnswer: afterAnswerOf(render),
      render: (...given) => {
        try {
          return render(...given);
        } catch (error) {
          const said = error instanceof Error ? error.message : String(error);
          throw refuse(
            `The model's chat template does not accept these messages: ${said.split('\n', 1)[0]?.slice(0, 200) ?? ''}`,
            'messages',
          );
        }
      },
    };
  } catch {
    return null;
  }
}

function styleOf(source: string): CallStyle {
  if (source.includes('<tool_call>')) return 'tagged';
  return source.includes('[TOOL_CALLS]') ? 'listed' : 'bare';
}

type Render = ToolTemplate['render'];

function renderWith(template: Template, { bos, eos }: TemplateWords, objects: boolean): Render {
  return (messages, tools, values) =>
    template.render({
      ...values,
      messages: messages.map((message) => toTemplate(message, objects)),
      ...(tools.length > 0 && { tools: tools.map(toFunction) }),
      add_generation_prompt: true,
      bos_token: bos,
      eos_token: eos,
    });
}

/** Some templates write the arguments as an object into the prompt, some as the text that a caller sends. */
function showsArguments(render: Render): boolean {
  const call = { id: '123456789', name: probeName, arguments: JSON.stringify({ a: probeValue }) };
  try {
    const messages = [user, { role: 'assistant', content: '', toolCalls: [call] }] as const;
    const text = render(messages, [probeTool], {});
    return text.includes(probeValue) && !text.includes('[object');
  } catch {
    return false;
  }
}

function afterAnswerOf(render: Render): string {
  try {
    const text = render([user, { role: 'assistant', content: probeAnswer }, user], [], {});
    return text.slice(text.indexOf(probeAnswer) + probeAnswer.length);
  } catch {
    return '';
  }
}

function toFunction({ name, description, parameters }: Tool): object {
  return {
    type: 'function',
    function: {
      name,
      ...(description !== null && { description }),
      parameters: parameters ?? { type: 'object', properties: {} },
    },
  };
}

function toTemplate(message: ChatMessage, objects: boolean): object {
  const { role, content } = message;
  if (role === 'tool') {
    return {
      role,
      content,
      ...(message.callId !== null && { tool_call_id: message.callId }),
      ...(message.name !== null && { name: message.name }),
    };
  }
  if (role !== 'assistant') return { role, content };
  return {
    role,
    content,
    ...(message.reasoning !== undefined && { reasoning_content: message.reasoning }),
    ...(message.toolCalls && {
      tool_calls: message.toolCalls.map((call) => ({
        id: call.id,
        type: 'function',
        function: { name: call.name, arguments: objects ? parsed(call.arguments) : call.arguments },
      })),
    }),
  };
}

/** Arguments that are no JSON stay the text that they are. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return json;
  }
}
