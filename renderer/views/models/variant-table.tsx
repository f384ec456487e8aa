import { useId, type ReactElement } from 'react';
import { type Variant } from '../../../electron/contract/control.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { FitBar } from '../../components/fit-bar.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { verdictWord } from '../../format/fit.ts';
import { plainLine } from '../../format/plain-text.ts';
import { formatBits, formatGrowth, variantPlace, variantSpeed } from '../../format/variants.ts';

interface TableProps {
  readonly variants: readonly Variant[];
  readonly sources: readonly string[];
  readonly picked: string | null;
  readonly onPick: (key: string) => void;
  readonly keyOf: (variant: Variant) => string;
  readonly whyNot: (variant: Variant) => string | null;
}

/** One row a quantization, one of which can be picked. On narrow screens the rows are cards. */
export function VariantTable(props: TableProps): ReactElement {
  const name = useId();
  return (
    <table role="table" aria-label="Quantizations" className="ledger ledger-pick">
      <thead role="rowgroup">
        <tr role="row">
          <Head>Quantization</Head>
          <Head number>Size</Head>
          <Head number>Bits a weight</Head>
          <Head>Expected loss</Head>
          <Head>Fit</Head>
          <Head number>Tokens/s</Head>
          <Head>Where</Head>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.variants.map((variant) => {
          const key = props.keyOf(variant);
          return (
            <Row
              key={key}
              group={name}
              variant={variant}
              sources={props.sources}
              picked={props.picked === key}
              whyNot={props.whyNot(variant)}
              onPick={() => props.onPick(key)}
            />
          );
        })}
      </tbody>
    </table>
  );
}

function Head({ number, children }: { number?: boolean; children: string }): ReactElement {
  return (
    <th role="columnheader" scope="col" className={number === true ? 'number' : ''}>
      {children}
    </th>
  );
}

interface RowProps {
  readonly group: string;
  readonly variant: Variant;
  readonly sources: readonly string[];
  readonly picked: boolean;
  readonly whyNot: string | null;
  readonly onPick: () => void;
}

function Row({ group, variant, sources, picked, whyNot, onPick }: RowProps): ReactElement {
  const bits = formatBits(variant.bitsPerWeight);
  const speed = variantSpeed(variant);
  const whyId = useId();
  return (
    <tr role="row" data-picked={picked ? '' : undefined}>
      <td role="cell" data-label="Quantization" className="min-w-28">
        <label className="inline-flex min-w-0 items-center gap-2.5 font-semibold">
          <input
            type="radio"
            name={group}
            className="size-4 shrink-0 accent-leather"
            checked={picked}
            disabled={whyNot !== null}
            aria-describedby={whyNot === null ? undefined : whyId}
            onChange={onPick}
          />
          <AgentText text={variant.quantization} />
        </label>
      </td>
      <td role="cell" data-label="Size" className="number" data-unknown={variant.sizeBytes === null ? '' : undefined}>
        {formatBytes(variant.sizeBytes)}
      </td>
      <td role="cell" data-label="Bits a weight" className="number" data-unknown={bits === null ? '' : undefined}>
        {bits ?? '–'}
      </td>
      <td role="cell" data-label="Expected loss" data-unknown={variant.quality === null ? '' : undefined}>
        <Quality quality={variant.quality} sources={sources} />
      </td>
      <td role="cell" data-label="Fit" data-unknown={variant.fit === null ? '' : undefined}>
        <Fit variant={variant} />
      </td>
      <td role="cell" data-label="Tokens/s" className="number" data-unknown={speed === null ? '' : undefined}>
        <div>
          {speed?.figure ?? '–'}
          {speed !== null && <span className="block text-muted">{speed.measured ? 'measured' : 'expected'}</span>}
        </div>
      </td>
      <td role="cell" data-label="Where">
        <div>
          {variantPlace(variant)}
          {whyNot !== null && (
            <span id={whyId} className="block text-muted">
              {whyNot}
            </span>
          )}
        </div>
      </td>
    </tr>
  );
}

/** The loss as figures and in words, with the number of its source below the table. */
function Quality(props: { quality: Variant['quality']; sources: readonly string[] }): ReactElement {
  const { quality } = props;
  if (quality === null) return <span className="text-muted">Not known</span>;
  const note = props.sources.indexOf(quality.source) + 1;
  const { perplexityPercent, sameTopTokenPercent } = quality;
  return (
    <div>
      {perplexityPercent !== null && (
        <span className="whitespace-nowrap">
          {formatGrowth(perplexityPercent)}
          <sup className="ml-0.5 text-muted">
            <span className="sr-only">source </span>
            {note}
          </sup>
        </span>
      )}
      <span className="block text-muted">
        <AgentText text={quality.sentence} />
        {sameTopTokenPercent !== null && ` Same first choice ${sameTopTokenPercent.toFixed(1)}\u00a0% of the time.`}
        {perplexityPercent === null && (
          <sup className="ml-0.5">
            <span className="sr-only">source </span>
            {note}
          </sup>
        )}
      </span>
    </div>
  );
}

function Fit({ variant }: { variant: Variant }): ReactElement {
  const { fit } = variant;
  if (fit === null) return <span className="text-muted">Not known</span>;
  const { word, tone } = verdictWord(fit.verdict);
  return (
    <div className="grid max-w-44 gap-1.5" title={plainLine(fit.sentence)}>
      <span className="flex flex-wrap items-center gap-x-2">
        <StateBadge word={word} tone={tone} />
        <span className="whitespace-nowrap text-muted">{formatBytes(fit.neededBytes)}</span>
      </span>
      <FitBar fit={fit} legend={false} />
    </div>
  );
}
