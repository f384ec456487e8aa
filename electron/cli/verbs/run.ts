import { ChatMeter, type ChatFigures } from '../chat-meter.ts';
import { exitCodes, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { CliError, wrongUsage } from '../failure.ts';
import { counted, speed, took } from '../output/figures.ts';
import { makePalette, wantsColour } from '../output/palette.ts';
import { dotted } from '../output/spans.ts';
import { safeBlock, safeJson } from '../output/text.ts';
import { openSession } from '../session.ts';
import { stopOnSignals } from '../stop.ts';

/** A prompt longer than this cannot be meant for a terminal's pipe; the gateway's own limit is in its settings. */
const longestPrompt = 32 * 1024 * 1024;

/**
 * `ranch-hand run MODEL [PROMPT]`: the answer on standard output as it comes, the figures on standard error, so that
 * the answer can be piped on. With `--json`, one event a line: `text` pieces, then `done` with the figures.
 */
export async function run(
  context: CliContext,
  options: CommonOptions,
  model: string,
  words: string | undefined,
): Promise<ExitCode> {
  const prompt = words ?? (await promptFrom(context.stdin));
  if (prompt.trim() === '') throw wrongUsage('The prompt is empty. Give it after the model, or pipe it in.');
  const { client } = await openSession(context, options);
  const answer = new AnswerWriter(context, options.json === true);
  const meter = new ChatMeter(performance.now());
  const stop = stopOnSignals();
  try {
    await client.chat(
      { model, messages: [{ role: 'user', content: prompt }] },
      (chunk) => {
        answer.text(meter.read(chunk, performance.now()));
      },
      stop.signal,
    );
  } finally {
    stop.dispose();
    answer.endLine();
  }
  if (stop.signal.aborted) throw new CliError('interrupted', 'The answer was stopped.', stop.exitCode);
  answer.done(meter.figures(performance.now()));
  return exitCodes.done;
}

class AnswerWriter {
  readonly #context: CliContext;
  readonly #json: boolean;
  #openLine = false;

  constructor(context: CliContext, json: boolean) {
    this.#context = context;
    this.#json = json;
  }

  text(piece: string): void {
    if (piece === '') return;
    const { stdout } = this.#context;
    if (this.#json) {
      stdout.write(`${safeJson({ type: 'text', text: piece })}\n`);
      return;
    }
    // A model's words can hold control sequences. A file gets them as they are, a terminal must not obey them.
    stdout.write(stdout.isTTY ? safeBlock(piece) : piece);
    this.#openLine = !piece.endsWith('\n');
  }

  endLine(): void {
    if (this.#openLine) this.#context.stdout.write('\n');
    this.#openLine = false;
  }

  done(figures: ChatFigures): void {
    const { stdout, stderr, env } = this.#context;
    if (this.#json) stdout.write(`${safeJson({ type: 'done', ...figures })}\n`);
    else stderr.write(`${makePalette(wantsColour(stderr.isTTY, env)).dim(figuresText(figures))}\n`);
  }
}

function figuresText(figures: ChatFigures): string {
  return dotted([
    figures.completionTokens === null ? null : counted(figures.completionTokens, 'token'),
    figures.tokensPerSecond === null ? null : `${speed(figures.tokensPerSecond)} tok/s`,
    figures.ttftMs === null ? null : `first token after ${took(figures.ttftMs)}`,
    `${took(figures.durationMs)} in all`,
    figures.finishReason === 'length' ? 'cut at the length limit' : null,
  ]);
}

async function promptFrom(stdin: NodeJS.ReadStream): Promise<string> {
  if (stdin.isTTY) throw wrongUsage('There is no prompt. Give it after the model, or pipe it in.');
  stdin.setEncoding('utf8');
  let text = '';
  for await (const piece of stdin as AsyncIterable<string>) {
    text += piece;
    if (text.length > longestPrompt) throw new CliError('payload_too_large', 'The prompt is longer than 32 MiB.');
  }
  return text;
}
