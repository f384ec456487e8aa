import { Plus } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { type CloudOverview } from '../../../../electron/contract/cloud.ts';
import { AgentText } from '../../../components/agent-text.tsx';
import { HeadRow } from '../../../components/head-row.tsx';
import { Section } from '../../../components/section.tsx';
import { plainLine } from '../../../format/plain-text.ts';
import { useConnection } from '../../../panel-context.ts';
import { EquivalentDialog } from './equivalent-dialog.tsx';

const heads = [{ title: 'Asked for' }, { title: 'Stands in, best first' }, { title: '' }];

/** Which cloud models stand in for which local or virtual one. */
export function Equivalents(props: { overview: CloudOverview | null; onSaved: () => void }): ReactElement {
  const { overview } = props;
  const live = useConnection((state) => state.connection.phase === 'live');
  const [open, setOpen] = useState<{ readonly name: string; readonly models: readonly string[] } | null>(null);
  return (
    <Section
      title="Equivalents"
      aside={
        <button
          type="button"
          className="button"
          disabled={!live || overview === null}
          onClick={() => setOpen({ name: '', models: [] })}
        >
          <Plus aria-hidden size={15} />
          Add a name…
        </button>
      }
    >
      <p className="mb-3 text-muted">
        What answers in the cloud in place of a model here or of a purpose. The first that may be used is asked; * is
        for every model that has no line of its own.
      </p>
      {overview === null ? (
        <p className="text-muted">Looking for the equivalents.</p>
      ) : (
        <table role="table" aria-label="Equivalents" className="ledger">
          <HeadRow heads={heads} />
          <tbody role="rowgroup">
            {Object.entries(overview.equivalents).map(([name, models]) => (
              <tr key={name} role="row">
                <td role="cell" data-label="Asked for" className="font-medium">
                  <AgentText text={name} />
                </td>
                <td role="cell" data-label="Stands in">
                  {models.length === 0 ? (
                    <span className="text-muted">Nothing</span>
                  ) : (
                    <AgentText text={models.join(', ')} />
                  )}
                </td>
                <td role="cell" data-label="" className="lg:text-right">
                  <button
                    type="button"
                    className="button"
                    disabled={!live}
                    aria-label={plainLine(`Change what stands in for ${name}`)}
                    onClick={() => setOpen({ name, models })}
                  >
                    Change…
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open !== null && overview !== null && (
        <EquivalentDialog
          name={open.name}
          models={open.models}
          offers={overview.models}
          onClose={() => setOpen(null)}
          onSaved={props.onSaved}
        />
      )}
    </Section>
  );
}
