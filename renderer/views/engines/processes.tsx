import { type ReactElement } from 'react';
import { type EngineSnapshot } from '../../../electron/contract/snapshot.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { engineStateWord } from '../../format/words.ts';

/** The processes of an engine that has more than its one; what a single one is stands among the engine's facts. */
export function Processes({ processes }: { processes: EngineSnapshot['processes'] }): ReactElement | null {
  if (processes.length < 2) return null;
  return (
    <table role="table" aria-label="Processes" className="ledger mb-4">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">
            Process
          </th>
          <th role="columnheader" scope="col">
            Model
          </th>
          <th role="columnheader" scope="col">
            State
          </th>
          <th role="columnheader" scope="col" className="number">
            Memory
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {processes.map((one) => {
          const { word, tone } = engineStateWord(one.state);
          return (
            <tr key={one.pid} role="row">
              <td role="cell" data-label="Process">
                {one.pid}
              </td>
              <td role="cell" data-label="Model">
                {one.model === null ? <span className="text-muted">None</span> : <AgentText text={one.model} />}
              </td>
              <td role="cell" data-label="State">
                <StateBadge word={word} tone={tone} />
              </td>
              <td role="cell" data-label="Memory" className="number">
                {formatBytes(one.memoryBytes)}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
