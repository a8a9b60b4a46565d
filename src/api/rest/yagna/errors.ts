import { ErgonError, type ErrorCatalogue } from '../../../interface/index.ts';

export type YagnaErrorCode =
  | 'ERR_YAGNA_INVALID'
  | 'ERR_YAGNA_NOT_FOUND'
  | 'ERR_YAGNA_TIMEOUT'
  | 'ERR_YAGNA_CONFLICT'
  | 'ERR_YAGNA_GONE'
  | 'ERR_YAGNA_TRANSFER'
  | 'ERR_YAGNA_NOT_IMPLEMENTED';

/** A request of a Yagna client that is refused; its clients read the status and the message. */
export class YagnaError extends ErgonError<YagnaErrorCode> {}

export const yagnaErrors: ErrorCatalogue<YagnaErrorCode> = {
  ERR_YAGNA_INVALID: {
    meaning:
      'A request to the Yagna-compatible API says what cannot be done, e.g. names an unknown platform.',
    remedy: 'Correct what the message names.',
  },
  ERR_YAGNA_NOT_FOUND: {
    meaning: 'The Yagna-compatible API knows nothing under this id.',
    remedy: 'Check the id, and whether the demand was unsubscribed.',
  },
  ERR_YAGNA_TIMEOUT: {
    meaning: 'What was waited for did not happen within the time that the request gave.',
    remedy: 'Ask again.',
  },
  ERR_YAGNA_CONFLICT: {
    meaning: 'The step is not possible in the present state of the agreement or proposal.',
    remedy: 'Read its state, and take the steps in their order.',
  },
  ERR_YAGNA_GONE: {
    meaning: 'The proposal, agreement or allocation has ended and takes no more steps.',
    remedy: 'Begin with a new one.',
  },
  ERR_YAGNA_TRANSFER: {
    meaning: 'A file could not be had from, or brought to, where a Yagna client said.',
    remedy:
      'The message names file and reason; check the URL, the hash, and that the client is still connected.',
  },
  ERR_YAGNA_NOT_IMPLEMENTED: {
    meaning: "A part of Yagna's API that this node does not have.",
    remedy: 'docs/yagna-compatibility.md says why, and what to use instead.',
  },
};

/** ERR_YAGNA_INVALID: the request itself is wrong. */
export function invalid(message: string): YagnaError {
  return new YagnaError('ERR_YAGNA_INVALID', message);
}

export function notFound(kind: string, id: string): YagnaError {
  return new YagnaError('ERR_YAGNA_NOT_FOUND', `This node knows no ${kind} ${id.slice(0, 128)}`, { kind });
}

/** ERR_YAGNA_GONE: it was there once. */
export function gone(message: string): YagnaError {
  return new YagnaError('ERR_YAGNA_GONE', message);
}

/** ERR_YAGNA_CONFLICT: the request does not fit what is there. */
export function conflict(message: string): YagnaError {
  return new YagnaError('ERR_YAGNA_CONFLICT', message);
}

export function timedOut(message: string): YagnaError {
  return new YagnaError('ERR_YAGNA_TIMEOUT', message);
}

export function transferError(url: string, why: string, cause?: unknown): YagnaError {
  return new YagnaError('ERR_YAGNA_TRANSFER', `No transfer with ${url.slice(0, 300)}: ${why}`, {}, { cause });
}
