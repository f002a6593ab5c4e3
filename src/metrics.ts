// What is counted. Requests add to plain numbers; names, labels and text come to be when somebody asks.

import { readdir } from 'node:fs/promises'
import { STATUS_CODES } from 'node:http'
import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import type { AccessEntry } from './access-line.ts'
import { failures } from './errors.ts'
import { exposition, type Family, family, labels, one, type Sample } from './exposition.ts'
import { type MetricSources, sourceFamilies } from './metric-sources.ts'

export type { MetricSources } from './metric-sources.ts'

/** What of a finished request is counted; an `AccessEntry` will do. */
export type MeasuredRequest = Pick<
  AccessEntry,
  'route' | 'method' | 'status' | 'outcome' | 'totalMs' | 'requestBytes' | 'responseBytes'
> & {
  /** It lasted as long as a tab was open, which is no answer time. Over HTTP/2 the status does not tell (RFC 8441 §5). */
  readonly webSocket?: boolean
}

export interface Metrics {
  /** Counts a request at its end. Allocates only for a combination never seen before. */
  request(measured: MeasuredRequest): void
  /** Counts a connection that ended before a request. `kind` and `code` are bounded here. */
  connectionFailure(kind: string, code: string): void
  /** Where the numbers come from that others keep. May be called again; later sources replace earlier ones. */
  connect(sources: Partial<MetricSources>): void
  sources(): Readonly<Partial<MetricSources>>
  /** Bytes of answers since the start. */
  sentBytes(): number
  /** Requests since the start, by route. */
  requestsByRoute(): ReadonlyMap<string, number>
  /** All metrics as Prometheus reads them, see `expositionType`. Never rejects: a source that throws is left out. */
  render(): Promise<string>
}

/** Upper bounds of the duration histogram, seconds; 2 and 5 are where an alert may begin. */
export const durationBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 100,
] as const

/** Route label of requests that no route took. */
export const noRoute = '_none'
/** Label of whatever is beyond a bound. */
export const otherLabel = '_other'

export function createMetrics(): Metrics {
  const byRoute = new Map<string, RouteCounters>()
  const none = routeCounters(noRoute)
  const other = routeCounters(otherLabel)
  const byOutcome = new Map<string, Cell>()
  for (const code in failures) byOutcome.set(code, { count: 0 })
  const connectionFailures = new Map<string, Cell>()
  let connected: Partial<MetricSources> = {}
  let utilization: EventLoopUtilization = performance.eventLoopUtilization()

  function request(measured: MeasuredRequest): void {
    const { route, status, totalMs } = measured
    const counters = route === null ? none : (byRoute.get(route) ?? addRoute(route))
    const method = methodIndex.get(measured.method) ?? 0
    const code = status >= 100 && status <= 999 && knownStatus[status] === 1 ? status : 0
    increment(counters.requests, method * 1000 + code)
    const failure = byOutcome.get(measured.outcome)
    if (failure !== undefined) failure.count += 1
    const { totals, buckets } = counters
    totals[inBytes] = (totals[inBytes] ?? 0) + measured.requestBytes
    totals[outBytes] = (totals[outBytes] ?? 0) + measured.responseBytes
    if (status === 101 || measured.webSocket === true) return
    totals[durationMs] = (totals[durationMs] ?? 0) + totalMs
    let bucket = 0
    while (bucket < boundsMs.length && totalMs > (boundsMs[bucket] ?? 0)) bucket += 1
    buckets[bucket] = (buckets[bucket] ?? 0) + 1
  }

  function addRoute(id: string): RouteCounters {
    // Routes come from the table, but a table may be edited for years.
    if (byRoute.size >= maxRoutes) return other
    const counters = routeCounters(id)
    byRoute.set(id, counters)
    return counters
  }

  function connectionFailure(kind: string, code: string): void {
    const set = labels({ kind, code })
    const key =
      connectionFailures.has(set) || connectionFailures.size < maxConnectionFailures
        ? set
        : labels({ kind: otherLabel, code: otherLabel })
    increment(connectionFailures, key)
  }

  async function render(): Promise<string> {
    const now = performance.eventLoopUtilization()
    const busy = performance.eventLoopUtilization(now, utilization).utilization
    utilization = now
    const openFiles = await countOpenFiles()
    const routes = [none, ...byRoute.values(), other].filter((route) => route.requests.size > 0)
    return exposition([
      ...requestFamilies(routes),
      family('counter', 'gatehouse_http_failures_total', {
        help: 'Requests that did not end with an answer of a backend or of the table.',
        samples: counted(byOutcome, (failure) => labels({ failure })),
      }),
      family('counter', 'gatehouse_connection_failures_total', {
        help: 'Connections that ended before a request.',
        samples: counted(connectionFailures, (set) => set),
      }),
      ...sourceFamilies(connected),
      family('gauge', 'process_open_fds', {
        help: 'Open file descriptors.',
        samples: openFiles === null ? [] : one(openFiles),
      }),
      family('gauge', 'nodejs_eventloop_utilization', {
        help: 'Share of the time since the last scrape in which the event loop was busy.',
        samples: one(busy),
      }),
    ])
  }

  return {
    request,
    connectionFailure,
    connect: (sources) => {
      connected = { ...connected, ...sources }
    },
    sources: () => connected,
    sentBytes() {
      let sum = 0
      for (const { totals } of [none, other, ...byRoute.values()]) sum += totals[outBytes] ?? 0
      return sum
    },
    requestsByRoute() {
      const sums = new Map<string, number>()
      for (const [id, { requests }] of byRoute) {
        let sum = 0
        for (const { count } of requests.values()) sum += count
        sums.set(id, sum)
      }
      return sums
    },
    render,
  }
}

