/** What is measured. The full name is `ergon_<name>_<unit>`, and for a counter `ergon_<name>_<unit>_total`. */
export interface MetricInit {
  /** snake_case, of the thing measured: `api_request_duration`. */
  readonly name: string;
  /** Plural, a base unit: `seconds`, `bytes`, or what is counted: `requests`, `activities`. */
  readonly unit: string;
  readonly help: string;
  /** Names of labels. Each set of values is kept for ever, so never an id, an address or anything that a peer chooses. */
  readonly labels?: readonly string[];
}

/** Value by label; the labels are those that the metric was registered with. */
export type MetricLabels = Readonly<Record<string, string>>;

/** Only grows. */
export interface Counter {
  add(value?: number, labels?: MetricLabels): void;
}

/** Goes up and down. */
export interface Gauge {
  set(value: number, labels?: MetricLabels): void;
}

/** Counts values by size. */
export interface Histogram {
  observe(value: number, labels?: MetricLabels): void;
}

/** Where components register what they measure. The same name gives the same metric. */
export interface Metrics {
  counter(init: MetricInit): Counter;
  /** With `read`, the value is asked for whenever the metrics are read. */
  gauge(init: MetricInit & { readonly read?: () => number }): Gauge;
  histogram(init: MetricInit & { readonly buckets?: readonly number[] }): Histogram;
}
