/** Usage counters that every runtime has, by what they count. `golem.*` are Yagna's. */
export const COUNTER = {
  /** Seconds since the start, time suspended not counted. */
  duration: 'golem.usage.duration_sec',
  /** Seconds of CPU time, all threads together. */
  cpu: 'golem.usage.cpu_sec',
  /** Memory over time, GiB × seconds. */
  memory: 'ergon.usage.memory.gib-sec',
  /** The most memory at any time, GiB. */
  memoryPeak: 'ergon.usage.memory.peak-gib',
  /** Storage over time, GiB × seconds. */
  storage: 'ergon.usage.storage.gib-sec',
  /** The most storage at any time, GiB. */
  storagePeak: 'golem.usage.storage_gib',
} as const;

/** Of the WASI runtime: what a program has done, in instructions and calls of functions. */
export const FUEL_COUNTER = 'ergon.usage.wasm.fuel';
