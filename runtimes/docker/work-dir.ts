import path from 'node:path';

/** The parts of an activity's directory that are the runtime's. */
export interface WorkDir {
  /** `container:/` of transfers; mounted into the container. */
  readonly volumes: string;
  readonly runtime: string;
  /** The container's `/.ergon`, read-only there: its init and the pipes to it. */
  readonly guest: string;
}

/** Where these parts are in an activity's directory; makes nothing. */
export function workDirOf(directory: string): WorkDir {
  const runtime = path.join(directory, 'runtime');
  return { volumes: path.join(directory, 'volumes'), runtime, guest: path.join(runtime, 'guest') };
}