interface Cell {
  count: number
}

interface RouteCounters {
  readonly labels: string
  /** By method index × 1000 + status; status 0: an unknown one. */
  readonly requests: Map<number, Cell>
  /** Duration in milliseconds and bytes both ways, see the indices below. */
  readonly totals: Float64Array
  /** Not cumulative; the last one is beyond all bounds. */
  readonly buckets: Float64Array
}

const durationMs = 0
const inBytes = 1
const outBytes = 2
const boundsMs = durationBuckets.map((seconds) => seconds * 1000)
const maxRoutes = 2000
const maxConnectionFailures = 100

/** RFC 9110 §9.3, RFC 5789, and what WebDAV and CalDAV clients send; index 0 is for everything else. */
const methods = [
  otherLabel,
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'REPORT', 'MKCALENDAR'],
] as const
const methodIndex = new Map<string, number>(methods.map((method, index) => [method, index]))
/** A backend may answer with any number: only registered ones become labels, and our 499. */
const knownStatus = new Uint8Array(1000)
for (const status in STATUS_CODES) knownStatus[Number(status)] = 1
knownStatus[failures['client-left'].status] = 1

function routeCounters(id: string): RouteCounters {
  return {
    labels: labels({ route: id }),
    requests: new Map(),
    totals: new Float64Array(3),
    buckets: new Float64Array(boundsMs.length + 1),
  }
}

function increment<Key>(cells: Map<Key, Cell>, key: Key): void {
  const cell = cells.get(key)
  if (cell === undefined) cells.set(key, { count: 1 })
  else cell.count += 1
}

function requestFamilies(routes: readonly RouteCounters[]): Family[] {
  const total = (index: number) =>
    routes.map((route) => ({ labels: route.labels, value: route.totals[index] ?? 0 }))
  return [
    family('counter', 'gatehouse_http_requests_total', {
      help: 'Requests that ended, by route, method and status.',
      samples: routes.flatMap((route) =>
        counted(route.requests, (key) => requestLabels(route, key)),
      ),
    }),
    family('histogram', 'gatehouse_http_request_duration_seconds', {
      help: 'From the head of a request to the end of its answer; WebSockets are not in it.',
      samples: routes.flatMap(durationSamples),
    }),
    family('counter', 'gatehouse_http_request_bytes_total', {
      help: 'Bytes of request bodies.',
      samples: total(inBytes),
    }),
    family('counter', 'gatehouse_http_response_bytes_total', {
      help: 'Bytes of answer bodies.',
      samples: total(outBytes),
    }),
  ]
}

function requestLabels(route: RouteCounters, key: number): string {
  const status = key % 1000
  const method = methods[Math.floor(key / 1000)] ?? otherLabel
  return `${route.labels},${labels({ method, code: status === 0 ? otherLabel : String(status) })}`
}

function durationSamples(route: RouteCounters): Sample[] {
  const samples: Sample[] = []
  let count = 0
  for (const [index, inBucket] of route.buckets.entries()) {
    count += inBucket
    const le = index < durationBuckets.length ? String(durationBuckets[index]) : '+Inf'
    samples.push({ suffix: '_bucket', labels: `${route.labels},${labels({ le })}`, value: count })
  }
  const seconds = (route.totals[durationMs] ?? 0) / 1000
  samples.push({ suffix: '_sum', labels: route.labels, value: seconds })
  samples.push({ suffix: '_count', labels: route.labels, value: count })
  return samples
}

function counted<Key>(cells: ReadonlyMap<Key, Cell>, set: (key: Key) => string): Sample[] {
  const samples: Sample[] = []
  for (const [key, { count }] of cells) {
    if (count > 0) samples.push({ labels: set(key), value: count })
  }
  return samples
}

/** `null` where there is no /proc. */
async function countOpenFiles(): Promise<number | null> {
  try {
    // One of them is the directory that is being read.
    return (await readdir('/proc/self/fd')).length - 1
  } catch {
    return null
  }
}
