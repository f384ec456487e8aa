import { describe, expect, it } from 'vitest';
import { countMemoryKills, memoryKillsFrom } from '../../../../electron/agent/engines/supervisor/memory-kills.ts';

function reader(files: Readonly<Record<string, string>>) {
  return (file: string): string => {
    const text = files[file];
    if (text === undefined) throw new Error(`ENOENT ${file}`);
    return text;
  };
}

const vmstat = 'nr_free_pages 1\noom_kill 41\nnuma_hit 2\n';

describe('memoryKillsFrom', () => {
  it('counts the kills in the agent’s own control group', () => {
    const files = {
      '/proc/self/cgroup': '0::/user.slice/ranch-hand.service\n',
      '/sys/fs/cgroup/user.slice/ranch-hand.service/memory.events':
        'low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n',
      '/proc/vmstat': vmstat,
    };
    expect(memoryKillsFrom(reader(files))).toBe(2);
  });

  it('knows control groups of the first kind', () => {
    const files = {
      '/proc/self/cgroup': '5:devices:/\n4:memory:/box\n0::/\n',
      '/sys/fs/cgroup/memory/box/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 7\n',
      '/proc/vmstat': vmstat,
    };
    expect(memoryKillsFrom(reader(files))).toBe(7);
  });

  it('falls back to the whole machine, and to not knowing', () => {
    expect(memoryKillsFrom(reader({ '/proc/self/cgroup': '0::/\n', '/proc/vmstat': vmstat }))).toBe(41);
    expect(memoryKillsFrom(reader({ '/proc/vmstat': 'nr_free_pages 1\n' }))).toBeNull();
    expect(memoryKillsFrom(reader({}))).toBeNull();
  });

  it('reads this machine without failing', () => {
    const count = countMemoryKills();
    expect(count === null || count >= 0).toBe(true);
  });
});
