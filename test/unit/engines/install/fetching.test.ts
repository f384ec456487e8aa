import { expect, it } from 'vitest';
import { checkRoom } from '../../../../electron/agent/engines/install/fetching.ts';
import { tempFolder } from '../../../fixtures/temp-folder.ts';

it('too little room on the disk is told as that, with the numbers, and not as a fault of the program', async () => {
  await expect(checkRoom(tempFolder(), 2 ** 60)).rejects.toMatchObject({
    code: 'disk_full',
    message: expect.stringMatching(/has [\d.]+ [GM]B free, and \d+ GB are needed\. Make room/) as string,
  });
  await expect(checkRoom(tempFolder(), 0)).resolves.toBeUndefined();
});
