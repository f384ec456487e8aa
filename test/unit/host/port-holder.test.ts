import { describe, expect, it } from 'vitest';
import { describeHolder, listeningInodes, netstatPid } from '../../../electron/host/port-holder.ts';

const procNetTcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41231 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 41232 1 0000000000000000 20 4 30 10 -1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17000 1 0000000000000000 100 0 0 10 0
`;

const netstat = `
Aktive Verbindungen

  Proto  Lokale Adresse         Remoteadresse          Status           PID
  TCP    0.0.0.0:135            0.0.0.0:0              ABHÖREN         1044
  TCP    127.0.0.1:8080         127.0.0.1:50412        HERGESTELLT     2200
  TCP    127.0.0.1:8080         0.0.0.0:0              ABHÖREN         9120
  TCP    [::1]:8081             [::]:0                 ABHÖREN         9121
`;

describe('listeningInodes', () => {
  it('finds the listening socket of the port and not the connections on it', () => {
    expect(listeningInodes(procNetTcp, 8080)).toEqual(['41231']);
    expect(listeningInodes(procNetTcp, 22)).toEqual(['17000']);
    expect(listeningInodes(procNetTcp, 80)).toEqual([]);
  });
});

describe('netstatPid', () => {
  it('reads a Windows table whatever its language', () => {
    expect(netstatPid(netstat, 8080)).toBe(9120);
    expect(netstatPid(netstat, 8081)).toBe(9121);
    expect(netstatPid(netstat, 443)).toBeNull();
  });
});

describe('describeHolder', () => {
  it('says as much as is known', () => {
    expect(describeHolder({ pid: 12, program: 'nginx' })).toBe('nginx (pid 12)');
    expect(describeHolder({ pid: 12, program: null })).toBe('the process with pid 12');
    expect(describeHolder({ pid: null, program: null })).toBe('another program');
    expect(describeHolder(null)).toBe('another program');
  });
});
