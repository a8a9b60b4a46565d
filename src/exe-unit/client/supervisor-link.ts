import { join } from 'node:path';
import type { Clock } from '../../interface/clock.ts';
import { isErgonError } from '../../interface/errors.ts';
import { delay } from '../../util/delay.ts';
import { ExeUnitError } from '../errors.ts';
import { JournalTail } from '../journal/tail.ts';
import { workPaths } from '../paths.ts';
import { SOCKET_NAME } from '../socket/directory-socket.ts';
import type { Request } from '../socket/protocol.ts';
import { request } from './connection.ts';
import { supervisorStatus } from './status.ts';
import { isThere, type JournalEnds } from './work-directories.ts';

const POLL_MS = 20;
/** Two seconds: a live supervisor listens, or has journaled its end, long before. */
const LISTENING_POLLS = 100;
/** Ten seconds: what an ended supervisor may take to clear up and exit. */
const EXIT_POLLS = 500;

interface Components {
  readonly clock: Clock;
  readonly ends: JournalEnds;
}

/** The daemon's line to one activity's supervisor, which its work directory leads to. Keeps no connection open. */
export class SupervisorLink {
  readonly #activityId: string;
  readonly #directory: string;
  readonly #components: Components;

  constructor(activityId: string, directory: string, components: Components) {
    this.#activityId = activityId;
    this.#directory = directory;
    this.#components = components;
  }

  /**
   * Resolves when the supervisor has granted the request.
   * @throws ExeUnitError the supervisor's refusal; ERR_EXE_UNIT_ENDED when it does not answer and its journal has the
   * end; without one ERR_EXE_UNIT_GONE when it is dead, ERR_EXE_UNIT_UNKNOWN when it is not provably dead
   */
  async ask(message: Request, timeoutMs: number): Promise<void> {
    const { clock, ends } = this.#components;
    try {
      await request(this.#directory, message, timeoutMs, clock);
    } catch (error) {
      if (!isErgonError(error, 'ERR_EXE_UNIT_UNKNOWN')) throw error;
      const status = await supervisorStatus(this.#directory, clock);
      const activityId = this.#activityId;
      // It journals its end before it exits, and takes a moment to; whoever is dead writes no more.
      if (await ends.hasEnded(this.#directory)) {
        throw new ExeUnitError('ERR_EXE_UNIT_ENDED', `the activity ${activityId} has ended`, { activityId });
      }
      if (status !== 'gone') throw error;
      throw new ExeUnitError(
        'ERR_EXE_UNIT_GONE',
        `the supervisor of ${activityId} is dead`,
        { activityId },
        { cause: error },
      );
    }
  }

  /** As `ask`, for a request that an ended activity no longer needs. */
  async askUnlessEnded(message: Request, timeoutMs: number): Promise<void> {
    try {
      await this.ask(message, timeoutMs);
    } catch (error) {
      if (!isErgonError(error, 'ERR_EXE_UNIT_ENDED')) throw error;
    }
  }

  /**
   * Asks for the activity's end. A supervisor that is just ending by itself listens no more; then it is enough that the
   * end gets into its journal.
   */
  async end(message: Request & { readonly op: 'end' }, timeoutMs: number): Promise<void> {
    try {
      await this.askUnlessEnded(message, timeoutMs);
    } catch (error) {
      if (!isErgonError(error, 'ERR_EXE_UNIT_UNKNOWN')) throw error;
      if (!(await this.#poll(LISTENING_POLLS, () => this.#hasEnded()))) throw error;
    }
  }

  /**
   * Waits until the supervisor can be asked, or its activity has ended. A supervisor takes its directory's name a moment
   * before it listens there, and the daemon that started it may have died in between.
   */
  async untilListening(): Promise<void> {
    await this.#poll(
      LISTENING_POLLS,
      async () => (await isThere(join(this.#directory, SOCKET_NAME))) || this.#hasEnded(),
    );
  }

  /** Waits for an ended supervisor to exit, which clears up first. @throws ExeUnitError ERR_EXE_UNIT_ALIVE */
  async untilGone(): Promise<void> {
    const isGone = async (): Promise<boolean> =>
      (await supervisorStatus(this.#directory, this.#components.clock)) === 'gone';
    if (await this.#poll(EXIT_POLLS, isGone)) return;
    const activityId = this.#activityId;
    throw new ExeUnitError(
      'ERR_EXE_UNIT_ALIVE',
      `the supervisor of ${activityId} has ended it but does not exit`,
      { activityId },
    );
  }

  /** Whether the journal has this batch: then the supervisor took it, whatever it answered. */
  async hasBatch(batchId: string): Promise<boolean> {
    for await (const record of new JournalTail(workPaths(this.#directory).journal).read())
      if (record.type === 'batch' && record.batchId === batchId) return true;
    return false;
  }

  #hasEnded(): Promise<boolean> {
    return this.#components.ends.hasEnded(this.#directory);
  }

  /** True as soon as `isSo`; false when it was not at any of so many looks. */
  async #poll(looks: number, isSo: () => Promise<boolean>): Promise<boolean> {
    for (let look = 0; look < looks; look += 1) {
      if (await isSo()) return true;
      await delay(this.#components.clock, POLL_MS);
    }
    return false;
  }
}
