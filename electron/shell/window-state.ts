import { z } from 'zod';

/** In screen pixels. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const side = z.number().int().min(-32_768).max(32_767);
const windowStateSchema = z.object({
  bounds: z.object({ x: side, y: side, width: side.min(1), height: side.min(1) }),
  maximized: z.boolean(),
});
export type WindowState = z.infer<typeof windowStateSchema>;

export const smallestWindow = { width: 360, height: 480 } as const;
const firstSize = { width: 1180, height: 800 } as const;
/** How much of a window must be on some screen for a person to be able to get hold of it. */
const graspable = { width: 120, height: 80 } as const;

/** What was saved, if it can be understood. */
export function readWindowState(saved: unknown): WindowState | null {
  const parsed = windowStateSchema.safeParse(saved);
  return parsed.success ? parsed.data : null;
}

/**
 * Where the window opens: where it was, if enough of that is on a screen that is still there; else in the middle of
 * the first screen.
 *
 * @param workAreas the usable part of each screen, the main one first
 */
export function openingState(saved: WindowState | null, workAreas: readonly Rectangle[]): WindowState {
  if (saved && workAreas.some((area) => overlaps(saved.bounds, area))) {
    const { x, y, width, height } = saved.bounds;
    const bounds = {
      x,
      y,
      width: Math.max(width, smallestWindow.width),
      height: Math.max(height, smallestWindow.height),
    };
    return { bounds, maximized: saved.maximized };
  }
  const area = workAreas[0] ?? { x: 0, y: 0, ...firstSize };
  const width = Math.min(firstSize.width, area.width);
  const height = Math.min(firstSize.height, area.height);
  const x = area.x + Math.round((area.width - width) / 2);
  const y = area.y + Math.round((area.height - height) / 2);
  return { bounds: { x, y, width, height }, maximized: false };
}

function overlaps(bounds: Rectangle, area: Rectangle): boolean {
  const width = Math.min(bounds.x + bounds.width, area.x + area.width) - Math.max(bounds.x, area.x);
  const height = Math.min(bounds.y + bounds.height, area.y + area.height) - Math.max(bounds.y, area.y);
  return width >= graspable.width && height >= graspable.height;
}
