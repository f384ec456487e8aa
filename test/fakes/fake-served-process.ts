import { createServer, type ServerResponse } from 'node:http';

/**
 * Stands in for an engine's process that serves HTTP, and misbehaves as its arguments say:
 * `node fake-served-process.ts [WORD…]`. Writes `listening PORT` to its stdout, and `ready` once it is.
 *
 * - `exit-at-once`: writes 60 lines and ends with code 3 · `exhaust-memory`: allocates until it dies
 * - `load-until-told`: ready when `POST /order/ready` comes
 * - `ignore-sigterm`: deaf to SIGTERM, says so · `silent-health`: /health never answers
 * - `answer-until-told`: an answer has no byte until `POST /order/answer` comes
 * - `wedge`: a streamed answer stops after its second piece for ever; /health goes on
 * - `flood`: writes 32 MiB without a line break to stdout and to stderr before it is ready
 *
 * A plain answer is `{"text":"hello"}`; a streamed one says hello twenty times, with pauses as real tokens have.
 */
const words = new Set(process.argv.slice(2));

if (words.has('exit-at-once')) {
  for (let line = 1; line <= 60; line += 1) console.error(`line ${line}`);
  process.exit(3);
}
if (words.has('exhaust-memory')) {
  const held: unknown[] = [];
  for (;;) held.push(Array.from({ length: 10_000 }, () => ({ held: held.length })));
}
if (words.has('ignore-sigterm')) process.on('SIGTERM', () => process.stderr.write('not yet\n'));

const waiting: (() => void)[] = [];

function sayReady(): void {
  process.stdout.write('ready\n');
}

function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let said = 0;
  const say = (): void => {
    if (response.destroyed) return;
    response.write('data: hello\n\n');
    said += 1;
    if (words.has('wedge') && said === 2) return;
    if (said === 20) response.end('data: [DONE]\n\n');
    else setTimeout(say, 20);
  };
  say();
}

function answer(body: string, response: ServerResponse): void {
  const respond = (): void => {
    if (body.includes('"stream":true')) stream(response);
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"text":"hello"}');
  };
  if (words.has('answer-until-told')) {
    process.stdout.write('asked\n');
    waiting.push(respond);
  } else respond();
}

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    switch (request.url ?? '') {
      case '/health':
        if (!words.has('silent-health')) response.end('{"status":"ok"}');
        return;
      case '/order/ready':
        sayReady();
        response.end();
        return;
      case '/order/answer':
        for (const respond of waiting.splice(0)) respond();
        response.end();
        return;
      default:
        answer(body, response);
    }
  });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`listening ${typeof address === 'object' && address ? address.port : 0}\n`);
  if (!words.has('flood')) {
    if (!words.has('load-until-told')) sayReady();
    return;
  }
  const flood = Buffer.alloc(32 * 1024 * 1024, 'x');
  process.stderr.write(flood, () => process.stdout.write(flood, () => process.stdout.write('\nready\n')));
});
