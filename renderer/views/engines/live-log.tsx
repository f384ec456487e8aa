import { memo, useEffect, useRef, useState, type ReactElement } from 'react';
import { useStore } from 'zustand';
import { AgentText } from '../../components/agent-text.tsx';
import { usePanel } from '../../panel-context.ts';
import { createEngineLog, type LogBlock } from '../../stores/engine-log.ts';

/** An engine's log as it is written. It is followed only while it is open. */
export function LiveLog(props: { engineId: string; startOpen: boolean; title?: string }): ReactElement {
  const { engineId } = props;
  const [open, setOpen] = useState(props.startOpen);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="cursor-pointer py-1 font-medium">{props.title ?? 'Live log'}</summary>
      {open && <OpenLog key={engineId} engineId={engineId} />}
    </details>
  );
}

function OpenLog({ engineId }: { engineId: string }): ReactElement {
  const { connection, http, timers } = usePanel();
  const [log] = useState(() => createEngineLog(engineId, { http, timers }));
  const { blocks, following } = useStore(log.store);
  const live = useStore(connection, (state) => (state.connection.phase === 'live' ? state.connection.since : null));
  // A new connection may be a new agent, whose log starts anew; the old one's lines stay until then.
  useEffect(() => {
    if (live !== null) log.follow();
  }, [log, live]);
  useEffect(() => () => log.stop(), [log]);
  return (
    <div>
      <LogLines blocks={blocks} />
      {following.state === 'ended' && (
        <p className="mt-2 flex flex-wrap items-center gap-3 text-sm">
          <AgentText text={following.sentence} />
          <button type="button" className="button" onClick={() => log.follow()} disabled={live === null}>
            Follow it again
          </button>
        </p>
      )}
    </div>
  );
}

function LogLines({ blocks }: { blocks: readonly LogBlock[] }): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  useEffect(() => {
    const element = box.current;
    if (atEnd && element !== null) element.scrollTop = element.scrollHeight;
  }, [blocks, atEnd]);
  const onScroll = (): void => {
    const element = box.current;
    if (element !== null) setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < 24);
  };
  return (
    <div className="relative">
      <div
        ref={box}
        role="region"
        aria-label="Log lines"
        tabIndex={0}
        onScroll={onScroll}
        data-testid="log"
        className="code mt-1 h-72 overflow-auto rounded border border-line bg-raised p-3"
      >
        {blocks.length === 0 ? (
          <p className="text-muted">Nothing was said yet.</p>
        ) : (
          blocks.map((block) => <Block key={block.number} text={block.text} />)
        )}
      </div>
      {!atEnd && (
        <button type="button" className="button absolute right-4 bottom-3 shadow" onClick={() => setAtEnd(true)}>
          To the newest line
        </button>
      )}
    </div>
  );
}

const Block = memo(function Block({ text }: { text: string }): ReactElement {
  return <div className="whitespace-pre-wrap [unicode-bidi:plaintext]">{text}</div>;
});
