import { join } from 'node:path';
import { safeLine } from '../output/text.ts';
import { ok, problem, warning, type Check } from './check.ts';
import type { AgentFacts } from './facts.ts';

/** What only the running agent can tell: whether something here can answer, and with what. */

const untold = 'Only a running agent can tell.';

export function engineCheck(agent: AgentFacts): Check {
  const is = { id: 'engine', title: 'Engine' };
  if (agent.state !== 'answering') return warning(is, untold, 'Start it: ranch-hand agent');
  const { engines } = agent.snapshot;
  const ready = engines.find(({ state }) => state === 'ready' || state === 'adopted');
  if (ready) return ok(is, `${safeLine(ready.id)} is ready.`);
  const [first] = engines;
  if (first === undefined) return problem(is, 'No engine is set up.', 'Start the agent again: ranch-hand agent');
  const onItsWay = engines.find(({ state }) => state === 'starting' || state === 'loading' || state === 'backoff');
  if (onItsWay) return warning(is, safeLine(onItsWay.sentence), 'Wait, then look again: ranch-hand doctor');
  return problem(
    is,
    safeLine(first.sentence),
    `Read its last words with: ranch-hand engines logs ${safeLine(first.id)}, then: ranch-hand engines start ${safeLine(first.id)}`,
  );
}

export function modelCheck(agent: AgentFacts, dataDir: string): Check {
  const is = { id: 'model', title: 'Model' };
  if (agent.state !== 'answering') return warning(is, untold, 'Start it: ranch-hand agent');
  const usable = agent.snapshot.models.filter(({ problem: reason }) => reason === null);
  const real = usable.filter(({ selfTest }) => !selfTest);
  const getOne = `Put a GGUF file into ${join(dataDir, 'models')} and start the agent again.`;
  const chosen = real.find(({ loaded }) => loaded) ?? real[0];
  if (chosen) return ok(is, `${safeLine(chosen.id)} can be asked.`);
  const broken = agent.snapshot.models.find(({ problem: reason }) => reason !== null);
  if (broken?.problem != null) return problem(is, `${safeLine(broken.id)}: ${safeLine(broken.problem)}`, getOne);
  if (usable.length > 0) {
    return warning(is, 'Only the self-test model is here. It proves the path; it knows nothing.', getOne);
  }
  return problem(is, 'No model is here.', getOne);
}
