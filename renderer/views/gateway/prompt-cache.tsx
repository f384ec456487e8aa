import { RotateCw } from 'lucide-react';
import { type ReactElement } from 'react';
import { type SessionRow } from '../../../electron/contract/trace.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { HeadRow } from '../../components/head-row.tsx';
import { ProgressBar } from '../../components/progress-bar.tsx';
import { Section } from '../../components/section.tsx';
import { useQuestion } from '../../components/use-question.ts';
import { reuseShare } from '../../format/gateway.ts';
import { formatCount, formatPercent, unknown } from '../../format/numbers.ts';
import { plainLine } from '../../format/plain-text.ts';
import { formatAgo, parseTime } from '../../format/time.ts';
import { trafficAddress } from '../../format/traffic.ts';
import { useNow, useSnapshot } from '../../panel-context.ts';

const heads = [
  { title: 'Chat' },
  { title: 'Key' },
  { title: 'Kept at' },
  { title: 'Latest' },
  { title: 'Requests', number: true },
  { title: 'Prompt tokens', number: true },
  { title: 'From the cache', number: true },
];

/** How much of the prompts the engines had read before, of all requests and chat by chat. */
export function PromptCache(): ReactElement {
  const prompt = useSnapshot((all) => all.gateway.promptTokensTotal);
  const cached = useSnapshot((all) => all.gateway.cachedTokensTotal);
  const { answer, asking, failure, askAgain } = useQuestion('sessions', {});
  const share = reuseShare(prompt, cached);
  return (
    <Section
      title="Prompt cache"
      aside={
        <button type="button" className="button" disabled={asking} aria-busy={asking} onClick={askAgain}>
          <RotateCw aria-hidden size={15} />
          Look again
        </button>
      }
    >
      {share === null ? (
        <p className="text-muted">No local engine has told of a prompt yet.</p>
      ) : (
        <div className="mb-4 max-w-xl">
          <p className="mb-2">
            {formatCount(cached)} of {formatCount(prompt)} prompt tokens were in a cache and not read again:{' '}
            <strong className="font-semibold">{formatPercent(share * 100)}</strong>.
          </p>
          <ProgressBar label="Prompt tokens from the cache" share={share} still />
        </div>
      )}
      {failure !== null && (
        <p role="alert" className="text-barn">
          <AgentText text={failure} />
        </p>
      )}
      {answer !== null && <Sessions sessions={answer.sessions} />}
    </Section>
  );
}

function Sessions({ sessions }: { sessions: readonly SessionRow[] }): ReactElement {
  const now = useNow();
  if (sessions.length === 0) {
    return (
      <p className="mt-3 text-muted">
        No chat is kept at an engine. A program’s second request of one chat goes where its first one was read.
      </p>
    );
  }
  return (
    <table role="table" aria-label="Chats" className="ledger mt-3">
      <HeadRow heads={heads} />
      <tbody role="rowgroup">
        {sessions.map((session) => {
          const share = reuseShare(session.promptTokens, session.cachedTokens);
          return (
            <tr key={session.id} role="row">
              <td role="cell" data-label="Chat">
                <a href={trafficAddress({ session: session.id })} className="underline" title={plainLine(session.id)}>
                  <AgentText text={session.id.slice(0, 12)} />
                </a>
              </td>
              <td role="cell" data-label="Key">
                {session.key === null ? <span className="text-muted">No key</span> : <AgentText text={session.key} />}
              </td>
              <td role="cell" data-label="Kept at">
                <div>
                  <AgentText text={session.upstream} />
                  <span className="block text-muted">
                    <AgentText text={session.model} />
                  </span>
                </div>
              </td>
              <td role="cell" data-label="Latest">
                {formatAgo(parseTime(session.lastAt), now)}
              </td>
              <td role="cell" data-label="Requests" className="number">
                {formatCount(session.requests)}
              </td>
              <td role="cell" data-label="Prompt tokens" className="number">
                {formatCount(session.promptTokens)}
              </td>
              <td role="cell" data-label="From the cache" className="number">
                {share === null ? unknown : `${formatPercent(share * 100)} (${formatCount(session.cachedTokens)})`}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
