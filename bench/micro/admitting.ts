// Deciding on a request: route, limits, policy, and the whole of admission.

import { admit, type Request } from '../../src/admission.ts'
import { decide, type RequestFacts, sameAccess } from '../../src/auth/policy.ts'
import { createLimiter } from '../../src/limits.ts'
import type { Policy } from '../../src/model.ts'
import type { Exchange } from '../../src/proxy/exchange.ts'
import { createRequestIds } from '../../src/request-id.ts'
import type { MicroCase } from './harness.ts'
import { browserHeaders, cloudflarePeer, sampleHost, sampleTable, sampleTarget } from './samples.ts'

const table = sampleTable()
const photos = sampleHost('photos.diegonmarcos.com')
const stranger = sampleHost('nobody.example')
const library = sampleTarget('/photoprism/library').path
const limiter = createLimiter()
const limit = { perSecond: 1e9, burst: 1e9 }
const nextId = createRequestIds(Buffer.alloc(6, 7))
const facts: RequestFacts = {
  method: 'POST',
  path: library,
  webSocket: false,
  origin: 'https://photos.diegonmarcos.com',
  fetchSite: 'same-origin',
  ownOrigin: 'https://photos.diegonmarcos.com',
  allowedOrigins: [],
  now: 0,
}
const publicPolicy: Policy = { kind: 'public' }
const requires = { proof: 'any', withinMs: null } as const
const members: Policy = { kind: 'members', users: ['diego'], groups: ['family'], requires }
const rules: Policy = {
  kind: 'rules',
  rules: [
    {
      methods: ['GET'],
      paths: ['/photoprism/s/**', '/photoprism/static/*.js'],
      policy: publicPolicy,
    },
    { methods: null, paths: null, policy: members },
  ],
}
let now = 0

/** Only what admission reads. */
const exchange = {
  protocol: 'HTTP/1.1',
  method: 'GET',
  rawTarget: '/photoprism/library?x=1',
  rawAuthority: null,
  rawHeaders: browserHeaders,
  peer: cloudflarePeer,
  webSocket: false,
  declaredBytes: null,
} as unknown as Exchange

const admission = {
  table: () => table,
  identify: () => null,
  clientAddress: () => '203.0.113.77',
  limiter,
  lockdown: () => false,
  isKnownClient: () => false,
  publicPort: 443,
  pseudonym: 'gatehouse',
  wallNow: () => 0,
}

function admitOnce() {
  const request: Request = {
    exchange,
    client: '',
    network: '',
    host: null,
    target: null,
    head: null,
    route: null,
    identity: null,
    pathToken: null,
    wakeAction: null,
    open: false,
  }
  // A second later each time: the buckets stay full, as they are for a person.
  now += 1000
  return admit(request, admission, now)
}

export const cases: readonly MicroCase[] = [
  { name: 'table.match', run: () => table.match(photos, library) },
  { name: 'table.match, unknown host', run: () => table.match(stranger, library) },
  { name: 'limiter.take', run: () => limiter.take('203.0.113.9', limit, now++) },
  { name: 'decide, public', run: () => decide(publicPolicy, null, facts) },
  { name: 'decide, members, nobody', run: () => decide(members, null, facts) },
  { name: 'decide, by rules, nobody', run: () => decide(rules, null, facts) },
  { name: 'same access, by rules', run: () => sameAccess(rules, 'POST', library, []) },
  { name: 'request id', run: nextId },
  { name: 'admit, whole (login needed)', run: admitOnce },
]
