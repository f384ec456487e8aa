import { Download } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { type EngineKind, type EngineSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { canInstall } from '../../format/installs.ts';
import { engineKindName, engineStateWord } from '../../format/words.ts';
import { useConnection, useSnapshot } from '../../panel-context.ts';
import { InstallDialog } from './install-dialog.tsx';
import { InstallProgress } from './install-progress.tsx';

const purposes: Readonly<Record<EngineKind, string>> = {
  embedded: 'The engine that comes with this program.',
  ollama: 'A library of models that are fetched by name.',
  'llama-server': 'The server of llama.cpp: any GGUF file, one process for each model.',
  bitnet: 'Models of 1.58 bits a weight, fast on processors without a graphics card.',
};

/** An engine that is not on this machine, with the way to get it. `engine` is null where the node lists none. */
export function AbsentEngine(props: { kind: EngineKind; engine: EngineSnapshot | null }): ReactElement {
  const { kind, engine } = props;
  const [asking, setAsking] = useState(false);
  const live = useConnection((state) => state.connection.phase === 'live');
  const install = useSnapshot(({ installs }) => installs.find((one) => one.kind === kind) ?? null);
  const running = install?.state === 'running';
  return (
    <Section
      title={engineKindName(kind)}
      aside={<StateBadge word={engine === null ? 'Not in use' : engineStateWord('absent').word} tone="quiet" />}
    >
      <p>{purposes[kind]}</p>
      {engine !== null && (
        <p data-testid="engine-sentence" className="mt-1 text-muted">
          <AgentText text={engine.sentence} />
        </p>
      )}
      {install !== null && <InstallProgress install={install} />}
      {canInstall(kind) && !running && (
        <p className="mt-3">
          <button
            type="button"
            className="button"
            disabled={!live}
            aria-label={`Install ${engineKindName(kind)}`}
            onClick={() => setAsking(true)}
          >
            <Download aria-hidden size={15} />
            Install…
          </button>
        </p>
      )}
      {asking && <InstallDialog kind={kind} onClose={() => setAsking(false)} />}
    </Section>
  );
}
