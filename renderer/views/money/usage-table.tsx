import { ArrowDown, ArrowUp } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import { type UsageGroup, type UsageRow } from '../../../electron/contract/cloud.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Section } from '../../components/section.tsx';
import { formatMoney } from '../../format/money.ts';
import { formatCount, formatRate, unknown } from '../../format/numbers.ts';
import { providerName } from '../../format/providers.ts';
import { formatLatency } from '../../format/time.ts';
import {
  groupWord,
  orderAfter,
  orderUsage,
  tableGroups,
  usageColumns,
  usageName,
  type TableGroup,
  type UsageColumn,
  type UsageOrder,
} from '../../format/usage.ts';
import { useSnapshot } from '../../panel-context.ts';
import { type UsageLook } from '../../stores/usage.ts';

/** Who or what spent and kept how much, in the order that the reader asks for. */
export function UsageTable(props: {
  look: UsageLook | null;
  by: TableGroup;
  onBy: (by: TableGroup) => void;
}): ReactElement {
  const { look } = props;
  const [order, setOrder] = useState<UsageOrder>({ column: 'costUsd', falling: true });
  const sort = (column: UsageColumn): void => setOrder((now) => orderAfter(now, column));
  return (
    <Section
      title="Where it went"
      aside={
        <span className="flex flex-wrap items-end gap-3">
          <Pick
            name="By"
            value={props.by}
            options={tableGroups.map((id) => ({ id, word: groupWord(id) }))}
            onValue={props.onBy}
          />
          <span className="min-[52.01rem]:hidden">
            <Pick
              name="In the order of"
              value={order.column}
              options={usageColumns.map(({ id, title }) => ({ id, word: title }))}
              onValue={(column) => setOrder(orderAfter({ column: 'name', falling: false }, column))}
            />
          </span>
        </span>
      }
    >
      {look === null ? (
        <p className="text-muted">Looking into the ledger.</p>
      ) : look.table.rows.length === 0 ? (
        <p className="text-muted">No request in this time.</p>
      ) : (
        <table role="table" aria-label="Where it went" className="ledger">
          <Heads order={order} onSort={sort} />
          <tbody role="rowgroup">
            {orderUsage(look.table.rows, order).map((row) => (
              <Row key={row.name} row={row} by={look.table.by} />
            ))}
            {look.table.rows.length > 1 && <Row row={look.table.total} by={look.table.by} total />}
          </tbody>
        </table>
      )}
    </Section>
  );
}

function Heads({ order, onSort }: { order: UsageOrder; onSort: (column: UsageColumn) => void }): ReactElement {
  return (
    <thead role="rowgroup">
      <tr role="row">
        {usageColumns.map(({ id, title, number }) => {
          const ordered = order.column === id;
          const Icon = order.falling ? ArrowDown : ArrowUp;
          return (
            <th
              key={id}
              role="columnheader"
              scope="col"
              className={number ? 'number' : ''}
              aria-sort={ordered ? (order.falling ? 'descending' : 'ascending') : undefined}
            >
              <button
                type="button"
                className="order-button max-[52rem]:hidden"
                data-ordered={ordered ? '' : undefined}
                onClick={() => onSort(id)}
              >
                {title}
                {ordered && <Icon aria-hidden size={13} />}
              </button>
              <span className="min-[52.01rem]:hidden">{title}</span>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

function Row({ row, by, total }: { row: UsageRow; by: UsageGroup; total?: boolean }): ReactElement {
  return (
    <tr role="row" className={total === true ? 'font-semibold' : ''}>
      <td role="cell" data-label="Name">
        {total === true ? 'All' : <Name name={row.name} by={by} />}
      </td>
      <NumberCell label="Requests" value={formatCount(row.requests)} />
      <NumberCell label="Failed" value={formatCount(row.failed)} />
      <NumberCell label="Fresh input" value={formatCount(row.inputTokens)} />
      <NumberCell label="From cache" value={formatCount(row.cachedTokens)} />
      <NumberCell label="To cache" value={formatCount(row.cacheWriteTokens)} />
      <NumberCell label="Output" value={formatCount(row.outputTokens)} />
      <NumberCell label="Cost" value={formatMoney(row.costUsd)} />
      <NumberCell label="Kept local" value={formatMoney(row.keptLocalUsd)} />
      <NumberCell label="First token" value={formatLatency(row.ttftMs)} />
      <NumberCell label="Tokens/s" value={formatRate(row.tokensPerSecond)} />
    </tr>
  );
}

function Name({ name, by }: { name: string; by: UsageGroup }): ReactElement {
  const providers = useSnapshot((all) => all.cloud.providers);
  const known = usageName(name, by);
  return <AgentText text={by === 'provider' ? providerName(known, providers) : known} />;
}

function NumberCell({ label, value }: { label: string; value: string }): ReactElement {
  return (
    <td role="cell" data-label={label} data-unknown={value === unknown ? '' : undefined} className="number">
      {value}
    </td>
  );
}

function Pick<Value extends string>(props: {
  name: string;
  value: Value;
  options: readonly { readonly id: Value; readonly word: string }[];
  onValue: (value: Value) => void;
}): ReactElement {
  const choose = (text: string): void => {
    const found = props.options.find(({ id }) => id === text);
    if (found !== undefined) props.onValue(found.id);
  };
  return (
    <label className="flex items-center gap-2">
      <span className="text-sm whitespace-nowrap text-muted">{props.name}</span>
      <select className="field" value={props.value} onChange={(event) => choose(event.target.value)}>
        {props.options.map(({ id, word }) => (
          <option key={id} value={id}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}
