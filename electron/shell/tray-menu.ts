import type { EngineSnapshot, ModelSnapshot, NodeSnapshot } from '../contract/snapshot.ts';
import { memoryGb, percent, plainText, speed } from './figures.ts';
import type { NodeView } from './node-view.ts';
import type { MenuItem } from './tray-items.ts';
import { modelItems, modelWords } from './tray-models.ts';
import { offloadHindrance, offloadItems } from './tray-offload.ts';

export interface TrayMenuSettings {
  /** Null where the system has no such thing. */
  readonly startAtLogin: boolean | null;
  /** Milliseconds since the epoch: times of another day are shown with it. */
  readonly nowMs: number;
}

export interface TrayDescription {
  readonly tooltip: string;
  readonly items: readonly MenuItem[];
}

/** Windows keeps 128 characters of a tooltip, one of them the end mark. */
const longestTooltip = 127;
const longestName = 48;
const longestSentence = 90;

const separator: MenuItem = { kind: 'separator' };

/** The whole tray menu and tooltip for what is known of the node. Pure. */
export function trayMenu(view: NodeView, settings: TrayMenuSettings): TrayDescription {
  return view.kind === 'connected' ? connectedMenu(view.snapshot, settings) : disconnectedMenu(view, settings);
}

function connectedMenu(snapshot: NodeSnapshot, settings: TrayMenuSettings): TrayDescription {
  return {
    tooltip: tooltip(snapshot),
    items: [
      ...headline(snapshot),
      separator,
      { kind: 'submenu', label: 'Model', items: modelItems(snapshot) },
      ...offloadItems(snapshot.cloud, settings.nowMs),
      { kind: 'submenu', label: 'Engine', items: engineItems(snapshot.engines) },
      // Below what the operator aims at: a line that comes and goes must not move that.
      ...fullness(snapshot.gateway),
      ...offloadHindrance(snapshot.cloud, settings.nowMs),
      separator,
      { kind: 'action', label: 'Open panel…', action: { kind: 'openPanel', screen: 'overview' } },
      {
        kind: 'action',
        label: 'Copy API address',
        action: { kind: 'copyText', text: `${snapshot.gateway.url}/v1` },
      },
      separator,
      ...startAtLogin(settings),
      { kind: 'action', label: 'Quit (the node keeps running)', action: { kind: 'quit' } },
      { kind: 'action', label: 'Quit and stop the node', action: { kind: 'quitAndStop' } },
    ],
  };
}

function disconnectedMenu(view: Exclude<NodeView, { kind: 'connected' }>, settings: TrayMenuSettings): TrayDescription {
  const words = disconnectedWords(view);
  const start: MenuItem = { kind: 'action', label: 'Start the node', action: { kind: 'startNode' } };
  return {
    tooltip: plainText(`Ranch Hand · ${words}`, longestTooltip),
    items: [
      { kind: 'label', label: words },
      ...(view.kind === 'stopped' ? [start] : []),
      separator,
      ...startAtLogin(settings),
      { kind: 'action', label: 'Quit', action: { kind: 'quit' } },
    ],
  };
}

function disconnectedWords(view: Exclude<NodeView, { kind: 'connected' }>): string {
  switch (view.kind) {
    case 'looking':
      return 'Looking for the node';
    case 'starting':
      return 'The node is starting';
    case 'stopped':
      return plainText(view.sentence, longestSentence);
  }
}

/** The first lines: state, model and speed, memory and load. Each opens the panel, where the same figures are. */
function headline(snapshot: NodeSnapshot): MenuItem[] {
  const { node, system, gateway } = snapshot;
  const memory = `RAM ${memoryGb(system.memory.usedBytes)} of ${memoryGb(system.memory.totalBytes)} GB`;
  const load = [memory, `CPU ${percent(system.cpuPercent)}`, ...queue(gateway.inFlight, gateway.queued)];
  const model = shownModel(snapshot.models);
  const lines = [
    `${plainText(node.name, longestName)} — ${plainText(node.sentence, longestSentence).replace(/\.$/u, '')}`,
    model ? [...modelWords(model), speed(gateway.tokensPerSecond)].join(' · ') : 'No model is loaded',
    load.join('   '),
  ];
  return lines.map((label) => ({ kind: 'action', label, action: { kind: 'openPanel', screen: 'overview' } }));
}

