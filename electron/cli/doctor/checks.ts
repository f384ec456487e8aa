import { bytes } from '../output/figures.ts';
import { ok, problem, warning, type Check } from './check.ts';
import type { DoctorFacts } from './facts.ts';
import { engineCheck, modelCheck } from './node-checks.ts';

/** Lowest Node that the agent is tested on. */
const nodeNeeded = 24;
const gib = 1024 ** 3;
/** Below the first a model cannot be got or loaded at all, below the second few can. */
const disk = { problemBytes: gib, warningBytes: 10 * gib };
const memory = { problemBytes: gib / 4, warningBytes: gib };

/** Judges what was found, in the order in which one thing needs the other. */
export function judge(facts: DoctorFacts): Check[] {
  return [
    nodeCheck(facts),
    folderCheck(facts),
    settingsCheck(facts),
    agentCheck(facts),
    gatewayCheck(facts),
    engineCheck(facts.agent),
    modelCheck(facts.agent, facts.dataDir),
    diskCheck(facts),
    memoryCheck(facts),
    electronCheck(facts),
  ];
}

function nodeCheck({ nodeVersion }: DoctorFacts): Check {
  const is = { id: 'node', title: 'Node' };
  if (Number.parseInt(nodeVersion, 10) >= nodeNeeded) return ok(is, `This is Node ${nodeVersion}.`);
  return problem(
    is,
    `This is Node ${nodeVersion}; Ranch Hand needs ${nodeNeeded} or later.`,
    'Run it as npx ranch-hand in its folder after npm ci: that brings the right Node with it.',
  );
}

function folderCheck({ dataDir, folder }: DoctorFacts): Check {
  const is = { id: 'data-folder', title: 'Data folder' };
  switch (folder.state) {
    case 'absent':
      return ok(is, `${dataDir} does not exist yet. The first start makes it.`);
    case 'not-a-folder':
      return problem(is, `${dataDir} is not a folder.`, 'Move it away, or name another folder with --data-dir.');
    case 'folder':
      break;
  }
  if (!folder.ownedByUs) {
    return problem(is, `${dataDir} belongs to another user.`, 'Run this as that user, or name a folder of your own.');
  }
  if (!folder.writable) return problem(is, `${dataDir} cannot be written to.`, `Allow it: chmod u+rwx '${dataDir}'`);
  if (folder.mode !== null && (folder.mode & 0o077) !== 0) {
    const mode = folder.mode.toString(8).padStart(4, '0');
    return warning(is, `Other users can look into ${dataDir} (mode ${mode}).`, `Close it: chmod 700 '${dataDir}'`);
  }
  return ok(is, `${dataDir} is yours alone.`);
}

function settingsCheck({ settings, dataDir }: DoctorFacts): Check {
  const is = { id: 'settings', title: 'Settings' };
  switch (settings.state) {
    case 'in-force':
      return ok(is, 'The running agent has read them.');
    case 'absent':
      return ok(is, 'There is no config.json: every setting has its default.');
    case 'readable':
      return ok(is, 'config.json can be read. The agent checks each value when it starts.');
    case 'unreadable':
    case 'not-settings':
      return problem(
        is,
        `config.json cannot be used: ${settings.reason}`,
        `Mend it, or move it away to start with the defaults: it is in ${dataDir}`,
      );
  }
}

function agentCheck({ agent }: DoctorFacts): Check {
  const is = { id: 'agent', title: 'Agent' };
  switch (agent.state) {
    case 'answering':
      return ok(is, `It runs with pid ${agent.pid} and answers at ${agent.controlUrl}.`);
    case 'silent':
      return problem(
        is,
        `A process with pid ${agent.pid} should be the agent but does not answer: ${agent.message}`,
        'Wait a few seconds and look again. If it stays so, end that process and start: ranch-hand agent',
      );
    case 'absent':
      return problem(
        is,
        agent.stale ? 'It is not running; the last one ended without a word.' : 'It is not running.',
        'Start it: ranch-hand agent',
      );
  }
}

function gatewayCheck({ gateway, gatewayUrl, agent }: DoctorFacts): Check {
  const is = { id: 'gateway', title: 'Gateway' };
  switch (gateway.state) {
    case 'healthy':
      return ok(is, `It answers at ${gatewayUrl}.`);
    case 'free':
      return ok(is, `${gatewayUrl} is free for the next start.`);
    case 'held':
      return agent.state === 'absent'
        ? problem(
            is,
            `${gatewayUrl} is taken by ${gateway.holder}.`,
            'Use another port: ranch-hand agent --gateway 127.0.0.1:8081',
          )
        : problem(is, `${gatewayUrl} does not answer as the gateway; ${gateway.holder} listens there.`, restart);
    case 'no-answer':
      return problem(is, `${gatewayUrl} does not answer: ${gateway.reason}`, restart);
  }
}

const restart = 'Stop the agent with Ctrl-C where it runs, then start it again: ranch-hand agent';

function diskCheck({ disk: found, dataDir }: DoctorFacts): Check {
  const is = { id: 'disk', title: 'Disk' };
  if (found === null) return warning(is, 'The system does not tell how much room is left.', null);
  const reason = `${bytes(found.freeBytes)} of ${bytes(found.totalBytes)} are free for ${dataDir}.`;
  const fix = 'Make room, or name a folder on another disk with --data-dir.';
  if (found.freeBytes < disk.problemBytes) return problem(is, reason, fix);
  return found.freeBytes < disk.warningBytes ? warning(is, reason, fix) : ok(is, reason);
}

function memoryCheck({ memory: found }: DoctorFacts): Check {
  const is = { id: 'memory', title: 'Memory' };
  const reason = `${bytes(found.availableBytes)} of ${bytes(found.totalBytes)} are available.`;
  const fix = 'Close what you do not need, or use a smaller model.';
  if (found.availableBytes < memory.problemBytes) return problem(is, reason, fix);
  return found.availableBytes < memory.warningBytes ? warning(is, reason, fix) : ok(is, reason);
}

function electronCheck({ electron, desktop }: DoctorFacts): Check {
  const is = { id: 'electron', title: 'Tray' };
  if (!desktop) return ok(is, 'There is no desktop here, so no tray. The panel and this program do the same.');
  switch (electron.state) {
    case 'unpacked':
      return ok(is, `Electron is here: ${electron.binary}`);
    case 'package-only':
      return warning(
        is,
        'Electron was not downloaded, so there is no tray. The panel works without it.',
        'Get it: npx install-electron',
      );
    case 'absent':
      return warning(
        is,
        'Electron is not installed, so there is no tray. The panel works without it.',
        'In a checkout: npm ci',
      );
  }
}
