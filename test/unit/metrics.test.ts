// What is counted, and how Prometheus reads it.

import t from 'tap'
import { exposition, type Family, labels } from '../../src/exposition.ts'
import type { MetricSources } from '../../src/metric-sources.ts'
import { createMetrics, durationBuckets, type MeasuredRequest } from '../../src/metrics.ts'
import { readExposition } from '../fixtures/exposition-reader.ts'
import { machineReport } from '../fixtures/machine-desk.ts'

const request: MeasuredRequest = {
  route: 'a.example/',
  method: 'GET',
  status: 200,
  outcome: 'ok',
  totalMs: 3,
  requestBytes: 10,
  responseBytes: 100,
}

const sources: MetricSources = {
  version: () => '1.2.3',
  requestsInFlight: () => 4,
  connections: () => ({
    open: { handshake: 1, http1: 2, http2: 3, plain: 0 },
    accepted: 20,
    refused: { total: 1, 'per-network': 0 },
    evicted: 5,
    handshakes: 12,
    resumed: 8,
  }),
  upstreams: () => [
    { name: '192.0.2.1:80', up: true, active: 1, idle: 2, waiting: 0 },
    { name: '192.0.2.2:80', up: false, active: 0, idle: 0, waiting: 7 },
  ],
  reloads: () => ({ ok: 2, failed: 1, held: 0, lastOk: 1_700_000_000_500, inForce: true }),
  certificates: () => [
    { names: ['a.example', '*.a.example'], notAfter: 2_000_000_000_000 },
    { names: ['a.example', '*.a.example'], notAfter: 1_900_000_000_000 },
  ],
  heldRequests: () => 0,
  machines: () => ({
    machines: [machineReport({ id: 'flex', state: 'awake', held: 2, usualStartMs: 61_000 })],
    traffic: { month: '2026-11', bytes: 5_000, freeBytes: 1_000_000_000 },
    waits: [{ vm: 'flex', result: 'ready', count: 7 }],
  }),
  bans: () => 2,
  people: () => ({
    sessions: 3,
    tokens: 4,
    signIns: { ok: 5, failed: 6 },
    storeFailing: true,
  }),
  logs: () => ({ written: 9, dropped: 3, failing: true }),
  process: () => ({
    cpuSeconds: 1.5,
    residentBytes: 80e6,
    heapUsedBytes: 10e6,
    heapTotalBytes: 20e6,
    externalBytes: 1e6,
    startedAt: 1_700_000_000_000,
  }),
}

async function scrape(metrics: ReturnType<typeof createMetrics>) {
  const families = readExposition(await metrics.render())
  const value = (name: string, wanted: Record<string, string> = {}) => {
    const base = name.replace(/_(bucket|sum|count)$/, '')
    const family = families.get(name) ?? families.get(base)
    const found = family?.samples.filter(
      (sample) =>
        sample.name === name && Object.entries(wanted).every(([k, v]) => sample.labels[k] === v),
    )
    if (found?.length !== 1) return found?.length ?? null
    return found[0]?.value ?? null
  }
  return { families, value }
}

t.test('requests are counted by route, method and status, with bytes and duration', async (t) => {
  const metrics = createMetrics()
  metrics.request(request)
  metrics.request({ ...request, totalMs: 7 })
  metrics.request({ ...request, method: 'POST', status: 503, outcome: 'upstream-down' })
  metrics.request({ ...request, route: null, status: 404, outcome: 'not-found' })
  const { value } = await scrape(metrics)
  const name = 'gatehouse_http_requests_total'
  t.equal(value(name, { route: 'a.example/', method: 'GET', code: '200' }), 2)
  t.equal(value(name, { route: 'a.example/', method: 'POST', code: '503' }), 1)
  t.equal(value(name, { route: '_none', method: 'GET', code: '404' }), 1)
  t.equal(value('gatehouse_http_request_bytes_total', { route: 'a.example/' }), 30)
  t.equal(value('gatehouse_http_response_bytes_total', { route: 'a.example/' }), 300)
  const duration = 'gatehouse_http_request_duration_seconds'
  t.equal(value(`${duration}_sum`, { route: 'a.example/' }), 0.013)
  t.equal(value(`${duration}_bucket`, { route: 'a.example/', le: '0.005' }), 2)
  t.equal(value(`${duration}_bucket`, { route: 'a.example/', le: '0.01' }), 3)
  t.equal(value('gatehouse_http_failures_total', { failure: 'upstream-down' }), 1)
  t.equal(value('gatehouse_http_failures_total', { failure: 'not-found' }), 1)
})

