// The end of a request: its access line, its counters; and the answers we make ourselves.

import { type AccessEntry, accessLine } from '../../src/access-line.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { PageRequest } from '../../src/pages.ts'
import { createPages } from '../../src/pages.ts'
import type { MicroCase } from './harness.ts'
import { requestId, sampleHost } from './samples.ts'

const entry: AccessEntry = {
  time: 1_795_000_000_123,
  id: requestId,
  client: '203.0.113.77',
  user: null,
  session: null,
  host: 'photos.diegonmarcos.com',
  method: 'GET',
  path: '/photoprism/library',
  protocol: 'HTTP/1.1',
  status: 200,
  requestBytes: 0,
  responseBytes: 8123,
  totalMs: 3.25,
  admitMs: 0.02,
  upstreamMs: 2.5,
  route: 'photos.diegonmarcos.com/photoprism',
  upstream: '84.235.234.87:2342',
  outcome: 'ok',
  droppedHeaders: null,
  retried: false,
}
const odd = { ...entry, path: '/photo"prism/ünï\n' }
const metrics = createMetrics()
const pages = createPages()
const program: PageRequest = {
  accept: '*/*',
  contentType: null,
  method: 'GET',
  id: requestId,
  host: sampleHost('photos.diegonmarcos.com'),
  loginHost: sampleHost('auth.diegonmarcos.com'),
}
const browser = { ...program, accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }
let time = entry.time

export const cases: readonly MicroCase[] = [
  // A millisecond of its own each time: the text of the time is not simply remembered.
  {
    name: 'accessLine',
    run: () => accessLine({ ...entry, time: time++ }),
  },
  { name: 'accessLine, to be escaped', run: () => accessLine(odd) },
  { name: 'metrics.request', run: () => metrics.request(entry) },
  { name: 'failure 404, problem details', run: () => pages.failure('not-found', program) },
  { name: 'failure 404, page', run: () => pages.failure('not-found', browser) },
  { name: 'failure 429, problem details', run: () => pages.failure('too-many-requests', program) },
]
