import { Admission } from '../../electron/agent/gateway/load/admission.ts';
import { Predictor } from '../../electron/agent/gateway/load/predictor.ts';
import type { ServedModel, UpstreamDescription } from '../../electron/agent/inference/upstream.ts';
import type { FakeSlots, JobFigures, SimulatedClock } from './fake-slots.ts';
import type { Arrival } from './overload-work.ts';

/** What becomes of a request: it begins and ends here, or it is sent away. */
export interface Fate {
  first(): void;
  done(): void;
  away(): void;
}

/** A way to deal with the requests that come. */
export interface Arm {
  take(arrival: Arrival, fate: Fate): void;
}

export type ArmName = 'FIFO' | 'least loaded' | 'Ranch Hand';

const slots = 4;
const goalMs = 100;
const model: ServedModel = {
  id: 'model',
  contextLength: 8_192,
  capabilities: ['chat'],
  sizeBytes: 4.7e9 / 20,
  loaded: true,
  createdAtS: 0,
};
const upstream: UpstreamDescription = {
  id: 'engine',
  route: 'local',
  dialects: ['openai'],
  operations: ['chat'],
  ready: true,
  sentence: '',
  models: [model],
  defaultModel: model.id,
  slots,
};

export const arms: readonly (readonly [ArmName, (clock: SimulatedClock, engine: FakeSlots) => Arm])[] = [
  ['FIFO', (_, engine) => ({ take: (arrival, fate) => submit(engine, arrival, fate, () => undefined) })],
  [
    'least loaded',
    (_, engine) => ({
      take: (arrival, fate) => {
        if (engine.inside < slots) submit(engine, arrival, fate, () => undefined);
        else fate.away();
      },
    }),
  ],
  ['Ranch Hand', ours],
];

function ours(clock: SimulatedClock, engine: FakeSlots): Arm {
  const admission = new Admission({ queueLimit: 64 }, { clock, slots: () => slots });
  const predictor = new Predictor({ maxOutputTokens: 8_192 }, { admission, knownSpeeds: () => null });
  const never = new AbortController().signal;
  return {
    take: (arrival, fate) => {
      const { caller, promptTokens, maxTokens } = arrival;
      const about = { caller, priority: 'normal' as const };
      const expected = predictor.estimate({ upstream, model, promptTokens, cachedTokens: 0, maxTokens, ...about });
      if (expected.ttftMs > goalMs) {
        fate.away();
        return;
      }
      const mostWaitMs = goalMs - expected.prefillMs;
      admission.enter(never, { lanes: ['engine'], ...about, serviceMs: expected.serviceMs, mostWaitMs }).then(
        (ticket) => {
          submit(engine, arrival, fate, (told) => {
            ticket.release();
            predictor.observe(measurementOf(arrival, told), null, caller);
          });
        },
        () => {
          fate.away();
        },
      );
    },
  };
}

function submit(engine: FakeSlots, arrival: Arrival, fate: Fate, told: (figures: JobFigures) => void): void {
  engine.submit({
    promptTokens: arrival.promptTokens,
    answerTokens: arrival.answerTokens,
    first: () => {
      fate.first();
    },
    done: (figures) => {
      told(figures);
      fate.done();
    },
  });
}

function measurementOf({ promptTokens, answerTokens, maxTokens }: Arrival, { promptMs, answerMs }: JobFigures) {
  return {
    upstreamId: upstream.id,
    model: model.id,
    operation: 'chat',
    promptTokens,
    cachedTokens: 0,
    completionTokens: answerTokens,
    tokensPerSecond: answerMs > 0 ? (answerTokens * 1_000) / answerMs : null,
    prefillTokensPerSecond: promptMs > 0 ? (promptTokens * 1_000) / promptMs : null,
    ttftMs: null,
    maxTokens,
    finish: 'stop',
  } as const;
}
