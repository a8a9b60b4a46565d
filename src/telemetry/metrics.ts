import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type {
  Counter as CounterOf,
  Gauge as GaugeOf,
  Histogram as HistogramOf,
  MetricInit,
  MetricLabels,
  Metrics,
} from '../interface/telemetry.ts';

export interface MetricsInit {
  /** Also measure the process itself: CPU, memory, event loop. */
  readonly process: boolean;
}

/** Metrics that can be read in Prometheus' text format. */
export interface MetricsRegistry extends Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

/** A registry of its own: two nodes in one process do not share one. */
export function metrics(init: MetricsInit = { process: false }): MetricsRegistry {
  const registry = new Registry();
  if (init.process) collectDefaultMetrics({ register: registry, prefix: 'ergon_' });
  const counters = new Map<string, CounterOf>();
  const gauges = new Map<string, GaugeOf>();
  const histograms = new Map<string, HistogramOf>();
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    counter: (metric) =>
      once(counters, `${nameOf(metric)}_total`, (name) => {
        const counter = new Counter({ ...common(metric, registry), name });
        return { add: (value = 1, labels?: MetricLabels) => counter.inc(labels ?? {}, value) };
      }),
    gauge: (metric) =>
      once(gauges, nameOf(metric), (name) => {
        const { read } = metric;
        const gauge: Gauge = new Gauge({
          ...common(metric, registry),
          name,
          ...(read === undefined ? {} : { collect: () => gauge.set(read()) }),
        });
        return { set: (value: number, labels?: MetricLabels) => gauge.set(labels ?? {}, value) };
      }),
    histogram: (metric) =>
      once(histograms, nameOf(metric), (name) => {
        const { buckets } = metric;
        const histogram = new Histogram({
          ...common(metric, registry),
          name,
          ...(buckets === undefined ? {} : { buckets: [...buckets] }),
        });
        return { observe: (value: number, labels?: MetricLabels) => histogram.observe(labels ?? {}, value) };
      }),
  };
}

function common({ help, labels = [] }: MetricInit, registry: Registry) {
  return { help, labelNames: [...labels], registers: [registry] };
}

function nameOf({ name, unit }: MetricInit): string {
  const full = `ergon_${name}_${unit}`;
  if (!/^ergon(_[a-z0-9]+)+$/.test(full))
    throw new RangeError(`Not a metric name in snake_case with a unit: ${full}`);
  return full;
}

function once<T>(known: Map<string, T>, name: string, make: (name: string) => T): T {
  const present = known.get(name);
  if (present !== undefined) return present;
  const made = make(name);
  known.set(name, made);
  return made;
}
