import { CircleAlert, Info, TriangleAlert, type LucideIcon } from 'lucide-react';
import { type ReactElement } from 'react';
import { type Notice } from '../../../electron/contract/snapshot.ts';
import { assertNever } from '../../assert-never.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { CommandButton } from '../../components/command-button.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { plainLine } from '../../format/plain-text.ts';
import { formatAgo, parseTime } from '../../format/time.ts';
import { useNow, useSnapshot } from '../../panel-context.ts';

const faces: Readonly<Record<Notice['severity'], { icon: LucideIcon; word: string; classes: string; text: string }>> = {
  info: { icon: Info, word: 'Note', classes: 'border-creek tint-creek', text: 'text-creek' },
  warning: { icon: TriangleAlert, word: 'Warning', classes: 'border-hay tint-hay', text: 'text-hay' },
  problem: { icon: CircleAlert, word: 'Problem', classes: 'border-barn tint-barn', text: 'text-barn' },
};

/** What needs the operator, each with what mends it. Nothing when nothing does. */
export function Notices(): ReactElement | null {
  const notices = useSnapshot((all) => all.notices);
  if (notices.length === 0) return null;
  return (
    <section aria-label="Notices">
      <ul className="grid gap-2">
        {notices.map((notice) => (
          <NoticeRow key={notice.id} notice={notice} />
        ))}
      </ul>
    </section>
  );
}

function NoticeRow({ notice }: { notice: Notice }): ReactElement {
  const { icon: Icon, word, classes, text } = faces[notice.severity];
  const now = useNow();
  return (
    <li className={`flex flex-wrap items-center gap-x-4 gap-y-2 rounded-md border-l-4 px-4 py-3 ${classes}`}>
      <div className="flex min-w-0 flex-1 basis-72 gap-3">
        <Icon aria-hidden size={19} className={`mt-0.5 shrink-0 ${text}`} />
        <p className="min-w-0">
          <span className="sr-only">{word}: </span>
          <AgentText text={notice.sentence} />{' '}
          <span className="text-sm whitespace-nowrap text-muted">{formatAgo(parseTime(notice.since), now)}</span>
        </p>
      </div>
      {notice.fix !== null && <NoticeFix id={notice.id} fix={notice.fix} />}
    </li>
  );
}

function NoticeFix({ id, fix }: { id: string; fix: NonNullable<Notice['fix']> }): ReactElement {
  switch (fix.kind) {
    case 'command':
      return (
        <CommandButton sendKey={`notice ${id}`} name={fix.command} body={fix.body}>
          <AgentText text={fix.label} />
        </CommandButton>
      );
    case 'terminal':
      return <CopyFix label={fix.label} text={fix.line} />;
    case 'path':
      return <CopyFix label={fix.label} text={fix.path} />;
    default:
      return assertNever(fix);
  }
}

function CopyFix({ label, text }: { label: string; text: string }): ReactElement {
  return (
    <div className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
      <span className="text-sm text-muted">
        <AgentText text={label} />
      </span>
      <Copyable text={text} label={`Copy: ${plainLine(label)}`} />
    </div>
  );
}
