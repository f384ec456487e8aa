/** What a bench orders of an arm. */
export interface ArmOrder {
  readonly kind: 'gateway' | 'pipe' | 'llms';
  readonly upstreamPort: number;
  /** Requests that the gateway lets the engine work on side by side. */
  readonly slots: number;
  /** The other proxy's package; only of the arm `llms`. */
  readonly folder: string | null;
}

export interface ArmReady {
  readonly port: number;
  /** A key that the arm asks for; null where it takes any. */
  readonly key: string | null;
}

export interface ArmFigures {
  readonly cpuMicros: number;
  readonly rssBytes: number;
  /** Peak resident memory; null where the system does not tell. */
  readonly peakBytes: number | null;
}