/** How full the node is and what fills it most; nothing while it is calm. */
function fullness({ level, saturationCause }: NodeSnapshot['gateway']): MenuItem[] {
  if (level === 'calm' || saturationCause === '') return [];
  const word = level === 'busy' ? 'Busy' : 'Saturated';
  const label = plainText(`${word}: ${saturationCause}`, longestSentence);
  return [{ kind: 'action', label, action: { kind: 'openPanel', screen: 'gateway' } }];
}

function queue(running: number, waiting: number): string[] {
  const words = [...(running > 0 ? [`${running} running`] : []), ...(waiting > 0 ? [`${waiting} waiting`] : [])];
  return words.length === 0 ? [] : [words.join(', ')];
}

function tooltip(snapshot: NodeSnapshot): string {
  const { node, system, gateway } = snapshot;
  const model = shownModel(snapshot.models);
  const ends = [
    speed(gateway.tokensPerSecond),
    `RAM ${memoryGb(system.memory.usedBytes)}/${memoryGb(system.memory.totalBytes)} GB`,
    `CPU ${percent(system.cpuPercent)}`,
    ...(gateway.queued > 0 ? [`${gateway.queued} waiting`] : []),
    ...(gateway.level === 'saturated' ? ['saturated'] : []),
  ].join(' · ');
  const names = [plainText(node.name, longestName), ...(model ? [modelWords(model).join(' ')] : [])].join(' · ');
  // Where it is too long the names give way: the figures are what the tooltip is for.
  return `${plainText(names, longestTooltip - ends.length - 3)} · ${ends}`;
}

/** The model that the first lines speak of: the default one if it is loaded, else any that is. */
function shownModel(models: readonly ModelSnapshot[]): ModelSnapshot | undefined {
  return models.find((model) => model.loaded && model.isDefault) ?? models.find((model) => model.loaded);
}

/** Those that are not on this machine are the panel's to offer. */
function engineItems(all: readonly EngineSnapshot[]): MenuItem[] {
  const here = all.filter(({ state }) => state !== 'absent');
  const engines = here.length > 0 ? here : all.slice(0, 1);
  const [only, ...others] = engines;
  if (!only) return [{ kind: 'label', label: 'No engine on this machine' }, separator, engineLogs];
  if (others.length === 0) return engineControls(only);
  return engines.map((engine) => ({
    kind: 'submenu',
    label: `${plainText(engine.id, longestName)} — ${engine.state}`,
    items: engineControls(engine),
  }));
}

const engineLogs: MenuItem = { kind: 'action', label: 'Logs…', action: { kind: 'openPanel', screen: 'engines' } };

function engineControls(engine: EngineSnapshot): MenuItem[] {
  const state: MenuItem = { kind: 'label', label: plainText(engine.sentence, longestSentence) };
  if (engine.ownership === 'adopted') return [state, separator, engineLogs];
  return [state, separator, ...engineCommands(engine), engineLogs];
}

function engineCommands({ id, state }: EngineSnapshot): MenuItem[] {
  const item = (label: string, command: 'start' | 'stop' | 'restart'): MenuItem => ({
    kind: 'action',
    label,
    action: { kind: 'engine', command, id },
  });
  switch (state) {
    case 'ready':
    case 'starting':
    case 'loading':
    case 'draining':
    case 'backoff':
      return [item('Restart', 'restart'), item('Stop', 'stop')];
    case 'stopped':
    case 'failed':
    case 'conflict':
      return [item('Start', 'start')];
    case 'absent':
    case 'stopping':
    case 'adopted':
      return [];
  }
}

function startAtLogin({ startAtLogin: on }: TrayMenuSettings): MenuItem[] {
  if (on === null) return [];
  return [
    { kind: 'checkbox', label: 'Start at login', checked: on, action: { kind: 'setStartAtLogin', on: !on } },
    separator,
  ];
}
