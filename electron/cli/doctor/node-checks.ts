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

const chooseAnother =
  'The setting models.default names that file. Put it there, or name another with: ' +
  'ranch-hand settings set models.default FILE, and start the node again.';

export function modelCheck(agent: AgentFacts, dataDir: string): Check {
  const is = { id: 'model', title: 'Model' };
  if (agent.state !== 'answering') return warning(is, untold, 'Start it: ranch-hand agent');
  const { models } = agent.snapshot;
  const usable = models.filter(({ problem: reason }) => reason === null);
  const real = usable.filter(({ selfTest }) => !selfTest);
  const asked = real.find(({ loaded }) => loaded) ?? real[0];
  const broken = models.filter(({ problem: reason }) => reason !== null);
  const chosen = broken.find(({ path }) => path !== null && path === agent.chosenModel);
  if (chosen) {
    const reason = `${safeLine(chosen.id)}: ${safeLine(chosen.problem ?? '')}`;
    return asked === undefined
      ? problem(is, reason, chooseAnother)
      : warning(is, `${reason} ${safeLine(asked.id)} answers in its place.`, chooseAnother);
  }
  if (asked) return ok(is, `${safeLine(asked.id)} can be asked.`);
  const getOne = `Put a GGUF file into ${join(dataDir, 'models')}: it is taken without a restart.`;
  const [first] = broken;
  if (first) return problem(is, `${safeLine(first.id)}: ${safeLine(first.problem ?? '')}`, getOne);
  if (usable.length > 0) {
    return warning(is, 'Only the self-test model is here. It proves the path; it knows nothing.', getOne);
  }
  return problem(is, 'No model is here.', getOne);
}
