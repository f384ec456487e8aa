import { ArrowLeft } from 'lucide-react';
import { useEffect, useRef, type ReactElement, type ReactNode } from 'react';
import { setAsideUsd } from '../../../electron/contract/set-aside.ts';
import { type Trace } from '../../../electron/contract/trace.ts';
import { AgentText } from '../../components/agent-text.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { Fact, Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { useQuestion } from '../../components/use-question.ts';
import { formatCount, formatPercent, formatRate } from '../../format/numbers.ts';
import { formatAgo, formatClock, formatLatency, parseTime } from '../../format/time.ts';
import { ceilingWords, priorityWord } from '../../format/trace.ts';
import { askedWords, dialectName, formatDollars, trafficAddress } from '../../format/traffic.ts';
import { activityStatus, reasonWords, routeWord } from '../../format/words.ts';
import { useNow, useSnapshot } from '../../panel-context.ts';
import { Candidates } from './candidates.tsx';
import { Compared } from './compared.tsx';

/** One decision: what was asked, who could have answered and why they did or did not, and what came of it. */
export function TraceView({ id }: { id: string }): ReactElement {
  const entry = useSnapshot(({ activity }) => activity.find(({ trace }) => trace === id) ?? null);
  // A request leaves its decision behind when it ends.
  const { answer, asking, failure } = useQuestion('trace', { id }, entry?.state ?? '');
  const running = entry?.state === 'running';
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    window.scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <>
      <p className="mb-3">
        <a href="#/traffic" className="inline-flex items-center gap-1.5 py-1 text-muted hover:text-ink">
          <ArrowLeft aria-hidden size={16} />
          All requests
        </a>
      </p>
      <div className="mb-5 flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1 ref={heading} tabIndex={-1} className="min-w-0 text-2xl outline-none sm:text-3xl">
          {answer === null ? 'A request' : <Title trace={answer.trace} />}
        </h1>
        <Copyable text={answer?.trace.trace ?? id} label="Copy the trace id" />
      </div>
      {answer !== null ? (
        <Decision trace={answer.trace} />
      ) : running ? (
        <p className="card">The request still runs. Its decision is shown here as soon as it is over.</p>
      ) : asking || failure === null ? (
        <p className="card text-muted">Looking for the decision.</p>
      ) : (
        <p role="alert" className="card text-barn">
          <AgentText text={failure} />
        </p>
      )}
    </>
  );
}

function Title({ trace }: { trace: Trace }): ReactElement {
  if (trace.upstream === null) {
    return (
      <>
        <AgentText text={askedWords(trace.requestedModel)} /> was not answered
      </>
    );
  }
  return (
    <>
      <AgentText text={askedWords(trace.requestedModel)} /> went to <AgentText text={trace.upstream} />
    </>
  );
}

function Decision({ trace }: { trace: Trace }): ReactElement {
  return (
    <div className="grid gap-5">
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <Outcome trace={trace} />
        <Asked trace={trace} />
      </div>
      <Candidates trace={trace} />
      <div className="grid items-start gap-5 lg:grid-cols-2">
        <Compared trace={trace} />
        <Attempts trace={trace} />
      </div>
    </div>
  );
}

