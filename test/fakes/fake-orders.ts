import { type ChangeEvent } from '../../electron/contract/events.ts';
import { type KeyRow } from '../../electron/contract/keys.ts';
import { type Trace } from '../../electron/contract/trace.ts';

/** What the fake control server may be told to do; every part is optional. */
export interface FakeOrders {
  /** Replaces sections of the snapshot and tells every reader. */
  readonly set?: ChangeEvent['set'];
  /** What POST /chat does from now on. */
  readonly chat?: { readonly words: readonly string[]; readonly everyMs: number; readonly end: FakeChatEnd };
  /** False: every request is 401 until it is true again. Open streams are cut. */
  readonly signedIn?: boolean;
  /** Cuts every open event stream. */
  readonly cut?: boolean;
  /** Leaves a number out of the sequence with the next change. */
  readonly skip?: boolean;
  /** What commands answer: null takes them. */
  readonly refuse?: { readonly status: number; readonly code: string; readonly message: string } | null;
  /** A decision that the store has from now on, the latest of all. */
  readonly keep?: Trace;
  /** The keys that there are from now on. */
  readonly keys?: readonly KeyRow[];
  /** Lines to write to every open log, at once. */
  readonly log?: readonly string[];
  /** Writes batches of lines to every open log, one every `everyMs`; each line ends in its number. */
  readonly flood?: { readonly batches: number; readonly linesEach: number; readonly everyMs: number };
  /** Lets switches, pulls and installs that are under way go on by this many steps. */
  readonly step?: number;
  /** How the next switch ends. */
  readonly switchEnd?: 'done' | 'rolled-back';
  /** Replaces the answers of these queries; a text refuses with it. */
  readonly answers?: Readonly<Record<string, unknown>>;
  /** Holds answers to commands back until it is false. */
  readonly holdCommands?: boolean;
}
export type FakeChatEnd = 'done' | 'error-event' | 'cut' | 'refuse';
