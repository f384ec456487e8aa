interface Answered {
  /** With its query. */
  readonly path: string;
  /** What the request said of streaming; undefined where it said nothing. */
  readonly streams: boolean | undefined;
  readonly text: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with an answer in the dialect of its path; null when it is in form, from its first event to its last. */
export function complaintAbout({ path, streams, text }: Answered): string | null {
  const [route = ''] = path.split('?');
  switch (route) {
    case '/v1/chat/completions':
      return streams === true ? openAiStream(text) : lacks(one(text), 'choices', 'usage');
    case '/v1/responses':
      return streams === true
        ? eventStream(text, 'response.created', 'response.completed')
        : lacks(one(text), 'output');
    case '/v1/messages':
      return streams === true
        ? eventStream(text, 'message_start', 'message_stop')
        : lacks(one(text), 'content', 'stop_reason', 'usage');
    case '/api/chat':
    case '/api/generate':
      // Ollama streams unless it is told not to.
      return streams === false ? lacks(one(text), 'done') : ollamaStream(text);
    case '/v1/models':
      return lacks(one(text), 'data');
    case '/api/tags':
      return lacks(one(text), 'models');
    case '/api/show':
      return lacks(one(text), 'capabilities', 'model_info', 'details');
    default:
      return `Nobody knows how an answer to ${route} looks.`;
  }
}

function lacks(value: Fields, ...names: readonly string[]): string | null {
  const missing = names.filter((name) => value[name] === undefined);
  return missing.length === 0 ? null : `It lacks ${missing.join(', ')}: ${JSON.stringify(value).slice(0, 500)}`;
}

function one(text: string): Fields {
  return JSON.parse(text) as Fields;
}

/** The data of each event. */
function payloads(text: string): string[] {
  return text
    .split('\n\n')
    .flatMap((block) => block.split('\n').filter((line) => line.startsWith('data:')))
    .map((line) => line.slice('data:'.length).trim());
}

function openAiStream(text: string): string | null {
  const told = payloads(text);
  if (told.at(-1) !== '[DONE]') return `It does not end in [DONE]: ${text.slice(-500)}`;
  const chunks = told.slice(0, -1).map(one);
  const finished = chunks.some(({ choices }) => (choices as Fields[]).some((each) => each['finish_reason'] !== null));
  return finished && chunks.every(({ object }) => object === 'chat.completion.chunk') ? null : text.slice(0, 500);
}

function eventStream(text: string, first: string, last: string): string | null {
  const types = payloads(text).map((each) => one(each)['type']);
  return types[0] === first && types.at(-1) === last ? null : `The events are ${types.join(', ')}.`;
}

function ollamaStream(text: string): string | null {
  const lines = text.trim().split('\n').map(one);
  const ends = lines.map(({ done }) => done === true);
  return ends.indexOf(true) === lines.length - 1 ? null : `The last line is ${JSON.stringify(lines.at(-1))}.`;
}
