// What other parts are asked for when metrics or health are read, and how it becomes metrics.

import { type Family, family, labels, one, type Sample } from './exposition.ts'
import { type MachineFacts, machineFamilies } from './metric-machines.ts'

/** What other parts are asked for at a scrape. Each is optional: what nobody knows is not shown. */
export interface MetricSources {
  version(): string
  requestsInFlight(): number
  connections(): ConnectionCounts
  upstreams(): readonly UpstreamState[]
  reloads(): ReloadCounts
  certificates(): readonly CertificateExpiry[]
  /** Requests that wait for a machine to wake. */
  heldRequests(): number
  /** Machines that sleep. */
  machines(): MachineFacts
  /** Clients that are shut out for a while. */
  bans(): number
  /** Who is here, and whether the database that says so can be used. */
  people(): PeopleCounts
  logs(): { readonly written: number; readonly dropped: number; readonly failing: boolean }
  process(): ProcessFacts
}

export interface ConnectionCounts {
  /** By protocol. */
  readonly open: Readonly<Record<string, number>>
  readonly accepted: number
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>
  /** Idle ones closed to make room. */
  readonly evicted: number
  readonly handshakes: number
  readonly resumed: number
}

export interface UpstreamState {
  /** `host:port`. */
  readonly name: string
  readonly up: boolean
  readonly active: number
  readonly idle: number
  readonly waiting: number
}

export interface ReloadCounts {
  readonly ok: number
  readonly failed: number
  readonly held: number
  /** Milliseconds since the epoch; `null`: never. */
  readonly lastOk: number | null
  /** The file as it was last read is the table in use. */
  readonly inForce: boolean
}

export interface PeopleCounts {
  readonly sessions: number
  readonly tokens: number
  /** By result: `ok`, `failed`. */
  readonly signIns: Readonly<Record<string, number>>
  /** The last attempt to read or write the database failed. */
  readonly storeFailing: boolean
}

