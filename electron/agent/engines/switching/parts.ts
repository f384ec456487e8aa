import { freemem } from 'node:os';
import type { ModelFit } from '../../../contract/snapshot.ts';
import type { Announcer } from '../../base/announcer.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { EngineBoard } from '../engine-board.ts';
import type { ModelsSettings } from '../engine-factory.ts';
import type { Placed } from '../placement/choose-default.ts';
import { findModel } from '../placement/resolve-model.ts';
import { askThroughFalls } from './ask-again.ts';
import { HeldUpstream } from './held-upstream.ts';
import { ModelLoads } from './model-loads.ts';
import type { OptionsByName } from './model-options.ts';
import { OnDemand } from './on-demand.ts';
import { ReadAhead, readAheadDefaults } from './read-ahead.ts';
import { Switcher } from './switcher.ts';
import { Upkeep } from './upkeep.ts';
import { Uses } from './uses.ts';
import { WaitingRoom } from './waiting-room.ts';
import { warmUp } from './warm-up.ts';

export interface PartsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly board: EngineBoard;
  /** Announced after every change of what the board shows. */
  readonly changed: Announcer<void>;
  readonly options: () => OptionsByName;
  readonly fit: (placed: Placed) => ModelFit | null;
  readonly remember: (wish: string) => void;
  readonly rescan: () => Promise<void>;
}

export type SwitchingParts = ReturnType<typeof makeParts>;

/** Everything that stands between the engines and the gateway, put together. Starts nothing. */
export function makeParts(settings: ModelsSettings, deps: PartsDeps) {
  const { clock, logger, board, changed, options, fit, remember, rescan } = deps;
  const { holdMs, keepAliveMinutes, onDemand: allowed } = settings;
  const view = () => board.view();
  const stamp = () => board.stamp();
  const engineOf = (id: string) => board.byId(id);
  const uses = new Uses({ clock });
  const room = new WaitingRoom({}, { clock, changed });
  const loads = new ModelLoads({ engine: engineOf, logger });
  const answersOnce = ({ model, offer }: Placed, signal: AbortSignal): Promise<void> => {
    const { upstream } = engineOf(offer.engineId);
    const ask = (): Promise<void> => {
      // What the engine can do with it: an old server does less than the model's file promises.
      const served = upstream.describe().models.find(({ id }) => id === offer.modelId);
      const target = { modelId: offer.modelId, capabilities: served?.capabilities ?? model.capabilities };
      return warmUp(upstream, target, signal, { clock });
    };
    return askThroughFalls(ask, signal, { clock });
  };
  const switcher = new Switcher(
    { wish: settings.default, holdMs },
    { clock, logger, view, loads, options, fit, warmUp: answersOnce, remember },
  );
  const onDemand = new OnDemand({ allowed }, { view, stamp, loads, hasRoom: (placed) => switcher.hasRoom(placed) });
  const upkeep = new Upkeep({ keepAliveMinutes }, { clock, view, switcher, loads, uses, options, rescan });
  const readAhead = new ReadAhead(readAheadDefaults, {
    clock,
    isIdle: () => uses.total === 0 && !switcher.isBusy,
    files: () => filesToWarm(settings.warm, board),
    freeBytes: freemem,
  });
  const mayLoad: OnDemand['mayLoad'] = (spot) => onDemand.mayLoad(spot);
  const shared = { clock, engineOf, view, stamp, switcher, loads, uses, room, onDemand: mayLoad };
  const upstreams = board.engines.map((engine) => new HeldUpstream({ holdMs }, { ...shared, engine }));
  return { uses, room, loads, switcher, upkeep, readAhead, upstreams };
}

/** Those of `models.warm` that are files and not in memory already. */
function filesToWarm(names: readonly string[], board: EngineBoard): string[] {
  const { models } = board.view();
  return names.flatMap((name) => {
    const model = findModel(models, name)?.model;
    const isLoaded = model?.offers.some(({ held }) => held?.state === 'loaded') === true;
    return model?.file && !isLoaded ? [model.file.path] : [];
  });
}
