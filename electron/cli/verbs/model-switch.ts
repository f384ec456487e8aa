import { resolve } from 'node:path';
import { digestTyped, type CommandAnswer } from '../../contract/control.ts';
import type { NodeSnapshot, PullSnapshot, SwitchSnapshot } from '../../contract/snapshot.ts';
import { exitCodes, type CliContext, type CommonOptions, type ExitCode } from '../context.ts';
import { CliError } from '../failure.ts';
import { followUntil } from '../follow.ts';
import { bytes, span } from '../output/figures.ts';
import { ProgressLine } from '../output/progress-line.ts';
import { pullHasEnded, pullProgress, switchHasEnded, switchProgress } from '../output/pull-view.ts';
import { safeJson, safeLine } from '../output/text.ts';
import { openSession, type Session } from '../session.ts';

export interface UseOptions extends CommonOptions {
  readonly quant?: string;
}

export interface PullOptions extends CommonOptions {
  readonly sha256?: string;
  readonly use?: boolean;
  readonly detach?: boolean;
}

export interface QuantizeOptions extends CommonOptions {
  readonly use?: boolean;
}

/** `ranch-hand models use NAME [--quant Q]`: pulls what is missing, switches, and stays until that is done. */
export async function modelsUse(context: CliContext, options: UseOptions, model: string): Promise<ExitCode> {
  const session = await openSession(context, options);
  const wanted = { model, ...(options.quant === undefined ? {} : { quantization: options.quant }) };
  return new Follower(context, session, options.json === true).follow(
    () => session.client.command('models.use', wanted),
    true,
  );
}

/** `ranch-hand models pull REFERENCE`: with a progress bar, until it is here; Ctrl-C leaves it to the agent. */
export async function modelsPull(context: CliContext, options: PullOptions, named: string): Promise<ExitCode> {
  // A file of the folder that this runs in: the agent runs in another one.
  const reference = /^\.{1,2}[\\/]/.test(named) ? resolve(named) : named;
  const session = await openSession(context, options);
  const use = options.use === true;
  const begin = (): Promise<CommandAnswer> =>
    session.client.command('models.pull', {
      reference,
      use,
      ...(options.sha256 === undefined ? {} : { sha256: digestTyped(options.sha256) }),
    });
  if (options.detach === true) {
    const answer = await begin();
    context.stdout.write(
      options.json === true ? `${safeJson(answer)}\n` : 'The pull has begun. See how it goes with: ranch-hand models\n',
    );
    return exitCodes.done;
  }
  return new Follower(context, session, options.json === true).follow(begin, use);
}

/** `ranch-hand models quantize NAME QUANT`: makes it here from a source in F16, BF16 or F32. */
export async function modelsQuantize(
  context: CliContext,
  options: QuantizeOptions,
  model: string,
  quantization: string,
): Promise<ExitCode> {
  const session = await openSession(context, options);
  const use = options.use === true;
  return new Follower(context, session, options.json === true).follow(
    () => session.client.command('models.quantize', { model, quantization, use }),
    use,
  );
}

type Ended =
  /** `isAll`: no switch was wished. */
  | { readonly kind: 'pulled'; readonly pull: PullSnapshot; readonly isAll: boolean }
  | { readonly kind: 'switched'; readonly change: SwitchSnapshot };

/** Shows a pull and the switch after it until both are over. */
class Follower {
  readonly #context: CliContext;
  readonly #session: Session;
  readonly #json: boolean;
  readonly #line: ProgressLine;
  #told = '';

  constructor(context: CliContext, session: Session, json: boolean) {
    this.#context = context;
    this.#session = session;
    this.#json = json;
    this.#line = new ProgressLine(context.stderr);
  }

