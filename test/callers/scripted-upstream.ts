/**
 * An upstream that follows a script, in a process of its own: `node scripted-upstream.ts`. It speaks the OpenAI dialect
 * and prints its port. A plain request gets a text; one whose last words ask for the proof gets a call of whatever tool
 * can make a file, or a listing of the file where no tools came along; the tool's result gets a closing text, which
 * tells whether the first turn was still there. It ends when its stdin does.
 */
import { createServer, type ServerResponse } from 'node:http';
import { decideAnswer, type Answer, type ChatRequest } from './script.ts';

const base = (model: string): object => ({ id: 'chatcmpl-script', created: 1767225600, model });
const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };

function message(answer: Answer): object {
  if (answer.kind === 'text') return { role: 'assistant', content: answer.text };
  const { name, input } = answer;
  return {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'call_script_1', type: 'function', function: { name, arguments: JSON.stringify(input) } }],
  };
}

/** A text word by word, a call with its arguments in two pieces. */
function deltas(answer: Answer): object[] {
  if (answer.kind === 'text') return answer.text.split(/(?<= )/).map((content) => ({ content }));
  const text = JSON.stringify(answer.input);
  const call = { index: 0, id: 'call_script_1', type: 'function', function: { name: answer.name, arguments: '' } };
  const piece = (part: string): object => ({ tool_calls: [{ index: 0, function: { arguments: part } }] });
  return [{ tool_calls: [call] }, piece(text.slice(0, 7)), piece(text.slice(7))];
}

function stream(response: ServerResponse, request: ChatRequest, answer: Answer): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const say = (more: object): void => {
    const whole = { ...base(request.model), object: 'chat.completion.chunk', ...more };
    response.write(`data: ${JSON.stringify(whole)}\n\n`);
  };
  const finish = answer.kind === 'text' ? 'stop' : 'tool_calls';
  say({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] });
  for (const delta of deltas(answer)) say({ choices: [{ index: 0, delta, finish_reason: null }] });
  say({ choices: [{ index: 0, delta: {}, finish_reason: finish }] });
  say({ choices: [], usage });
  response.end('data: [DONE]\n\n');
}

function answerChat(response: ServerResponse, request: ChatRequest): void {
  const answer = decideAnswer(request);
  if (request.stream === true) {
    stream(response, request, answer);
    return;
  }
  const finish = answer.kind === 'text' ? 'stop' : 'tool_calls';
  const choices = [{ index: 0, message: message(answer), finish_reason: finish }];
  send(response, 200, { ...base(request.model), object: 'chat.completion', choices, usage });
}

function send(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  request.on('end', () => {
    if (request.url === '/v1/models')
      send(response, 200, { object: 'list', data: [{ id: 'scripted', object: 'model' }] });
    else if (request.url === '/v1/chat/completions') answerChat(response, JSON.parse(text) as ChatRequest);
    else send(response, 404, { error: { message: `No route ${request.url ?? ''}.`, type: 'invalid_request_error' } });
  });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
