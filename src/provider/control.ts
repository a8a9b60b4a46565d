import type {
  Clock,
  Logger,
  PresetNote,
  ProviderControl,
  ProviderMode,
  ProviderStatus,
  Reason,
  Startable,
  Store,
} from '../interface/index.ts';
import { SerialQueue } from '../util/serial-queue.ts';
import { MODE_KEY, providerModes, type ModeRecord } from './records.ts';
import { closedBy, type Schedule } from './schedule.ts';

export interface ControlInit {
  readonly schedule: Schedule;
  /** This node's address: the subject of the control's events. */
  readonly address: string;
}

export interface ControlComponents {
  readonly store: Pick<Store, 'get' | 'transact'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly machine: Machine;
  readonly activities: HeldActivities;
  readonly market: ProviderMarket;
}

/** What a schedule needs to know about the machine. */
export interface Machine {
  /** The load average of the last minute. */
  loadAverage(): number;
  onBattery(): Promise<boolean>;
}

/** The activities that run here for requestors. */
export interface HeldActivities {
  setPaused(paused: boolean): Promise<void>;
  /** Threads that running activities may keep busy. */
  workingThreads(): Promise<number>;
  countByState(): Promise<Record<string, number>>;
}

/** The market as the control sees it: which offers stand, and whether agreements are taken. */
export interface ProviderMarket {
  /** Refuses new agreements from now on, for this reason, or takes them. */
  setClosed(reason: Reason | undefined): void;
  /** Puts the offers on the market, as they are configured now. */
  publish(): Promise<void>;
  /** Makes the published offers anew when this machine can do other things than before. */
  renew(): Promise<void>;
  withdraw(): Promise<void>;
  offers(): Promise<number>;
  /** There is no room for another agreement. */
  soldOut(): Promise<boolean>;
  /** What is not, or not wholly, on offer although it is configured. */
  presetNotes(): readonly PresetNote[];
  agreements(): Promise<number>;
}

/** Whether and when this node sells. */
export interface Control extends ProviderControl, Startable {
  /** Before anything that it governs starts: brings back what held, so that not even a restart lets go of it. */
  prepare(): Promise<void>;
  /** Another schedule, or offers that are to be made anew. */
  refresh(schedule: Schedule): Promise<void>;
}

const LOOK_EVERY_MS = 15_000;
/** An engine that comes or goes is noticed within a minute. */
const LOOKS_A_RENEWAL = 4;
const RUN: ModeRecord = { mode: 'run', changedAt: 0 };

/** Makes offers, agreements and activities follow the operator's mode and the schedule. */
export function providerControl(init: ControlInit, components: ControlComponents): Control {
  return new ModeControl(init, components);
}

class ModeControl implements Control {
  readonly #address: string;
  readonly #components: ControlComponents;
  #schedule: Schedule;
  /** Why the schedule has it closed. */
  #closedBy: Reason | undefined;
  /** What offers and activities follow; undefined when that has to be made sure of. */
  #followed: ProviderMode | undefined;
  readonly #queue = new SerialQueue();
  #cancelTimer: () => void = () => undefined;
  #isStarted = false;
  #looks = 0;

  constructor({ schedule, address }: ControlInit, components: ControlComponents) {
    this.#schedule = schedule;
    this.#address = address;
    this.#components = components;
  }

