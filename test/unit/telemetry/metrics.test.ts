import { expect, it } from 'vitest';
import { metrics } from '../../../src/telemetry/index.ts';

it('counts, gauges and observes, under names that end in their unit', async () => {
  const registry = metrics();
  registry
    .counter({ name: 'api', unit: 'requests', help: 'Requests answered', labels: ['status'] })
    .add(2, { status: '200' });
  registry.gauge({ name: 'store', unit: 'entries', help: 'Entries' }).set(7);
  registry.gauge({ name: 'network', unit: 'peers', help: 'Peers', read: () => 4 });
  registry.histogram({ name: 'api_duration', unit: 'seconds', help: 'Time', buckets: [1] }).observe(0.5);
  const text = await registry.text();
  expect(text).toContain('ergon_api_requests_total{status="200"} 2');
  expect(text).toContain('ergon_store_entries 7');
  expect(text).toContain('ergon_network_peers 4');
  expect(text).toContain('ergon_api_duration_seconds_bucket{le="1"} 1');
});

it('gives the same metric for the same name, and shares nothing with another registry', async () => {
  const registry = metrics();
  const init = { name: 'api', unit: 'requests', help: 'Requests answered' };
  registry.counter(init).add();
  registry.counter(init).add();
  expect(await registry.text()).toContain('ergon_api_requests_total 2');
  expect(await metrics().text()).not.toContain('requests');
});

it('refuses names that are not snake_case', () => {
  expect(() => metrics().counter({ name: 'apiRequests', unit: 'requests', help: 'x' })).toThrow(RangeError);
});

it('can measure the process', async () => {
  expect(await metrics({ process: true }).text()).toContain('ergon_process_cpu_seconds_total');
});
