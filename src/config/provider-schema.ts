import { Type, type Static } from 'typebox';
import { COUNTER } from '../interface/usage-counters.ts';
import { Address, CounterName, RuntimeName } from '../interface/values.ts';
import { DAY_MS } from '../util/durations.ts';
import { closed, count, durationMs, flag, GIB, TokenAmount } from './schema-parts.ts';

const addresses = (description: string) => Type.Array(Address, { maxItems: 4096, default: [], description });
/** A time of day, `00:00` to `24:00`. */
const TIME = '(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)';

const PerCounter = Type.Record(CounterName, TokenAmount, {
  maxProperties: 32,
  ...closed,
});

/** Prices of the default presets, in whole tokens. */
const DEFAULT_PRICING = {
  startPrice: '0',
  perCounter: { [COUNTER.cpu]: '0.0001', [COUNTER.duration]: '0.00001' },
};

/** What is sold: a runtime, and the price of its use in whole tokens. */
export const Preset = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }),
    runtime: RuntimeName,
    pricing: Type.Object(
      {
        startPrice: TokenAmount,
        perCounter: PerCounter,
        /** Usage counts from the deployment on. */
        deploymentBilled: Type.Optional(Type.Boolean()),
      },
      closed,
    ),
    /** Agreements may ask for the network that the runtime's options name; this preset's prices are for that too. */
    network: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type Preset = Static<typeof Preset>;

/** `provider`: what is sold, at which price and under which conditions. */
export const providerSchema = Type.Object(
  {
    enabled: flag("Sell this machine's compute", true),
    runtimes: Type.Array(RuntimeName, {
      maxItems: 16,
      uniqueItems: true,
      default: ['wasi', 'docker'],
      description: 'Runtimes to offer; one that cannot run on this machine is left out of the offers',
    }),
    hardware: Type.Object(
      {
        cpuThreads: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 4096,
            description: 'CPU threads to sell; without it all but one',
          }),
        ),
        memoryBytes: Type.Optional(
          Type.Integer({
            minimum: 65_536,
            description: 'Memory to sell; without it a share of what the machine has',
          }),
        ),
        storageBytes: Type.Optional(
          Type.Integer({
            minimum: 0,
            description: 'Disk space to sell; without it a share of what is free at `dataDir`',
          }),
        ),
      },
      closed,
    ),
    maxAgreements: count('Most agreements at a time', 16, 1, 4096),
    presets: Type.Array(Preset, {
      maxItems: 64,
      default: ['wasi', 'docker'].map((runtime) => ({ name: runtime, runtime, pricing: DEFAULT_PRICING })),
      description:
        'What to offer at which price, in whole tokens: at the start, and per unit of each usage counter, with `"deploymentBilled": true` in `pricing` from the deployment on; with `"network": true` agreements may have the network that the options of the runtime name',
    }),
    debitNoteIntervalMs: durationMs('Time between two debit notes while an activity runs', 120_000, 1_000),
    debitNoteAcceptTimeoutMs: durationMs(
      'A debit note that is not accepted within this time ends the agreement',
      240_000,
    ),
    paymentTimeoutMs: durationMs('An invoice is due so long after it is issued', DAY_MS),
    idleAgreementTimeoutMs: durationMs('An agreement without an activity for so long is ended', 90_000),
    maxOutputBytes: count(
      'stdout and stderr of an activity are kept up to this size each; more ends it',
      GIB,
      1,
    ),
    offerTtlMs: durationMs('Offers are renewed before they are this old', 3_600_000, 10_000),
    warmPool: Type.Record(RuntimeName, Type.Integer({ minimum: 0, maximum: 64 }), {
      ...closed,
      maxProperties: 16,
      default: { wasi: 1 },
      description: 'Supervisors kept ready per runtime, which hides their start-up time',
    }),
    sampleIntervalMs: durationMs(
      'Time between two measurements and usage samples; of an activity older than a thousand of these the samples are written down further apart, at least four to a debit note',
      1_000,
      10,
    ),
    quarantineAfterBoots: count(
      'An activity is ended as `Quarantined` when this node went down within seconds of taking it up, so often in a row; 0: never',
      8,
      0,
      1000,
    ),
    transfer: Type.Object(
      {
        cacheBytes: count(
          'What was fetched for activities is kept up to so many bytes for others that want the same, the used last, and as much again of what was broken off',
          10 * GIB,
        ),
        allowHosts: Type.Array(Type.String({ pattern: '^[A-Za-z0-9.:*_/-]{1,256}$' }), {
          maxItems: 256,
          default: [],
          description:
            'Hosts that activities may transfer from and to although they are not on the public internet: names, `*.example.org`, addresses, networks like `10.1.0.0/16`',
        }),
      },
      closed,
    ),
    schedule: Type.Object(
      {
        hours: Type.Record(
          Type.String({ pattern: '^(mon|tue|wed|thu|fri|sat|sun)$' }),
          Type.Array(Type.String({ pattern: `^${TIME}-${TIME}$` }), { maxItems: 16 }),
          {
            ...closed,
            default: {},
            description:
              'When to sell, in local time: weekday (`mon` to `sun`) to ranges like `22:00-06:00`; outside of them, and on days that are left out, all is paused. Empty: always',
          },
        ),
        maxLoadAverage: Type.Optional(
          Type.Number({
            exclusiveMinimum: 0,
            maximum: 65_536,
            description:
              'All is paused while the load average of the last minute is higher, the threads of running activities not counted',
          }),
        ),
        pauseOnBattery: flag('All is paused while the machine runs on its battery', false),
      },
      closed,
    ),
    allow: addresses('If not empty, only these requestors are dealt with'),
    deny: addresses('Requestors that are not dealt with'),
  },
  closed,
);
