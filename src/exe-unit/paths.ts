import { join } from 'node:path';
import { Id } from '../interface/values.ts';
import { checker } from '../util/check.ts';

const checkId = checker(Id, 'activityId');

/** Directories of `activities/` whose name starts so belong to no activity (yet, or any more). */
export const WARM_PREFIX = '.warm-';
export const TRASH_PREFIX = '.trash-';

/** Where the directories of all activities are. */
export function activitiesDirectory(dataDir: string): string {
  return join(dataDir, 'activities');
}

/** An activity's id comes from a stranger: checked before it becomes part of a path. */
export function workDirectory(dataDir: string, activityId: string): string {
  return join(activitiesDirectory(dataDir), checkId(activityId));
}

/** The files in an activity's directory. */
export interface WorkPaths {
  readonly directory: string;
  readonly journal: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Who the supervisor is. */
  readonly supervisor: string;
  /** The supervisor's own log. */
  readonly log: string;
  /** Blobs that transfers to `blob:` made, named by their SHA-256 in hex. */
  readonly outputs: string;
  /** Blobs that the daemon has brought, named likewise. */
  readonly inputs: string;
  readonly volumes: string;
  readonly runtime: string;
  /** The networks that the activity was deployed with. */
  readonly networkList: string;
  /** A directory for each of them, with the socket of its runtime. */
  readonly networks: string;
}

/** Where they are in an activity's directory; makes nothing. */
export function workPaths(directory: string): WorkPaths {
  return {
    directory,
    journal: join(directory, 'journal.ndjson'),
    stdout: join(directory, 'stdout.log'),
    stderr: join(directory, 'stderr.log'),
    supervisor: join(directory, 'supervisor.json'),
    log: join(directory, 'supervisor.log'),
    outputs: join(directory, 'outputs'),
    inputs: join(directory, 'inputs'),
    volumes: join(directory, 'volumes'),
    runtime: join(directory, 'runtime'),
    networkList: join(directory, 'networks.json'),
    networks: join(directory, 'networks'),
  };
}

/** `sha256:…` as the name of a file. */
export function blobFileName(hash: string): string {
  return hash.slice('sha256:'.length);
}
