import type { AgentFile } from '../contract/agent-file.ts';
import type { CommandAnswer, CommandInput, CommandName } from '../contract/control.ts';
import type { NodeSnapshot } from '../contract/snapshot.ts';
import { AgentStartError, type AgentChild } from './agent-process.ts';
import { restartDecision, type AgentExit } from './agent-restart.ts';
import type { NodeView } from './node-view.ts';
import type { Timer } from './timer.ts';

export interface LinkAddress {
  readonly url: string;
  readonly token: string;
}

/** What the link needs of the control API's client. */
export interface ControlLink {
  watch(
    listener: (
      event:
        | { readonly kind: 'snapshot'; readonly snapshot: NodeSnapshot; readonly seq: number }
        | { readonly kind: 'disconnected'; readonly message: string },
    ) => void,
    signal: AbortSignal,
    options: { readonly reconnect: () => Promise<LinkAddress | null> },
  ): Promise<void>;
  command<Name extends CommandName>(name: Name, body: CommandInput<Name>): Promise<CommandAnswer>;
  ticket(): Promise<{ readonly url: string }>;
}

export interface NodeLinkDeps {
  /** The running agent's `agent.json`; null when none runs. */
  readonly find: () => Promise<AgentFile | null>;
  readonly start: () => Promise<AgentChild>;
  readonly connect: (address: LinkAddress) => ControlLink;
  readonly timer: Timer;
  readonly onView: (view: NodeView) => void;
  /** The agent answers, at this address; told again whenever it was away. */
  readonly onAttached: (controlUrl: string) => void;
}

const lookAgainMs = 1_000;
const goneSentence = 'The node has stopped';

/**
 * The shell's tie to the node: finds the running agent or starts one, follows its event stream, tells what is known,
 * and ties itself to the next agent when this one is gone. Ending the link never ends the agent.
 */
export class NodeLink {
  readonly #deps: NodeLinkDeps;
  readonly #end = new AbortController();
  #control: ControlLink | null = null;
  #controlUrl: string | null = null;
  #attached = false;
  #starting: Promise<void> | null = null;
  #restartsMs: number[] = [];
  #view: NodeView = { kind: 'looking' };

  constructor(deps: NodeLinkDeps) {
    this.#deps = deps;
  }

  get view(): NodeView {
    return this.#view;
  }

  /** Finds or starts the agent and follows it until {@link end}. */
  async run(): Promise<void> {
    if ((await this.#find()) === null) await this.startNode();
    const first = await this.#firstAgent();
    if (first === null) return;
    const control = this.#deps.connect({ url: first.controlUrl, token: first.controlToken });
    this.#control = control;
    this.#controlUrl = first.controlUrl;
    await control.watch(
      (event) => {
        if (event.kind === 'snapshot') this.#attach({ kind: 'connected', snapshot: event.snapshot, seq: event.seq });
        else this.#detach();
      },
      this.#end.signal,
      { reconnect: () => this.#whereNow() },
    );
  }

  /** Starts an agent, if none is being started. What goes wrong is told as the view. */
  async startNode(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = null;
    });
    await this.#starting;
  }

  /** Has the agent do something; rejects with the client's error, or when no agent was ever found. */
  async command<Name extends CommandName>(name: Name, body: CommandInput<Name>): Promise<void> {
    await this.#connected().command(name, body);
  }

  /** A single-use address that signs a page in to the panel. */
  async signIn(): Promise<string> {
    return (await this.#connected().ticket()).url;
  }

  /** Stops following. The agent goes on. */
  end(): void {
    this.#end.abort();
  }

  #isOver(): boolean {
    return this.#end.signal.aborted;
  }

  /** A data folder that cannot be read now may be later, so it counts as one without an agent. */
  #find(): Promise<AgentFile | null> {
    return this.#deps.find().catch(() => null);
  }

  #connected(): ControlLink {
    if (this.#control === null) throw new Error('No agent is running. Start the node first.');
    return this.#control;
  }

  #tell(view: NodeView): void {
    this.#view = view;
    if (!this.#isOver()) this.#deps.onView(view);
  }

  #attach(view: Extract<NodeView, { kind: 'connected' }>): void {
    const isNew = !this.#attached;
    this.#attached = true;
    this.#tell(view);
    if (isNew && this.#controlUrl !== null) this.#deps.onAttached(this.#controlUrl);
  }

  #detach(): void {
    this.#attached = false;
    if (this.#view.kind === 'connected') this.#tell({ kind: 'stopped', sentence: goneSentence });
  }

  async #whereNow(): Promise<LinkAddress | null> {
    const file = await this.#find();
    if (file === null) return null;
    this.#controlUrl = file.controlUrl;
    return { url: file.controlUrl, token: file.controlToken };
  }

  async #firstAgent(): Promise<AgentFile | null> {
    while (!this.#isOver()) {
      const file = await this.#find();
      if (file !== null) return file;
      await this.#pause(lookAgainMs);
    }
    return null;
  }

  async #start(): Promise<void> {
    this.#tell({ kind: 'starting' });
    try {
      const child = await this.#deps.start();
      // Not awaited: the agent is meant to run for weeks.
      void child.exit.then((exit) => this.#ended(child, exit));
    } catch (error) {
      const reason = error instanceof AgentStartError ? error.message : String(error);
      this.#tell({ kind: 'stopped', sentence: `The node did not start: ${reason}` });
    }
  }

  async #ended(child: AgentChild, exit: AgentExit): Promise<void> {
    if (this.#isOver()) return;
    // Another agent of this user won the race for the data folder, and is the one to follow.
    if ((await this.#find()) !== null) return;
    const decision = this.#restart(exit);
    if (decision.kind === 'restart') {
      await this.#pause(decision.delayMs);
      if (!this.#isOver() && (await this.#find()) === null) await this.startNode();
      return;
    }
    const words = decision.kind === 'giveUp' ? await child.lastWords() : '';
    this.#tell({ kind: 'stopped', sentence: words === '' ? goneSentence : words });
  }

  #restart(exit: AgentExit): ReturnType<typeof restartDecision> {
    // An agent that was never seen working would not work the next time either: its reason is told instead.
    if (this.#view.kind === 'starting' && exit.code !== 0) return { kind: 'giveUp' };
    const nowMs = this.#deps.timer.now();
    const decision = restartDecision(exit, this.#restartsMs, nowMs);
    if (decision.kind === 'restart') this.#restartsMs = [...this.#restartsMs, nowMs].slice(-10);
    return decision;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        cancel();
        this.#end.signal.removeEventListener('abort', finish);
        resolve();
      };
      const cancel = this.#deps.timer.after(delayMs, finish);
      this.#end.signal.addEventListener('abort', finish);
    });
  }
}