export interface CertificateExpiry {
  readonly names: readonly string[]
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

export interface ProcessFacts {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly heapTotalBytes: number
  readonly externalBytes: number
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

/** The families of all sources that are there. One that throws is left out: the rest is still worth seeing. */
export function sourceFamilies(sources: Partial<MetricSources>): Family[] {
  const families: Family[] = []
  for (const make of makers) {
    try {
      families.push(...make(sources))
    } catch {
      // Nobody to tell: the gap in the graph is the message, and the log must not grow with every scrape.
    }
  }
  return families
}

type Maker = (sources: Partial<MetricSources>) => readonly Family[]

const makers: readonly Maker[] = [
  ({ version }) => {
    if (version === undefined) return []
    const samples = [{ labels: labels({ version: version() }), value: 1 }]
    return [family('gauge', 'gatehouse_build_info', { help: 'The version that runs.', samples })]
  },
  gauge(
    'gatehouse_http_requests_in_flight',
    'Requests and WebSockets under way.',
    (sources) => sources.requestsInFlight,
  ),
  gauge(
    'gatehouse_held_requests',
    'Requests that wait for a machine to wake.',
    (sources) => sources.heldRequests,
  ),
  gauge('gatehouse_bans', 'Clients shut out for a while.', (sources) => sources.bans),
  ({ connections }) => (connections === undefined ? [] : connectionFamilies(connections())),
  ({ machines }) => (machines === undefined ? [] : machineFamilies(machines())),
  ({ upstreams }) => (upstreams === undefined ? [] : upstreamFamilies(upstreams())),
  ({ reloads }) => (reloads === undefined ? [] : reloadFamilies(reloads())),
  ({ certificates }) => (certificates === undefined ? [] : certificateFamilies(certificates())),
  ({ people }) => (people === undefined ? [] : peopleFamilies(people())),
  ({ logs }) => (logs === undefined ? [] : logFamilies(logs())),
  ({ process: facts }) => (facts === undefined ? [] : processFamilies(facts())),
]
/** Names of a certificate that fit in a label. */
const maxNamesInLabel = 8

function gauge(
  name: string,
  help: string,
  pick: (sources: Partial<MetricSources>) => (() => number) | undefined,
): Maker {
  return (sources) => {
    const read = pick(sources)
    return read === undefined ? [] : [family('gauge', name, { help, samples: one(read()) })]
  }
}

function peopleFamilies({ sessions, tokens, signIns, storeFailing }: PeopleCounts): Family[] {
  return [
    family('gauge', 'gatehouse_sessions', { help: 'Sessions of people.', samples: one(sessions) }),
    family('gauge', 'gatehouse_tokens', { help: 'Tokens of programs.', samples: one(tokens) }),
    family('counter', 'gatehouse_sign_ins_total', {
      help: 'Attempts to sign in that came to an end.',
      samples: labelled('result', signIns),
    }),
    family('gauge', 'gatehouse_store_up', {
      help: 'Whether the database of people can be used.',
      samples: one(storeFailing ? 0 : 1),
    }),
  ]
}

function connectionFamilies(counts: ConnectionCounts): Family[] {
  return [
    family('gauge', 'gatehouse_connections', {
      help: 'Open connections of clients.',
      samples: labelled('protocol', counts.open),
    }),
    family('counter', 'gatehouse_connections_accepted_total', {
      help: 'Connections accepted.',
      samples: one(counts.accepted),
    }),
    family('counter', 'gatehouse_connections_refused_total', {
      help: 'Connections over a cap.',
      samples: labelled('reason', counts.refused),
    }),
    family('counter', 'gatehouse_connections_evicted_total', {
      help: 'Idle connections closed to make room.',
      samples: one(counts.evicted),
    }),
    family('counter', 'gatehouse_tls_handshakes_total', {
      help: 'TLS handshakes that ended well.',
      samples: labelled('resumed', {
        true: counts.resumed,
        false: counts.handshakes - counts.resumed,
      }),
    }),
  ]
}

function upstreamFamilies(pools: readonly UpstreamState[]): Family[] {
  const states = byName(pools)
  const samples = (value: (state: UpstreamState) => number) =>
    states.map((state) => ({ labels: labels({ upstream: state.name }), value: value(state) }))
  return [
    family('gauge', 'gatehouse_upstream_up', {
      help: 'Whether a backend takes requests; 0 during the rest after failures in a row.',
      samples: samples((state) => Number(state.up)),
    }),
    family('gauge', 'gatehouse_upstream_connections', {
      help: 'Connections to a backend.',
      samples: states.flatMap(({ name, active, idle }) => [
        { labels: labels({ upstream: name, state: 'active' }), value: active },
        { labels: labels({ upstream: name, state: 'idle' }), value: idle },
      ]),
    }),
    family('gauge', 'gatehouse_upstream_waiting_requests', {
      help: 'Requests that wait for a connection to a backend.',
      samples: samples((state) => state.waiting),
    }),
  ]
}

/** One backend may have several pools (other time-outs, another server name), and Prometheus takes each name once. */
function byName(pools: readonly UpstreamState[]): readonly UpstreamState[] {
  const states = new Map<string, UpstreamState>()
  for (const pool of pools) {
    const known = states.get(pool.name)
    states.set(pool.name, known === undefined ? pool : sum(known, pool))
  }
  return [...states.values()]
}

function sum(a: UpstreamState, b: UpstreamState): UpstreamState {
  return {
    name: a.name,
    up: a.up && b.up,
    active: a.active + b.active,
    idle: a.idle + b.idle,
    waiting: a.waiting + b.waiting,
  }
}

function reloadFamilies(counts: ReloadCounts): Family[] {
  const { ok, failed, held, lastOk } = counts
  return [
    family('counter', 'gatehouse_config_reloads_total', {
      help: 'Readings of the route table, the first included.',
      samples: labelled('result', { ok, failed, held }),
    }),
    family('gauge', 'gatehouse_config_last_reload_success_timestamp_seconds', {
      help: 'When a table was last put in force, Unix time.',
      samples: lastOk === null ? [] : one(lastOk / 1000),
    }),
  ]
}

function certificateFamilies(certificates: readonly CertificateExpiry[]): Family[] {
  // Two files may hold certificates for the same names (ECDSA and RSA): the sooner end is the one that matters.
  const soonest = new Map<string, number>()
  for (const { names, notAfter } of certificates) {
    const more = names.length - maxNamesInLabel
    const shown = names.slice(0, maxNamesInLabel).join(' ') + (more > 0 ? ` and ${more} more` : '')
    const set = labels({ names: shown })
    soonest.set(set, Math.min(soonest.get(set) ?? Number.POSITIVE_INFINITY, notAfter))
  }
  return [
    family('gauge', 'gatehouse_tls_certificate_not_after_seconds', {
      help: 'When a certificate ends, Unix time.',
      samples: [...soonest].map(([set, notAfter]) => ({ labels: set, value: notAfter / 1000 })),
    }),
  ]
}

function logFamilies(logs: ReturnType<MetricSources['logs']>): Family[] {
  return [
    family('counter', 'gatehouse_log_lines_total', {
      help: 'Access lines written.',
      samples: one(logs.written),
    }),
    family('counter', 'gatehouse_log_lines_dropped_total', {
      help: 'Access lines lost because they could not be written.',
      samples: one(logs.dropped),
    }),
    family('gauge', 'gatehouse_log_failing', {
      help: '1 while access lines cannot be written.',
      samples: one(Number(logs.failing)),
    }),
  ]
}

function processFamilies(facts: ProcessFacts): Family[] {
  return [
    family('counter', 'process_cpu_seconds_total', {
      help: 'CPU time used, user and system.',
      samples: one(facts.cpuSeconds),
    }),
    family('gauge', 'process_start_time_seconds', {
      help: 'When the process began, Unix time.',
      samples: one(facts.startedAt / 1000),
    }),
    family('gauge', 'process_resident_memory_bytes', {
      help: 'Memory in use by the process.',
      samples: one(facts.residentBytes),
    }),
    family('gauge', 'nodejs_heap_size_used_bytes', {
      help: 'JavaScript heap in use.',
      samples: one(facts.heapUsedBytes),
    }),
    family('gauge', 'nodejs_heap_size_total_bytes', {
      help: 'JavaScript heap reserved.',
      samples: one(facts.heapTotalBytes),
    }),
    family('gauge', 'nodejs_external_memory_bytes', {
      help: 'Memory of buffers outside of the JavaScript heap.',
      samples: one(facts.externalBytes),
    }),
  ]
}

function labelled(name: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([key, value]) => ({ labels: labels({ [name]: key }), value }))
}
