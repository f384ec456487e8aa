import { useState, type ReactElement } from 'react';
import { type CloudModelRow } from '../../../../electron/contract/cloud.ts';
import { AgentText } from '../../../components/agent-text.tsx';
import { HeadRow } from '../../../components/head-row.tsx';
import { formatCount, unknown } from '../../../format/numbers.ts';
import { plainLine } from '../../../format/plain-text.ts';
import { priceOrigin, priceParts } from '../../../format/providers.ts';
import { useConnection } from '../../../panel-context.ts';
import { PriceDialog } from './price-dialog.tsx';

const heads = [
  { title: 'Model' },
  { title: 'Price, a million tokens' },
  { title: 'From' },
  { title: 'Context', number: true },
  { title: 'Answer at most', number: true },
  { title: '' },
];

/** Models with their prices, and where each price is from. */
export function ProviderModels(props: { models: readonly CloudModelRow[]; onChanged: () => void }): ReactElement {
  const { models } = props;
  const unpriced = models.filter(({ price }) => price === null).length;
  return (
    <details>
      <summary className="cursor-pointer py-1">
        Models and prices ({formatCount(models.length)}
        {unpriced > 0 && `, ${formatCount(unpriced)} without a price`})
      </summary>
      <table role="table" aria-label="Models and prices" className="ledger mt-2">
        <HeadRow heads={heads} />
        <tbody role="rowgroup">
          {models.map((model) => (
            <Row key={model.id} model={model} onChanged={props.onChanged} />
          ))}
        </tbody>
      </table>
    </details>
  );
}

function Row({ model, onChanged }: { model: CloudModelRow; onChanged: () => void }): ReactElement {
  const live = useConnection((state) => state.connection.phase === 'live');
  const [open, setOpen] = useState(false);
  const origin = priceOrigin(model);
  return (
    <tr role="row">
      <td role="cell" data-label="Model" className="font-medium">
        <AgentText text={model.id} />
      </td>
      <td role="cell" data-label="Price">
        {model.price === null ? <span className="text-muted">{unknown}</span> : priceParts(model.price).join(' · ')}
      </td>
      <td role="cell" data-label="From">
        {origin.address === null ? (
          <span className={model.price === null ? 'text-hay' : ''}>
            <AgentText text={origin.words} />
          </span>
        ) : (
          <a href={origin.address} target="_blank" rel="noreferrer" className="underline">
            <AgentText text={origin.words} />
          </a>
        )}
      </td>
      <td role="cell" data-label="Context" className="number">
        {formatCount(model.contextLength)}
      </td>
      <td role="cell" data-label="Answer at most" className="number">
        {formatCount(model.maxOutputTokens)}
      </td>
      <td role="cell" data-label="">
        <button
          type="button"
          className="button whitespace-nowrap"
          disabled={!live}
          aria-label={plainLine(`Price of ${model.id}`)}
          onClick={() => setOpen(true)}
        >
          Price…
        </button>
        {open && <PriceDialog model={model} onClose={() => setOpen(false)} onSaved={onChanged} />}
      </td>
    </tr>
  );
}
