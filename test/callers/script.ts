/** What a program's session says: the words by which the script knows where it is. */
export const hello = 'Good day, this is turn one.';
export const remembered = 'The file is there, and turn one is remembered.';
const forgotten = 'The file is there, but turn one is gone.';
/** The file that a tool makes, in the program's working folder. */
export const proofName = 'ranch-proof.txt';
export const proofText = 'made';
export const firstPrompt = 'Say good day.';
export const secondPrompt = `Now make the file ${proofName} for me.`;

interface Message {
  readonly role: string;
  readonly content?: string | null | readonly { readonly text?: string }[];
}

interface Tool {
  readonly function: {
    readonly name: string;
    readonly parameters?: {
      readonly properties?: Readonly<Record<string, unknown>>;
      readonly required?: readonly string[];
    };
  };
}

/** As much of a request as the script looks at. */
export interface ChatRequest {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages: readonly Message[];
  readonly tools?: readonly Tool[];
}

export type Answer =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly name: string; readonly input: Readonly<Record<string, unknown>> };

/** The script's next line for this request. */
export function decideAnswer({ messages, tools = [] }: ChatRequest): Answer {
  const lastAnswer = messages.findLastIndex(({ role }) => role === 'assistant');
  const since = messages.slice(lastAnswer + 1);
  const before = messages.slice(0, lastAnswer + 1);
  if (since.some(({ role }) => role === 'tool')) {
    return { kind: 'text', text: before.some((each) => textOf(each).includes(hello)) ? remembered : forgotten };
  }
  if (!since.some((each) => each.role === 'user' && textOf(each).includes(secondPrompt))) {
    return { kind: 'text', text: hello };
  }
  const call = callOf(tools);
  if (call) return call;
  const known = before.some((each) => textOf(each).includes(hello));
  return { kind: 'text', text: `${proofName}\n\`\`\`\n${proofText}\n\`\`\`\n\n${known ? remembered : forgotten}\n` };
}

function textOf({ content }: Message): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text }) => text ?? '').join('');
}

/** A call that makes the file with one of these tools: of one that runs commands, else of one that writes files. */
function callOf(tools: readonly Tool[]): Answer | null {
  const runs = tools.find((tool) => /^(?:bash|exec|shell)$/i.test(tool.function.name));
  const writes = tools.find((tool) => /^(?:write|make_file)$/i.test(tool.function.name));
  const tool = runs ?? writes;
  if (!tool) return null;
  const { name, parameters } = tool.function;
  const required = parameters?.required ?? [];
  const values = Object.keys(parameters?.properties ?? {}).flatMap((property) => {
    const value = valueOf(property);
    return value === undefined || (property === 'description' && !required.includes(property))
      ? []
      : [[property, value]];
  });
  return { kind: 'call', name, input: Object.fromEntries(values) as Record<string, unknown> };
}

function valueOf(property: string): string | undefined {
  if (/^(?:command|cmd)$/.test(property)) return `printf ${proofText} > ${proofName}`;
  if (/^(?:file_?path|path|name)$/i.test(property)) return proofName;
  if (/^(?:content|text)$/.test(property)) return proofText;
  if (property === 'description') return 'Makes the file';
  return undefined;
}
