import type { LogStream } from '../../interface/index.ts';
import { ActivityError } from '../errors.ts';
import { checkLogAnswer, MAX_LOG_BYTES, type UpdatesAnswer } from '../messages.ts';
import type { Remote } from '../records.ts';
import { sendRequest, Refusal } from './provider-request.ts';
import type { RequestorContext } from './context.ts';
import type { LogCopies } from './log-copy.ts';

const STREAMS: readonly LogStream[] = ['stdout', 'stderr'];

type Known = Pick<UpdatesAnswer, 'stdoutBytes' | 'stderrBytes' | 'logsFinal'>;

/** Copies an activity's logs as they grow, beside its follower, so that a long log holds up no update. */
export class Mirror {
  readonly #context: RequestorContext;
  readonly #copies: LogCopies;
  readonly #remote: Remote;
  #known: Known = { stdoutBytes: 0, stderrBytes: 0, logsFinal: false };

  constructor(context: RequestorContext, copies: LogCopies, remote: Remote) {
    this.#context = context;
    this.#copies = copies;
    this.#remote = remote;
  }

  /** The provider's newest figures. */
  learn({ stdoutBytes, stderrBytes, logsFinal }: Known): void {
    this.#known = { stdoutBytes, stderrBytes, logsFinal };
    this.#context.changes.notify(this.#key);
  }

  /** What is here or on its way: the follower need not be told of it again. */
  get seen(): { stdoutBytes: number; stderrBytes: number } {
    const { stdoutBytes, stderrBytes } = this.#known;
    return { stdoutBytes, stderrBytes };
  }

  /** Resolves once the logs are final and whole here, or the provider has none any more. */
  async run(signal: AbortSignal): Promise<void> {
    const { changes, background, clock } = this.#context;
    const { activityId } = this.#remote;
    const subscription = changes.subscribe(this.#key);
    // A provider that could not be asked, and is heard of again, is asked at once.
    const pause = (ms: number): Promise<void> => subscription.next(clock, signal, ms).catch(() => undefined);
    try {
      const turn = async (): Promise<boolean> => {
        const { logsFinal } = this.#known;
        for (const stream of STREAMS) if (!(await this.#catchUp(stream, signal))) return true;
        if (logsFinal) return true;
        await subscription.next(clock, signal);
        return false;
      };
      await background.retrying({ activityId, task: 'copy logs' }, signal, turn, pause);
    } finally {
      subscription.close();
    }
  }

  /** False when the provider has no log any more. */
  async #catchUp(stream: LogStream, signal: AbortSignal): Promise<boolean> {
    const { activityId, maxOutputBytes } = this.#remote;
    for (;;) {
      const offset = await this.#copies.size(activityId, stream);
      const there = stream === 'stdout' ? this.#known.stdoutBytes : this.#known.stderrBytes;
      // Whatever a provider claims, no more than was agreed on is stored.
      const wanted = Math.min(there, maxOutputBytes) - offset;
      if (wanted <= 0) return true;
      const bytes = await this.#fetch(stream, offset, Math.min(wanted, MAX_LOG_BYTES), signal);
      if (bytes === undefined) return false;
      await this.#copies.append(activityId, stream, bytes);
      this.#context.changes.notify(activityId);
    }
  }

  async #fetch(
    stream: LogStream,
    offset: number,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const { activityId } = this.#remote;
    const body = { activityId, stream, offset, maxBytes };
    try {
      const answer = await sendRequest(
        this.#context,
        this.#remote,
        { kind: 'log', body, check: checkLogAnswer },
        signal,
      );
      const bytes = Buffer.from(answer.data, 'base64');
      if (answer.offset === offset && bytes.length > 0 && bytes.length <= maxBytes) return bytes;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#context.logger.warn({ activityId, stream, offset, err: error }, 'the rest of a log is lost');
      return undefined;
    }
    const message = `Activity ${activityId}: the provider sent no ${stream} at ${offset} although it reports more`;
    throw new ActivityError('ERR_ACTIVITY_UPDATE_INVALID', message, { activityId, stream, offset });
  }

  get #key(): string {
    return `log of ${this.#remote.activityId}`;
  }
}
