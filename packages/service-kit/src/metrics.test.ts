import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';

test('durations, counters and gauges are told with the name of the service', async () => {
  const metrics = createMetrics('transaction');
  metrics.requestSeconds.observe({ route: '/v1/payments/:id', method: 'GET', status: '200' }, 0.02);
  metrics
    .counter('centra_outcomes_total', 'Outcomes', ['provider', 'outcome'])
    .inc({ provider: 'stripe', outcome: 'approved' });
  metrics.gauge('centra_queue_length', 'Length', []).set(3);
  const text = await metrics.registry.metrics();
  assert.match(
    text,
    /^centra_request_duration_seconds_bucket\{le="0\.025",service="transaction",route="\/v1\/payments\/:id",method="GET",status="200"\} 1$/m,
  );
  assert.match(
    text,
    /^centra_outcomes_total\{provider="stripe",outcome="approved",service="transaction"\} 1$/m,
  );
  assert.match(text, /^centra_queue_length\{service="transaction"\} 3$/m);
  assert.match(text, /^process_cpu_seconds_total\{/m);
});

test('two services in one process keep their numbers apart', async () => {
  const [one, other] = [createMetrics('one'), createMetrics('other')];
  one.counter('centra_same_total', 'Same', []).inc();
  other.counter('centra_same_total', 'Same', []);
  assert.match(await one.registry.metrics(), /^centra_same_total\{service="one"\} 1$/m);
  assert.match(await other.registry.metrics(), /^centra_same_total\{service="other"\} 0$/m);
});

test('a label value cannot forge a line of its own', async () => {
  const metrics = createMetrics('one');
  metrics.counter('centra_named_total', 'Named', ['name']).inc({ name: 'a"} 1\ncentra_forged_total 7' });
  assert.doesNotMatch(await metrics.registry.metrics(), /^centra_forged_total/m);
});
