import type Dockerode from 'dockerode';
import type { Clock } from '../../src/interface/clock.ts';
import { delay } from '../../src/util/delay.ts';
import { RuntimeError } from '../errors.ts';
import { isRefusal } from './engine/call.ts';
import type { Engine } from './engine/engine.ts';

const REMOVE_POLL_MS = 100;
const REMOVE_POLLS = 300;

/** Makes and removes containers that have names of their own. */
export class Containers {
  readonly #engine: Engine;
  readonly #clock: Clock;

  constructor({ engine, clock }: { readonly engine: Engine; readonly clock: Clock }) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /** `provideImage` brings it back when it is there no more. @returns the container's id */
  async create(
    name: string,
    request: Dockerode.ContainerCreateOptions,
    provideImage: () => Promise<unknown>,
  ): Promise<string> {
    try {
      return await this.#engine.createContainer(name, request);
    } catch (error) {
      // An answer that got lost: the name is ours, and nothing runs in it yet.
      if (isRefusal(error, 409)) await this.remove(name);
      // Another activity has needed the room of the image meanwhile.
      else if (isRefusal(error, 404)) await provideImage();
      else throw error;
      return this.#engine.createContainer(name, request);
    }
  }

  async remove(container: string): Promise<void> {
    for (let poll = 0; poll < REMOVE_POLLS; poll += 1) {
      if (await this.#engine.removeContainer(container)) return;
      await delay(this.#clock, REMOVE_POLL_MS);
    }
    throw new RuntimeError('ERR_RUNTIME_FAILED', `The engine does not remove the container ${container}`, {
      container,
    });
  }
}