  prepare(): Promise<void> {
    return this.#queue.run(async () => {
      await this.#look();
      const effective = await this.#effective();
      await this.#hold(effective);
    });
  }

  async start(): Promise<void> {
    this.#isStarted = true;
    await this.#queue.run(() => this.#follow()).catch((error: unknown) => this.#later(error));
    this.#lookLater();
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    this.#cancelTimer();
    await this.#queue.idle();
  }

  async status(): Promise<ProviderStatus> {
    const { market, activities } = this.#components;
    const { mode, changedAt } = await this.#record();
    return {
      mode,
      ...(changedAt > 0 && { changedAt }),
      effective: await this.#effective(),
      ...(this.#closedBy !== undefined && { reason: this.#closedBy }),
      offers: await market.offers(),
      soldOut: await market.soldOut(),
      presetNotes: [...market.presetNotes()],
      agreements: await market.agreements(),
      activities: await activities.countByState(),
    };
  }

  async setMode(mode: ProviderMode): Promise<ProviderStatus> {
    const { store, clock } = this.#components;
    await store.transact(async (tx) => {
      const before = await tx.get(providerModes, MODE_KEY);
      if ((before ?? RUN).mode === mode) return;
      tx.put(providerModes, MODE_KEY, { mode, changedAt: clock.now() });
      tx.emit({ type: 'provider.mode-changed', subject: this.#address, data: { mode } });
    });
    await this.#queue.run(() => this.#follow()).catch((error: unknown) => this.#later(error));
    return this.status();
  }

  refresh(schedule: Schedule): Promise<void> {
    return this.#queue.run(async () => {
      this.#schedule = schedule;
      this.#followed = undefined;
      await this.#look();
      await this.#follow();
    });
  }

  /** Offers and activities do as the mode says; what fails is tried again at the next look. */
  async #follow(): Promise<void> {
    const { market, logger } = this.#components;
    const effective = await this.#effective();
    if (!this.#isStarted || effective === this.#followed) return;
    this.#followed = undefined;
    await this.#hold(effective);
    await (effective === 'run' ? market.publish() : market.withdraw());
    this.#followed = effective;
    logger.info({ mode: effective, reason: this.#closedBy?.code }, 'the provider follows its mode');
  }

  /** First the market, then the activities: nothing new comes that would have to be held. */
  async #hold(effective: ProviderMode): Promise<void> {
    const { market, activities } = this.#components;
    market.setClosed(effective === 'run' ? undefined : REASONS[effective]);
    await activities.setPaused(effective === 'pause');
  }

  async #effective(): Promise<ProviderMode> {
    const { mode } = await this.#record();
    return this.#closedBy === undefined ? mode : 'pause';
  }

  async #record(): Promise<ModeRecord> {
    return (await this.#components.store.get(providerModes, MODE_KEY)) ?? RUN;
  }

  /** What the schedule says now. */
  async #look(): Promise<void> {
    const { store, clock, machine, activities } = this.#components;
    const wasOpen = this.#closedBy === undefined;
    const found = closedBy(this.#schedule, {
      now: clock.now(),
      loadAverage: machine.loadAverage() - (await activities.workingThreads()),
      onBattery: this.#schedule.pauseOnBattery && (await machine.onBattery()),
      wasOpen,
    });
    const isChanged = found?.code !== this.#closedBy?.code;
    this.#closedBy = found;
    if (!isChanged) return;
    await store.transact(async (tx) => {
      const data = { open: found === undefined, ...(found !== undefined && { reason: found }) };
      tx.emit({ type: 'provider.schedule-changed', subject: this.#address, data });
    });
  }

  #lookLater(): void {
    if (!this.#isStarted) return;
    this.#cancelTimer = this.#components.clock.setTimer(() => {
      void this.#queue
        .run(async () => {
          await this.#look();
          await this.#follow();
          this.#looks += 1;
          if (this.#followed === 'run' && this.#looks % LOOKS_A_RENEWAL === 0)
            await this.#components.market.renew();
        })
        .catch((error: unknown) => this.#later(error))
        .finally(() => this.#lookLater());
    }, LOOK_EVERY_MS);
  }

  #later(error: unknown): void {
    this.#components.logger.warn({ err: error }, 'the provider cannot follow its mode; trying again');
  }
}

/** The reasons as other nodes are told them: nothing about this machine. */
const REASONS: Readonly<Record<'pause' | 'drain', Reason>> = {
  pause: { code: 'ProviderPaused', message: 'The provider is paused' },
  drain: { code: 'ProviderDraining', message: 'The provider takes no new agreements' },
};