t.test('a duration on a border belongs to the bucket that it ends', async (t) => {
  const metrics = createMetrics()
  for (const seconds of durationBuckets) metrics.request({ ...request, totalMs: seconds * 1000 })
  metrics.request({ ...request, totalMs: 1e9 })
  const { value } = await scrape(metrics)
  for (const [index, le] of durationBuckets.entries()) {
    t.equal(value('gatehouse_http_request_duration_seconds_bucket', { le: String(le) }), index + 1)
  }
  t.equal(value('gatehouse_http_request_duration_seconds_count'), durationBuckets.length + 1)
})

t.test('a WebSocket is counted, but its lifetime is no answer time', async (t) => {
  const metrics = createMetrics()
  metrics.request({ ...request, status: 101, totalMs: 1e7 })
  metrics.request({ ...request, status: 200, totalMs: 1e7, webSocket: true })
  const { value } = await scrape(metrics)
  t.equal(value('gatehouse_http_requests_total', { code: '101' }), 1)
  t.equal(value('gatehouse_http_request_duration_seconds_count'), 0)
})

t.test('nobody from outside can make up a label', async (t) => {
  const metrics = createMetrics()
  for (let i = 0; i < 5000; i++) {
    metrics.request({ ...request, method: `M${i}` })
    metrics.request({ ...request, status: i })
    metrics.request({ ...request, outcome: `o${i}` })
    metrics.connectionFailure(`kind${i}`, `code${i}`)
  }
  for (const status of [Number.NaN, -1, 200.5, 1e9]) metrics.request({ ...request, status })
  const { families, value } = await scrape(metrics)
  const requests = families.get('gatehouse_http_requests_total')?.samples ?? []
  t.ok(requests.length < 80, `${requests.length} series`)
  t.ok(Number(value('gatehouse_http_requests_total', { method: '_other' })) >= 5000)
  t.equal(families.get('gatehouse_http_failures_total'), undefined)
  const broken = families.get('gatehouse_connection_failures_total')?.samples ?? []
  t.equal(broken.length, 101)
  t.equal(
    broken.reduce((sum, each) => sum + each.value, 0),
    5000,
  )
})

t.test('a table that is edited for years does not grow the metrics for ever', async (t) => {
  const metrics = createMetrics()
  for (let i = 0; i < 5000; i++) metrics.request({ ...request, route: `r${i}` })
  const { families, value } = await scrape(metrics)
  t.equal(families.get('gatehouse_http_requests_total')?.samples.length, 2001)
  t.equal(value('gatehouse_http_requests_total', { route: '_other' }), 3000)
})

t.test('what other parts know is shown under its name', async (t) => {
  const metrics = createMetrics()
  metrics.connect(sources)
  const { value } = await scrape(metrics)
  t.equal(value('gatehouse_build_info', { version: '1.2.3' }), 1)
  t.equal(value('gatehouse_http_requests_in_flight'), 4)
  t.equal(value('gatehouse_connections', { protocol: 'http2' }), 3)
  t.equal(value('gatehouse_connections_refused_total', { reason: 'total' }), 1)
  t.equal(value('gatehouse_tls_handshakes_total', { resumed: 'true' }), 8)
  t.equal(value('gatehouse_tls_handshakes_total', { resumed: 'false' }), 4)
  t.equal(value('gatehouse_upstream_up', { upstream: '192.0.2.1:80' }), 1)
  t.equal(value('gatehouse_upstream_up', { upstream: '192.0.2.2:80' }), 0)
  t.equal(value('gatehouse_upstream_waiting_requests', { upstream: '192.0.2.2:80' }), 7)
  t.equal(value('gatehouse_config_reloads_total', { result: 'failed' }), 1)
  t.equal(value('gatehouse_config_last_reload_success_timestamp_seconds'), 1_700_000_000.5)
  t.equal(value('gatehouse_tls_certificate_not_after_seconds'), 1_900_000_000)
  t.equal(value('gatehouse_held_requests'), 0)
  t.equal(value('gatehouse_bans'), 2)
  t.equal(value('gatehouse_vm_state', { vm: 'flex', state: 'awake' }), 1)
  t.equal(value('gatehouse_vm_held_requests', { vm: 'flex' }), 2)
  t.equal(value('gatehouse_wake_waits_total', { vm: 'flex', result: 'ready' }), 7)
  t.equal(value('gatehouse_vm_usual_start_seconds', { vm: 'flex' }), 61)
  t.equal(value('gatehouse_own_traffic_bytes'), 5_000)
  t.equal(value('gatehouse_sessions'), 3)
  t.equal(value('gatehouse_tokens'), 4)
  t.equal(value('gatehouse_sign_ins_total', { result: 'failed' }), 6)
  t.equal(value('gatehouse_store_up'), 0)
  t.equal(value('gatehouse_log_lines_dropped_total'), 3)
  t.equal(value('gatehouse_log_failing'), 1)
  t.equal(value('process_cpu_seconds_total'), 1.5)
  t.equal(value('process_resident_memory_bytes'), 80e6)
  t.ok(Number(value('process_open_fds')) > 2)
  const busy = Number(value('nodejs_eventloop_utilization'))
  t.ok(busy >= 0 && busy <= 1)
})

