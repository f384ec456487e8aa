import { type ReactElement } from 'react';
import { type InstallSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { CommandButton } from '../../components/command-button.tsx';
import { ProgressBar } from '../../components/progress-bar.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { installShare, installStateWord } from '../../format/installs.ts';
import { formatSpan, parseTime } from '../../format/time.ts';
import { engineKindName } from '../../format/words.ts';
import { useNow } from '../../panel-context.ts';
import { LiveLog } from './live-log.tsx';

/** An install: which step it is at, or how it ended, with its log. */
export function InstallProgress({ install }: { install: InstallSnapshot }): ReactElement {
  const now = useNow();
  const { word, tone } = installStateWord(install.state);
  const running = install.state === 'running';
  const startedAt = parseTime(install.startedAt);
  const step = `Step ${install.step} of ${install.steps}`;
  const name = engineKindName(install.kind);
  return (
    <div className="my-3 rounded border border-line bg-raised px-3 py-2.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <StateBadge word={word} tone={tone} />
        {running && (
          <span className="text-sm text-muted">
            {step}
            {startedAt !== null && `, ${formatSpan(now - startedAt)}`}
          </span>
        )}
      </div>
      <p data-testid="install-sentence" className="my-1.5">
        <AgentText text={install.sentence} />
      </p>
      {running && <ProgressBar label={`Installing ${name}`} share={installShare(install)} text={step} />}
      {running && (
        <div className="mt-2.5">
          <CommandButton
            sendKey={`engines.cancelInstall ${install.kind}`}
            name="engines.cancelInstall"
            body={{ kind: install.kind }}
            label={`Cancel installing ${name}`}
          >
            Cancel
          </CommandButton>
        </div>
      )}
      <LiveLog engineId={`install-${install.kind}`} startOpen={false} title="Install log" />
    </div>
  );
}
