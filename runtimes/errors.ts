import { ErgonError, type ErrorCatalogue } from '../src/interface/errors.ts';

export type RuntimeErrorCode =
  | 'ERR_RUNTIME_UNAVAILABLE'
  | 'ERR_RUNTIME_PACKAGE'
  | 'ERR_RUNTIME_HANDLE'
  | 'ERR_RUNTIME_PROGRAM'
  | 'ERR_RUNTIME_OPTIONS'
  | 'ERR_RUNTIME_ENGINE_UNREACHABLE'
  | 'ERR_RUNTIME_NETWORK'
  | 'ERR_RUNTIME_VOLUME'
  | 'ERR_RUNTIME_STORAGE'
  | 'ERR_RUNTIME_FAILED';

/** A sandbox could not do what it was asked; the same codes for every runtime. */
export class RuntimeError extends ErgonError<RuntimeErrorCode> {}

export const runtimeErrors: ErrorCatalogue<RuntimeErrorCode> = {
  ERR_RUNTIME_UNAVAILABLE: {
    meaning: 'This machine cannot run the runtime, or not now.',
    remedy: 'Read the notes of its fingerprint (`ergon runtime list`); they say what is missing.',
  },
  ERR_RUNTIME_PACKAGE: {
    meaning:
      'The task package cannot be used by this runtime: missing, damaged, or asking for what it does not have.',
    remedy: 'Mend the package; `ergon runtime run` tries one without paying for it.',
  },
  ERR_RUNTIME_HANDLE: {
    meaning: 'The handle does not belong to a deployment of this runtime.',
    remedy: 'This is a fault of the program; please report it with the log.',
  },
  ERR_RUNTIME_PROGRAM: {
    meaning: 'The program to run does not exist in the package or image.',
    remedy: 'Check the entry point of the run command.',
  },
  ERR_RUNTIME_OPTIONS: {
    meaning: "The runtime's own section of the configuration is wrong.",
    remedy: 'Correct the options that the message names.',
  },
  ERR_RUNTIME_ENGINE_UNREACHABLE: {
    meaning: 'The container engine does not answer. Nothing is known of what runs in it; it is not gone.',
    remedy: 'Try again. If it goes on, look whether the engine runs (`systemctl status docker`).',
  },
  ERR_RUNTIME_NETWORK: {
    meaning:
      'This machine cannot bring a network into the activity, or not fence the one that the agreement grants; its offer does not promise it.',
    remedy:
      'Ask for providers that offer it (`golem.runtime.capabilities=vpn`, or `ergon.srv.network=true`); `ergon doctor` says why there is none.',
  },
  ERR_RUNTIME_VOLUME: {
    meaning: 'The deployment asks for a volume where there can be none, or for too many.',
    remedy: 'Name a directory that is neither `/` nor of the system, such as `/data`.',
  },
  ERR_RUNTIME_STORAGE: {
    meaning:
      'What the image has at its volumes, where every deployment begins with it, does not fit into the agreed storage. The result of the `deploy` says `LimitExceeded` with the figures.',
    remedy:
      'Agree on more storage or files, or keep the data of the image elsewhere than at `/golem/work`, `/tmp` and its own volumes.',
  },
  ERR_RUNTIME_FAILED: {
    meaning: 'The runtime itself failed, not the program in it.',
    remedy: "Look into the supervisor's log in the activity's work directory; try `ergon runtime test`.",
  },
};
