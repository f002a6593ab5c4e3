// What a machine that can sleep costs a request while it is awake: the kind of the request, the look at the door, the note of use.

import type { UseKind } from '../../src/gate.ts'
import type { Identity, SessionRef, UserId, VmId } from '../../src/model.ts'
import type { Exchange } from '../../src/proxy/exchange.ts'
import { type RequestHead, readHead } from '../../src/proxy/request-head.ts'
import { useKindOf } from '../../src/use-kind.ts'
import { createGates } from '../../src/wake/hold.ts'
import { createUse } from '../../src/wake/idle.ts'
import type { Machine } from '../../src/wake/machine.ts'
import type { MicroCase } from './harness.ts'
import { browserHeaders } from './samples.ts'

const vm = 'flex' as VmId
let now = 0
const steady = () => now

/** Awake, and all of its ports answer. Only what a door asks of it. */
const machine = {
  state: { kind: 'awake', since: 0, startedBy: null },
  isReady: () => true,
  watchPort() {},
  subscribe: () => () => {},
} as unknown as Machine
const use = createUse({ steady, rules: () => ({ webSocketFloorBytes: 1_000, streamsCount: true }) })
const gates = createGates({
  machine: () => machine,
  use,
  steady,
  now: steady,
  after: () => () => {},
  log: { warn() {} },
})
const gate = gates.gateFor(vm, 2342, 'http')
if (!gate.open) throw new Error('the door is not open')

const session = 'session-0001' as SessionRef
const identity = { user: 'diego' as UserId, session, via: 'session', mayWake: true } as Identity
const passing = { kind: 'program' as UseKind, session, counts: 'auto' as const }

/** Only what is looked at. */
function exchangeOf(changes: Readonly<Record<string, string>>, rawTarget: string) {
  const rawHeaders = [...browserHeaders]
  for (const [name, value] of Object.entries(changes)) {
    const at = rawHeaders.indexOf(name)
    rawHeaders[at + 1] = value
  }
  const exchange = { method: 'GET', rawTarget, rawHeaders, webSocket: false } as unknown as Exchange
  const head = readHead(rawHeaders, {
    http2: false,
    http10: false,
    method: 'GET',
    cloudflare: true,
  })
  if (typeof head === 'string') throw new Error(head)
  return { exchange, head }
}

const page = exchangeOf({}, '/photoprism/library?x=1')
const script = exchangeOf({ 'Sec-Fetch-Mode': 'cors', Accept: '*/*' }, '/api/v1/photos?count=60')

/** As the exchange does it between admission and forward. */
function check({ exchange, head }: { exchange: Exchange; head: RequestHead }): boolean {
  // A millisecond between two: faster than any browser.
  now += 1
  const kind = useKindOf(exchange, head, identity)
  if (!gate.open) return false
  passing.kind = kind
  gate.passes(passing)
  return true
}

function checkAndEnd(request: { exchange: Exchange; head: RequestHead }): boolean {
  const passed = check(request)
  use.ended(vm, passing, 8_123)
  return passed
}

export const cases: readonly MicroCase[] = [
  { name: 'kind of use, a page', run: () => useKindOf(page.exchange, page.head, identity) },
  { name: 'kind of use, a script', run: () => useKindOf(script.exchange, script.head, identity) },
  { name: 'wake check while awake, a page', run: () => check(page) },
  { name: 'wake check while awake, a script', run: () => check(script) },
  { name: 'the same, and noted at its end, a page', run: () => checkAndEnd(page) },
  { name: 'the same, and noted at its end, a script', run: () => checkAndEnd(script) },
]
