import { type ReactElement } from 'react';
import { SwitchBand } from '../../components/switch-band.tsx';
import { Activity } from './activity.tsx';
import { MemorySplit } from './memory-split.tsx';
import { Notices } from './notices.tsx';
import { Offload } from './offload.tsx';
import { CpuPlot, MemoryPlot, PressurePlot, TokensPlot } from './plots.tsx';
import { Queue } from './queue.tsx';
import { Statement } from './statement.tsx';
import { TryIt } from './try-it.tsx';

/** How the node is, how it got there in five minutes, what it did last, and a box to try it. */
export function OverviewView(): ReactElement {
  return (
    <>
      <SwitchBand />
      <div className="grid gap-5">
        <Statement />
        <Notices />
        <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_23rem]">
          <div className="grid gap-5">
            <TokensPlot />
            <div className="grid gap-5 md:grid-cols-2">
              <CpuPlot />
              <PressurePlot />
            </div>
            <MemoryPlot>
              <MemorySplit />
            </MemoryPlot>
          </div>
          <div className="grid gap-5">
            <Offload />
            <TryIt />
            <Queue />
          </div>
        </div>
        <Activity />
      </div>
    </>
  );
}
