import { type ReactElement } from 'react';
import { AgentText } from '../../components/agent-text.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { HeadRow } from '../../components/head-row.tsx';
import { Fact, Section } from '../../components/section.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { breakerWords, causeSentence, levelWord } from '../../format/gateway.ts';
import { formatCount, formatPercent } from '../../format/numbers.ts';
import { plainLine } from '../../format/plain-text.ts';
import { formatAgo, formatLatency, formatUntil, parseTime } from '../../format/time.ts';
import { trafficAddress } from '../../format/traffic.ts';
import { useNow, useSnapshot } from '../../panel-context.ts';
import { PromptCache } from './prompt-cache.tsx';

/** Where programs reach the node, how full it is and why, who called, and what of their prompts was used again. */
export function GatewayView(): ReactElement {
  return (
    <>
      <h1 className="mb-5 text-2xl sm:text-3xl">Gateway</h1>
      <div className="grid gap-5">
        <div className="grid items-start gap-5 lg:grid-cols-2">
          <Address />
          <Load />
        </div>
        <Breakers />
        <Callers />
        <PromptCache />
      </div>
    </>
  );
}

function Address(): ReactElement {
  const { url, listening, keysTotal } = useSnapshot((all) => all.gateway);
  const lan = listening.scope === 'lan';
  return (
    <Section
      title="Address"
      aside={<StateBadge word={lan ? 'On the network' : 'This machine only'} tone={lan ? 'elsewhere' : 'quiet'} />}
    >
      <dl className="grid gap-3">
        <Fact name="From this machine">
          <Copyable text={url} label="Copy the address" />
        </Fact>
        {lan && (
          <Fact name="From the network">
            {listening.addresses.length === 0
              ? 'No address of a network yet'
              : listening.addresses.map((address) => (
                  <span key={address} className="mb-1 block">
                    <Copyable text={address} label={`Copy the address ${plainLine(address)}`} />
                  </span>
                ))}
          </Fact>
        )}
        <Fact name="Keys">
          {keysTotal === 0 ? 'None: programs of this machine need none' : `${formatCount(keysTotal)} valid`},{' '}
          <a href="#/keys" className="underline">
            {keysTotal === 0 ? 'make one' : 'see them'}
          </a>
        </Fact>
      </dl>
      {!lan && (
        <div className="mt-4">
          <p className="mb-1 text-muted">
            {keysTotal === 0
              ? 'To open it to the network, make a key, run this line, and restart the node:'
              : 'To open it to the network, run this line and restart the node:'}
          </p>
          <Copyable text="ranch-hand settings set gateway.listen lan" label="Copy the line" />
        </div>
      )}
    </Section>
  );
}

function Load(): ReactElement {
  const gateway = useSnapshot((all) => all.gateway);
  const cause = causeSentence(gateway.saturationCause);
  return (
    <Section title="How full it is" aside={<StateBadge {...levelWord(gateway.level)} />}>
      <p data-testid="saturation-cause" className="mb-3">
        {cause === null ? 'There is room: a request that comes now begins at once.' : <AgentText text={cause} />}
      </p>
      <dl className="grid grid-cols-3 gap-x-4 gap-y-3">
        <Fact name="Saturation">
          <Figure>{formatPercent(gateway.saturation * 100)}</Figure>
        </Fact>
        <Fact name="Running">
          <Figure>{formatCount(gateway.inFlight)}</Figure>
        </Fact>
        <Fact name="Waiting">
          <Figure>{formatCount(gateway.queued)}</Figure>
        </Fact>
        <Fact name="Slots">{formatCount(gateway.slots)}</Fact>
        <Fact name="First token">{formatLatency(gateway.ttftMs)}</Fact>
        <Fact name="Requests">{formatCount(gateway.requestsTotal)}</Fact>
        <Fact name="Refused for want of room">{formatCount(gateway.refusalsTotal)}</Fact>
        <Fact name="Failures">{formatCount(gateway.failuresTotal)}</Fact>
        <Fact name="Tokens answered">{formatCount(gateway.completionTokensTotal)}</Fact>
      </dl>
    </Section>
  );
}

function Figure({ children }: { children: string }): ReactElement {
  return <span className="text-2xl font-semibold">{children}</span>;
}

/** Upstreams that get no requests for a while. */
function Breakers(): ReactElement {
  const breakers = useSnapshot((all) => all.gateway.breakers);
  const now = useNow();
  return (
    <Section title="Left out for now">
      {breakers.length === 0 ? (
        <p className="text-muted">No upstream is left out: every one of them gets its requests.</p>
      ) : (
        <ul className="grid gap-3">
          {breakers.map((breaker) => (
            <li key={breaker.upstream} className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
              <StateBadge
                word={breaker.state === 'open' ? 'Left out' : 'Being tried'}
                tone={breaker.state === 'open' ? 'wrong' : 'busy'}
              />
              <span className="font-medium">
                <AgentText text={breaker.upstream} />
              </span>
              <span className="min-w-0 flex-1 basis-72">
                {breakerWords(breaker)}{' '}
                <span className="text-muted">
                  {breaker.state === 'half-open'
                    ? 'One request tries it now.'
                    : breaker.nextTryAt === null
                      ? 'It is not tried again by itself.'
                      : `The next try is ${formatUntil(parseTime(breaker.nextTryAt), now)}.`}
                </span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

const callerHeads = [{ title: 'Key' }, { title: 'From' }, { title: 'Latest' }, { title: 'Requests', number: true }];

function Callers(): ReactElement {
  const callers = useSnapshot((all) => all.gateway.callers);
  const now = useNow();
  return (
    <Section title="Who called in the last hour">
      {callers.length === 0 ? (
        <p className="text-muted">Nobody. Point a program at the address above.</p>
      ) : (
        <table role="table" aria-label="Callers" className="ledger">
          <HeadRow heads={callerHeads} />
          <tbody role="rowgroup">
            {callers.map((caller) => (
              <tr key={`${caller.key ?? ''} ${caller.from}`} role="row">
                <td role="cell" data-label="Key">
                  {caller.key === null ? (
                    <span className="text-muted">No key</span>
                  ) : (
                    <a href={trafficAddress({ key: caller.key })} className="underline">
                      <AgentText text={caller.key} />
                    </a>
                  )}
                </td>
                <td role="cell" data-label="From">
                  <AgentText text={caller.from} />
                </td>
                <td role="cell" data-label="Latest">
                  {formatAgo(parseTime(caller.lastAt), now)}
                </td>
                <td role="cell" data-label="Requests" className="number">
                  {formatCount(caller.requests)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
