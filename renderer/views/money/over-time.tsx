import { useMemo, useState, type ReactElement } from 'react';
import { BarPlot } from '../../components/bar-plot.tsx';
import { Section } from '../../components/section.tsx';
import { usePaint } from '../../components/use-paint.ts';
import { formatMoney, formatShare } from '../../format/money.ts';
import { slotName, stepOf, timeSlots, type TimeSlot } from '../../format/usage.ts';
import { type UsageLook } from '../../stores/usage.ts';

/** What was spent as bars and the local share as a line, hour by hour or day by day. */
export function OverTime({ look }: { look: UsageLook | null }): ReactElement {
  return (
    <Section title="Over time">
      {look === null ? <p className="text-muted">Looking into the ledger.</p> : <Drawn look={look} />}
    </Section>
  );
}

function Drawn({ look }: { look: UsageLook }): ReactElement {
  const paint = usePaint();
  const [point, setPoint] = useState<number | null>(null);
  const step = stepOf(look.range);
  const slots = useMemo(
    () => timeSlots(look.overTime.rows, { since: look.since, until: look.until, step }),
    [look, step],
  );
  const under = point === null ? undefined : slots[point];
  const most = slots.reduce<TimeSlot | null>((top, slot) => (slot.costUsd > (top?.costUsd ?? 0) ? slot : top), null);
  const summary =
    most === null
      ? 'nothing was spent'
      : `${formatMoney(look.overTime.total.costUsd)} in all, the most ${formatMoney(most.costUsd)} at ${slotName(most.at, step)}`;
  return (
    <>
      <p className="mb-2 flex flex-wrap items-center gap-x-4 gap-y-1 text-sm" data-testid="slot-words">
        {under === undefined ? (
          <>
            <span>
              <span className="budget-dot bg-leather" />
              Spent
            </span>
            <span>
              <span className="budget-dot bg-sage" />
              Local share
            </span>
          </>
        ) : (
          <span>{slotWords(under, step)}</span>
        )}
      </p>
      <BarPlot
        label={`Spent and kept local over time: ${summary}`}
        slots={slots}
        step={step}
        height={210}
        paint={paint}
        onPoint={setPoint}
      />
      <details className="mt-2 text-sm">
        <summary className="cursor-pointer py-1 text-muted">The same in figures</summary>
        <ul className="mt-1 grid max-h-56 gap-x-6 overflow-y-auto sm:grid-cols-2" tabIndex={0} aria-label="Figures">
          {slots.map((slot) => (
            <li key={slot.at}>{slotWords(slot, step)}</li>
          ))}
        </ul>
      </details>
    </>
  );
}

function slotWords(slot: TimeSlot, step: 'hour' | 'day'): string {
  const share = slot.localShare === null ? '' : `, ${formatShare(slot.localShare)} local`;
  return `${slotName(slot.at, step)}: ${formatMoney(slot.costUsd)} spent, ${formatMoney(slot.keptLocalUsd)} kept${share}`;
}