t.test('two pools of one backend are shown as one: Prometheus refuses a name twice', async (t) => {
  const metrics = createMetrics()
  const pool = { name: '192.0.2.1:80', up: true, active: 1, idle: 2, waiting: 0 }
  metrics.connect({ upstreams: () => [pool, { ...pool, up: false, waiting: 3 }] })
  const { value } = await scrape(metrics)
  t.equal(value('gatehouse_upstream_up', { upstream: pool.name }), 0)
  t.equal(value('gatehouse_upstream_connections', { upstream: pool.name, state: 'idle' }), 4)
  t.equal(value('gatehouse_upstream_waiting_requests', { upstream: pool.name }), 3)
})

t.test('a source that throws costs its own metrics alone', async (t) => {
  const metrics = createMetrics()
  metrics.connect({
    ...sources,
    upstreams: () => {
      throw new Error('broken')
    },
  })
  const { families } = await scrape(metrics)
  t.notOk(families.has('gatehouse_upstream_up'))
  t.ok(families.has('gatehouse_bans'))
  t.ok(families.has('gatehouse_config_reloads_total'))
})

t.test('a certificate for many names has a label of bounded length', async (t) => {
  const metrics = createMetrics()
  const names = Array.from({ length: 100 }, (_, i) => `n${i}.example`)
  metrics.connect({ certificates: () => [{ names, notAfter: 1000 }] })
  const { families } = await scrape(metrics)
  const shown = families.get('gatehouse_tls_certificate_not_after_seconds')?.samples[0]?.labels
    .names
  t.equal(shown, `${names.slice(0, 8).join(' ')} and 92 more`)
})

const odd = ['a"b', 'a\\b', 'a\nb', '\\n', 'ü', '{x="y"}', '', '"'] as const

t.test('labels are escaped: what was put in is what is read', async (t) => {
  for (const value of odd) {
    const [family] = readExposition(
      exposition([
        {
          name: 'x',
          help: 'h\\ \n',
          type: 'gauge',
          samples: [{ labels: labels({ a: value, b: '1' }), value: 1 }],
        },
      ]),
    ).values()
    t.strictSame(family?.samples[0]?.labels, { a: value, b: '1' })
  }
})

t.test('numbers are written as Prometheus reads them', async (t) => {
  for (const [value, text] of [
    [0, '0'],
    [-1.5, '-1.5'],
    [1e21, '1e+21'],
    [1e-7, '1e-7'],
    [123456789012, '123456789012'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ] as const) {
    const family: Family = { name: 'x', help: 'h', type: 'gauge', samples: [{ labels: '', value }] }
    t.equal(exposition([family]), `# HELP x h\n# TYPE x gauge\nx ${text}\n`)
  }
})

t.test('the strict reader of these tests refuses what is not the format', async (t) => {
  const head = '# HELP x_total h\n# TYPE x_total counter\n'
  readExposition(`${head}x_total{a="b"} 1\n`)
  for (const bad of [
    `${head}x_total 1`,
    `${head}x_total{a="b" } 1\n`,
    `${head}x_total{a="b",} 1\n`,
    `${head}x_total{a="b\\q"} 1\n`,
    `${head}x_total{a="b",a="c"} 1\n`,
    `${head}x_total 1\nx_total 2\n`,
    `${head}y_total 1\n`,
    `${head}x_total one\n`,
    `${head}`,
    'x_total 1\n',
    `${head}${head}x_total 1\n`,
    '# HELP x h\n# TYPE x counter\nx 1\n',
    '# HELP h h\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    '# HELP h h\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
  ]) {
    t.throws(() => readExposition(bad), bad)
  }
})
