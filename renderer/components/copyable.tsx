import { Check, Copy } from 'lucide-react';
import { useRef, useState, type ReactElement } from 'react';
import { plainLine } from '../format/plain-text.ts';

type Copied = 'no' | 'copied' | 'selected';

const saying: Readonly<Record<Copied, string>> = {
  no: '',
  copied: 'Copied',
  selected: 'Selected. Copy it with the keyboard.',
};

/** A line to take elsewhere: what is shown is what is copied. Where the clipboard is closed, the line is selected. */
export function Copyable({ text, label }: { text: string; label: string }): ReactElement {
  const shown = plainLine(text);
  const line = useRef<HTMLElement>(null);
  const [copied, setCopied] = useState<Copied>('no');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(shown);
      setCopied('copied');
    } catch {
      if (line.current !== null) window.getSelection()?.selectAllChildren(line.current);
      setCopied('selected');
    }
  };
  return (
    <span className="inline-flex max-w-full flex-wrap items-center gap-2">
      <code ref={line} className="code min-w-0 rounded bg-raised px-1.5 py-1 [unicode-bidi:isolate]">
        {shown}
      </code>
      <button
        type="button"
        className="button min-h-8! px-2!"
        aria-label={label}
        title={label}
        onClick={() => void copy()}
      >
        {copied === 'copied' ? <Check aria-hidden size={15} /> : <Copy aria-hidden size={15} />}
      </button>
      <span role="status" className="text-sm text-muted">
        {saying[copied]}
      </span>
    </span>
  );
}