function Outcome({ trace }: { trace: Trace }): ReactElement {
  const { word, tone } = activityStatus(trace);
  const { promptTokens, cachedTokens, completionTokens } = trace;
  const worstUsd = setAsideUsd(trace);
  return (
    <Section title="What came of it" aside={<StateBadge word={word} tone={tone} />}>
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3">
        <Fact name="Answered by">
          {trace.upstream === null ? (
            'Nobody'
          ) : (
            <>
              {routeWord(trace.route)}, <AgentText text={trace.upstream} />
              {trace.model !== null && (
                <span className="block text-muted">
                  <AgentText text={trace.model} />
                </span>
              )}
            </>
          )}
        </Fact>
        <Fact name="Because">
          <AgentText text={reasonWords(trace.reason)} />
        </Fact>
        {trace.error !== null && (
          <Fact name="Error">
            <span className="text-barn">
              <AgentText text={trace.error} />
            </span>
          </Fact>
        )}
        {trace.retryAfterS !== null && (
          <Fact name="Told to come back">in {formatLatency(trace.retryAfterS * 1_000)}</Fact>
        )}
        <Fact name="First token">{formatLatency(trace.ttftMs)}</Fact>
        <Fact name="Tokens/s">{formatRate(trace.tokensPerSecond)}</Fact>
        <Fact name="In the queue">{formatLatency(trace.queuedMs)}</Fact>
        <Fact name="Took">{formatLatency(trace.durationMs)}</Fact>
        <Fact name="Prompt">
          {formatCount(promptTokens)} tokens
          {cachedTokens !== null && promptTokens !== null && promptTokens > 0 && (
            <span className="block text-sage">
              {formatCount(cachedTokens)} from the cache ({formatPercent((cachedTokens / promptTokens) * 100)})
            </span>
          )}
          {(trace.cacheWriteTokens ?? 0) > 0 && (
            <span className="block text-muted">{formatCount(trace.cacheWriteTokens)} written to the cache</span>
          )}
        </Fact>
        <Fact name="Answer">
          {formatCount(completionTokens)} tokens
          {(trace.reasoningTokens ?? 0) > 0 && (
            <span className="block text-muted">{formatCount(trace.reasoningTokens)} of them thinking</span>
          )}
        </Fact>
        <Fact name="Cost">
          {formatDollars(trace.costUsd)}
          {worstUsd > 0 && (
            <span className="block text-muted">{formatDollars(worstUsd)} at most, as reckoned before</span>
          )}
        </Fact>
        <Fact name="Passed on">
          {trace.upstream === null
            ? 'Nothing'
            : trace.translatedFrom === null
              ? 'As it came'
              : `Translated from ${dialectName(trace.translatedFrom)}`}
        </Fact>
        <Fact name="The node was">
          <AgentText text={trace.level} />, {formatPercent(trace.saturation * 100)} full
          {trace.cause !== '' && (
            <span className="block text-muted">
              <AgentText text={trace.cause} />
            </span>
          )}
        </Fact>
      </dl>
    </Section>
  );
}

function Asked({ trace }: { trace: Trace }): ReactElement {
  const now = useNow();
  const at = parseTime(trace.at);
  return (
    <Section title="What was asked">
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3">
        <Fact name="Model">
          <AgentText text={askedWords(trace.requestedModel)} />
          {trace.persona !== null && (
            <span className="block text-muted">
              persona <AgentText text={trace.persona} />
            </span>
          )}
        </Fact>
        <Fact name="Caller">
          {trace.key === null ? 'No key' : <AgentText text={trace.key} />}
          <span className="block text-muted">
            from <AgentText text={trace.from} />
          </span>
        </Fact>
        <Fact name="Dialect">
          {dialectName(trace.dialect)}
          <span className="block text-muted">
            <AgentText text={trace.surface} />
          </span>
        </Fact>
        <Fact name="What">
          {trace.operation}
          {trace.stream ? ', streamed' : ''}
        </Fact>
        <Fact name="Priority">{priorityWord(trace.priority)}</Fact>
        <Fact name="May go">{ceilingWords(trace.ceiling)}</Fact>
        <Fact name="Needs">
          <Names names={trace.needs} none="Nothing special" />
        </Fact>
        <Fact name="Left out of it">
          <Names names={trace.ignored} none="Nothing" />
        </Fact>
        <Fact name="Prompt rules applied">
          <Names names={trace.promptRules} none="None" />
        </Fact>
        <Fact name="Chat">
          {trace.session === null ? (
            'None recognised'
          ) : (
            <a href={trafficAddress({ session: trace.session })} className="underline">
              <AgentText text={trace.session} />
            </a>
          )}
        </Fact>
        <Fact name="When">
          {at === null ? <AgentText text={trace.at} /> : `${formatClock(at)}, ${formatAgo(at, now)}`}
        </Fact>
      </dl>
    </Section>
  );
}

function Names({ names, none }: { names: readonly string[]; none: string }): ReactNode {
  return names.length === 0 ? <span className="text-muted">{none}</span> : <AgentText text={names.join(', ')} />;
}

const outcomes = {
  answered: { word: 'Answered', tone: 'well' },
  failed: { word: 'Failed', tone: 'wrong' },
  skipped: { word: 'Skipped', tone: 'quiet' },
} as const;

/** Who was tried, one after the other. */
function Attempts({ trace }: { trace: Trace }): ReactElement {
  return (
    <Section title="What was tried">
      {trace.attempts.length === 0 ? (
        <p className="text-muted">Nobody: the request ended before.</p>
      ) : (
        <ol className="grid gap-2.5">
          {trace.attempts.map((attempt, index) => (
            <li key={index} className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
              <StateBadge {...outcomes[attempt.outcome]} />
              <span className="min-w-0">
                <AgentText text={attempt.upstream} />, <AgentText text={attempt.model} />
                {attempt.error !== null && (
                  <span className="text-barn">
                    : <AgentText text={attempt.error} />
                  </span>
                )}
              </span>
              <span className="text-sm text-muted">after {formatLatency(attempt.atMs)}</span>
            </li>
          ))}
        </ol>
      )}
    </Section>
  );
}
