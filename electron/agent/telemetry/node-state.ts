import { assertNever } from '../base/errors.ts';
import type { EngineSnapshot, ModelSnapshot, NodeSnapshot, NodeState, Notice } from '../../contract/snapshot.ts';

export interface NodeStateInput {
  readonly engines: readonly EngineSnapshot[];
  readonly models: readonly ModelSnapshot[];
  readonly gateway: NodeSnapshot['gateway'];
  readonly activity: NodeSnapshot['activity'];
  readonly notices: readonly Notice[];
}

export interface NodeJudgement {
  readonly state: NodeState;
  readonly sentence: string;
}

/** What an engine's state means for whether the node can answer. */
type Standing = 'answers' | 'on its way' | 'off' | 'broken';

/**
 * The node's judgement of itself, for the tray's icon and everybody's headline. What needs the operator comes first,
 * then whether anything can answer at all, then how busy it is.
 */
export function judgeNode(input: NodeStateInput): NodeJudgement {
  const problem = input.notices.find((notice) => notice.severity === 'problem');
  if (problem) return { state: 'problem', sentence: problem.sentence };
  if (goesToCloud(input)) return { state: 'cloud', sentence: cloudSentence(input) };
  if (!input.engines.some((engine) => standing(engine) === 'answers')) return notAnswering(input);
  return answering(input);
}

function standing(engine: EngineSnapshot): Standing {
  switch (engine.state) {
    case 'ready':
    case 'adopted':
    case 'draining':
      return 'answers';
    case 'starting':
    case 'loading':
      return 'on its way';
    case 'absent':
    case 'stopping':
    case 'stopped':
      return 'off';
    case 'backoff':
    case 'failed':
    case 'conflict':
      return 'broken';
    default:
      return assertNever(engine.state);
  }
}

/** Every request that runs now is answered by a cloud provider. */
function goesToCloud({ activity }: NodeStateInput): boolean {
  const running = activity.filter((entry) => entry.state === 'running');
  return running.length > 0 && running.every((entry) => entry.route === 'cloud');
}

function cloudSentence({ gateway }: NodeStateInput): string {
  return `${requests(gateway.inFlight)} answered by the cloud.`;
}

/**
 * Nothing answers: broken, on its way, or off. A broken engine beside one that answers is a notice's business. What is
 * on its way needs nobody's help, so that is no standstill.
 */
function notAnswering({ engines, models, gateway }: NodeStateInput): NodeJudgement {
  const broken = engines.find((engine) => standing(engine) === 'broken');
  if (broken) return { state: 'problem', sentence: broken.sentence };
  const coming = engines.find((engine) => standing(engine) === 'on its way');
  if (coming) {
    const count = gateway.inFlight + gateway.queued;
    const sentence = loading(models) ?? coming.sentence;
    return count > 0
      ? { state: 'serving', sentence: `${sentence} ${requests(count)} waiting.` }
      : { state: 'idle', sentence };
  }
  const off = engines.find((engine) => engine.state !== 'absent');
  if (off) return { state: 'stopped', sentence: off.sentence };
  return { state: 'stopped', sentence: 'No engine is set up. Run ranch-hand doctor to see what is missing.' };
}

function answering({ gateway, models }: NodeStateInput): NodeJudgement {
  const chosen = models.find((entry) => entry.isDefault) ?? models.find((entry) => entry.loaded);
  const model = chosen?.name;
  const waiting = gateway.queued > 0 ? ` ${gateway.queued} waiting.` : '';
  if (gateway.level === 'saturated') {
    return { state: 'saturated', sentence: `Every slot is taken: ${requests(gateway.inFlight)} running.${waiting}` };
  }
  if (gateway.inFlight + gateway.queued > 0) {
    const by = model === undefined ? '' : ` with ${model}`;
    return { state: 'serving', sentence: `Answering ${requests(gateway.inFlight)}${by}.${waiting}` };
  }
  const coming = loading(models);
  if (chosen && !chosen.loaded) {
    return { state: 'idle', sentence: coming ?? `${chosen.name} is loaded with the first request.` };
  }
  const beside = coming === null ? '' : ` ${coming}`;
  return { state: 'idle', sentence: `${model ?? 'The engine'} is ready and waits for requests.${beside}` };
}

/** What is being loaded, as a sentence; null when nothing is. */
function loading(models: readonly ModelSnapshot[]): string | null {
  const model = models.find(({ state }) => state === 'loading');
  return model ? `Loading ${model.name}.` : null;
}

function requests(count: number): string {
  return count === 1 ? '1 request' : `${count} requests`;
}
