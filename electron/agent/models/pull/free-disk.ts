import { statfs } from 'node:fs/promises';

/** Room on the disk of a folder that this user may fill, in bytes. */
export async function freeDiskBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
