import { spawn } from 'node:child_process';

/** Ends what it was told of when this process is gone, however it went: by Ctrl-C, an error, or kill -9. */
export type Watchdog = {
  /** From now on this process is to end with us. */
  watch(pid: number): void;
  /** It has ended; its number may belong to another one soon. */
  forget(pid: number): void;
  /** A folder on which something is mounted; let go of after all processes have ended. */
  watchMount(folder: string): void;
  forgetMount(folder: string): void;
  /** Nothing is left to be watched. */
  end(): Promise<void>;
};

// Its input ends with this process: the system closes it, whatever happened here. A shell, since it weighs nothing.
const PROGRAM = `
pids= mounts=
without() { for each in $1; do [ "$each" = "$2" ] || echo "$each"; done; }
while read -r what which; do
  case $what in
    watch) pids="$pids $which" ;;
    forget) pids=$(without "$pids" "$which") ;;
    mount) mounts="$mounts $which" ;;
    unmount) mounts=$(without "$mounts" "$which") ;;
  esac
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
for mount in $mounts; do umount -l "$mount" 2>/dev/null; done
`;

/** Starts it in a session of its own, where no signal from the terminal reaches it. */
export function startWatchdog(): Watchdog {
  const shell = spawn('sh', ['-c', PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // A machine without a shell is watched by nobody; nothing else may come of it.
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  const ended = new Promise<void>((resolve) => shell.once('close', () => resolve()));
  const tell = (what: string, which: string | number): void => void shell.stdin.write(`${what} ${which}\n`);
  return {
    watch: (pid) => tell('watch', pid),
    forget: (pid) => tell('forget', pid),
    watchMount: (folder) => tell('mount', folder),
    forgetMount: (folder) => tell('unmount', folder),
    async end() {
      shell.stdin.end();
      await ended;
    },
  };
}
