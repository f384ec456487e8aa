interface Slot {
  /** Session whose conversation the slot has read last; null for one without a session, or none yet. */
  owner: string | null;
  busy: boolean;
  /** When its last request began, as a count of requests; 0 for never. */
  used: number;
}

/** A slot that is taken, until it is given back. */
export interface TakenSlot {
  readonly id: number;
  /** More than once does no harm. */
  release(): void;
}

/**
 * Which slot of a server works on which session. The server itself knows prompts and not sessions: two agents with the
 * same long system prompt would push each other out of one slot while others are free. Remembers as many sessions as
 * there are slots.
 */
export class SessionSlots {
  readonly #slots: readonly Slot[];
  #count = 0;

  constructor(options: { readonly slots: number }) {
    this.#slots = Array.from({ length: options.slots }, () => ({ owner: null, busy: false, used: 0 }));
  }

  /**
   * The slot that has the session's conversation; else a free one, such as nobody's before the one that was used
   * longest ago. Null when all are at work: then the server decides which becomes free first.
   */
  take(session: string | null): TakenSlot | null {
    const free = this.#slots.filter(({ busy }) => !busy);
    const own = session === null ? undefined : free.find(({ owner }) => owner === session);
    const slot = own ?? this.#leastMissed(free, session);
    if (!slot) return null;
    // Another request of the same session may be at work on the slot that it had: that one is the session's no longer.
    if (session !== null) for (const each of this.#slots) if (each.owner === session) each.owner = null;
    this.#count += 1;
    slot.owner = session;
    slot.busy = true;
    slot.used = this.#count;
    let taken = true;
    return {
      id: this.#slots.indexOf(slot),
      release: () => {
        if (taken) slot.busy = false;
        taken = false;
      },
    };
  }

  /** Requests without a session share what they can: they go where the last one of them went. */
  #leastMissed(free: readonly Slot[], session: string | null): Slot | undefined {
    const rank = (slot: Slot): number => {
      if (slot.used === 0) return session === null ? 1 : 0;
      return slot.owner === null ? (session === null ? 0 : 1) : 2;
    };
    return [...free].sort((a, b) => rank(a) - rank(b) || a.used - b.used)[0];
  }
}