  async follow(begin: () => Promise<CommandAnswer>, thenSwitch: boolean): Promise<ExitCode> {
    // Asked before it begins: a short pull may be over, and the switch after it under way, before one could ask.
    const before = thenSwitch ? (await this.#session.client.snapshot()).switching?.id : undefined;
    const { pullId, switchId } = await begin();
    if (pullId === undefined && switchId === undefined) {
      this.#say({ type: 'done' }, 'Nothing had to be changed.');
      return exitCodes.done;
    }
    try {
      const ended = await followUntil(
        this.#session,
        (snapshot) => this.#look(snapshot, { pullId, switchId, before, thenSwitch }),
        (message) => this.#show(message, 'away'),
      );
      this.#line.end();
      return this.#conclude(ended);
    } finally {
      this.#line.end();
    }
  }

  #look(
    { pulls, switching }: NodeSnapshot,
    wanted: {
      readonly pullId: string | undefined;
      readonly switchId: string | undefined;
      /** The switch that there was before the pull: not the one that follows it. */
      readonly before: string | undefined;
      readonly thenSwitch: boolean;
    },
  ): Ended | null {
    const pull = pulls.find(({ id }) => id === wanted.pullId);
    if (pull && !pullHasEnded(pull)) {
      this.#tell({ type: 'pull', ...pull });
      const tenth = pull.totalBytes === null ? 0 : Math.floor((10 * pull.receivedBytes) / pull.totalBytes);
      // While nothing flows, the node says why.
      const why = pull.state === 'running' && pull.bytesPerSecond === null ? `  ${pull.sentence}` : '';
      this.#show(`${pull.name}  ${pullProgress(pull)}${why}`, `${pull.id} ${pull.state} ${tenth}`);
      return null;
    }
    const thenSwitch = wanted.thenSwitch && pull?.thenUse !== false;
    if (pull && (pull.state !== 'done' || !thenSwitch)) return { kind: 'pulled', pull, isAll: !wanted.thenSwitch };
    const isOurs =
      switching !== null &&
      (wanted.switchId === undefined ? switching.id !== wanted.before : switching.id === wanted.switchId);
    if (!isOurs) return null;
    if (switchHasEnded(switching)) return { kind: 'switched', change: switching };
    this.#tell({ type: 'switch', ...switching });
    this.#show(switchProgress(switching), `${switching.id} ${switching.phase}`);
    return null;
  }

  #conclude(ended: Ended): ExitCode {
    if (ended.kind === 'pulled') {
      const { pull } = ended;
      this.#tell({ type: 'pull', ...pull });
      if (pull.state === 'done' && !ended.isAll) throw new CliError('switch_failed', safeLine(pull.sentence));
      if (pull.state !== 'done') throw new CliError(`pull_${pull.state}`, safeLine(pull.sentence));
      const tookMs = pull.endedAt === null ? null : Date.parse(pull.endedAt) - Date.parse(pull.startedAt);
      const took = tookMs === null ? '' : ` after ${span(tookMs)}`;
      this.#say(
        null,
        `${safeLine(pull.name)} is here${took}: ${bytes(pull.receivedBytes)}, checked. ${pull.model === null ? '' : `Use it with: ranch-hand models use ${safeLine(pull.model)}`}`,
      );
      return exitCodes.done;
    }
    const { change } = ended;
    this.#tell({ type: 'switch', ...change });
    if (change.phase !== 'done') throw new CliError(change.error ?? 'switch_failed', safeLine(change.sentence));
    this.#say(null, safeLine(change.sentence));
    return exitCodes.done;
  }

  /** With `--json`: one document a line, each once. */
  #tell(document: object): void {
    if (!this.#json) return;
    const text = safeJson(document);
    if (text === this.#told) return;
    this.#told = text;
    this.#context.stdout.write(`${text}\n`);
  }

  #show(text: string, milestone: string): void {
    if (!this.#json) this.#line.show(text, milestone);
  }

  #say(document: object | null, text: string): void {
    if (!this.#json) this.#context.stdout.write(`${text.trimEnd()}\n`);
    else if (document !== null) this.#tell(document);
  }
}
