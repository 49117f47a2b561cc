import { readFileSync, readdirSync } from 'node:fs';

/** CPU milliseconds used so far, by name. */
export type CpuReading = ReadonlyMap<string, number>;

// Linux counts CPU time in ticks of 10 ms (USER_HZ = 100 on every supported platform).
const MS_PER_TICK = 10;

/** Reads user + system time of each process; a Postgres is the sum of its server processes, ended ones included. */
export function readCpu(processes: ReadonlyMap<string, number>, postgresPid: number): CpuReading {
  const reading = new Map<string, number>();
  for (const [name, pid] of processes) reading.set(name, statOf(pid).own);
  const postmaster = statOf(postgresPid);
  const children = childrenOf(postgresPid).reduce((sum, pid) => sum + statOf(pid).own, 0);
  reading.set('postgres', postmaster.own + postmaster.reaped + children);
  return reading;
}

function statOf(pid: number): { own: number; reaped: number; parent: number } {
  try {
    // Fields are counted after the command name, which may itself contain spaces: field 4 is the parent,
    // 14 to 17 are utime, stime, cutime and cstime (proc_pid_stat(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const field = (number: number): number => Number(fields[number - 3] ?? 0);
    return {
      own: (field(14) + field(15)) * MS_PER_TICK,
      reaped: (field(16) + field(17)) * MS_PER_TICK,
      parent: field(4),
    };
  } catch {
    // Ended meanwhile.
    return { own: 0, reaped: 0, parent: 0 };
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => statOf(candidate).parent === pid);
}
