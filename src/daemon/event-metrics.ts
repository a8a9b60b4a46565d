import type { Metrics, Network, Startable, Store } from '../interface/index.ts';

/** Counts what happens on the node by event type, and shows how many peers it is connected with. */
export function eventMetrics(components: {
  store: Store;
  network: Pick<Network, 'peers'>;
  metrics: Metrics;
}): Startable {
  const { store, network, metrics } = components;
  const stopping = new AbortController();
  let counting = Promise.resolve();
  const count = async (): Promise<void> => {
    const events = metrics.counter({
      name: 'node',
      unit: 'events',
      help: 'Events of this run by type',
      labels: ['type'],
    });
    for await (const { type } of store.events.follow({ after: store.events.last() }, stopping.signal))
      events.add(1, { type });
  };
  return {
    async start() {
      metrics.gauge({
        name: 'connected',
        unit: 'peers',
        help: 'Connected peers',
        read: () => network.peers().length,
      });
      counting = count();
    },
    async stop() {
      stopping.abort();
      await counting.catch(() => undefined);
    },
  };
}
