import type { EngineStateName, NodeState, Notice } from '../../contract/snapshot.ts';
import type { Paint, Palette } from './palette.ts';

/** The tray's shapes, as near as a terminal has them: the state can be told without colour. */
const shapes: Readonly<Record<NodeState, string>> = {
  idle: '○',
  serving: '●',
  saturated: '◉',
  cloud: '◌',
  stopped: '⊘',
  problem: '!',
};

export function nodeShape(state: NodeState): string {
  return shapes[state];
}

export function nodePaint(state: NodeState, palette: Palette): Paint {
  switch (state) {
    case 'idle':
    case 'serving':
      return palette.good;
    case 'cloud':
      return palette.accent;
    case 'saturated':
      return palette.attention;
    case 'stopped':
    case 'problem':
      return palette.bad;
  }
}

export function enginePaint(state: EngineStateName, palette: Palette): Paint {
  switch (state) {
    case 'ready':
    case 'adopted':
      return palette.good;
    case 'starting':
    case 'loading':
    case 'draining':
    case 'stopping':
    case 'backoff':
      return palette.attention;
    case 'absent':
    case 'stopped':
      return palette.dim;
    case 'failed':
    case 'conflict':
      return palette.bad;
  }
}

export function noticeMark(severity: Notice['severity']): string {
  return severity === 'info' ? 'i' : '!';
}

export function noticePaint(severity: Notice['severity'], palette: Palette): Paint {
  switch (severity) {
    case 'info':
      return palette.accent;
    case 'warning':
      return palette.attention;
    case 'problem':
      return palette.bad;
  }
}
