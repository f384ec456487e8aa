import type { NodeSnapshot } from '../../contract/snapshot.ts';
import type { DiskFacts, ElectronFacts, FolderFacts } from '../../host/doctor-facts.ts';

/** `config.json` as far as it can be judged without the agent, or by the agent that runs on it. */
export type SettingsFacts =
  | { readonly state: 'in-force' }
  | { readonly state: 'absent' }
  | { readonly state: 'readable' }
  | { readonly state: 'unreadable'; readonly reason: string }
  | { readonly state: 'not-settings'; readonly reason: string };

export type AgentFacts =
  /** `stale`: an `agent.json` without its process, left by an agent that was killed. */
  | { readonly state: 'absent'; readonly stale: boolean }
  | { readonly state: 'silent'; readonly pid: number; readonly message: string }
  | {
      readonly state: 'answering';
      readonly pid: number;
      readonly controlUrl: string;
      readonly snapshot: NodeSnapshot;
      /** The path in `models.default` that the agent runs with; null where none is set or the agent does not tell. */
      readonly chosenModel: string | null;
    };

export type GatewayFacts =
  | { readonly state: 'healthy' }
  | { readonly state: 'free' }
  | { readonly state: 'held'; readonly holder: string }
  | { readonly state: 'no-answer'; readonly reason: string };

/** Everything that the checks judge, gathered once. */
export interface DoctorFacts {
  readonly nodeVersion: string;
  readonly dataDir: string;
  readonly folder: FolderFacts;
  readonly settings: SettingsFacts;
  readonly agent: AgentFacts;
  /** Address that callers use: the running agent's, else the one that the next start would take. */
  readonly gatewayUrl: string;
  readonly gateway: GatewayFacts;
  readonly disk: DiskFacts | null;
  readonly memory: { readonly availableBytes: number; readonly totalBytes: number };
  readonly electron: ElectronFacts;
  /** Whether there is a desktop for a tray at all. */
  readonly desktop: boolean;
}
