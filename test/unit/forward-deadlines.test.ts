// Who is named when nothing moves any more: the client, or the backend.

import { Readable } from 'node:stream'
import t from 'tap'
import type { FailureCode } from '../../src/errors.ts'
import { Forward } from '../../src/proxy/forward.ts'
import { fakeExchange } from '../fixtures/exchange.ts'
import { tableText } from '../fixtures/table-text.ts'
import { tableOf } from '../fixtures/tables.ts'

const [, , route] = tableOf(
  tableText(['{ host: a, to: box:80, timeouts: { headers: 5s, idle: 10s }, access: public }']),
).routes

/** Starts a forward at 0 ms. @returns its deadlines' word at a time: the code it is cancelled with, or `null`. */
function forward(body: Readable | null): (now: number) => FailureCode | null {
  if (route === undefined) throw new Error('the table has no third route')
  let cancelled: FailureCode | null = null
  const call = {
    retried: false,
    pause() {},
    resume() {},
    cancel(code: FailureCode) {
      cancelled = code
    },
  }
  const forward = new Forward(
    {
      exchange: fakeExchange({
        declaredBytes: body === null ? 0 : 100,
        ...(body === null ? {} : { openBody: () => body }),
      }),
      upstream: {
        name: 'box:80',
        send: () => call,
        state: () => ({ up: true, failingSince: null, active: 1, idle: 0, waiting: 0 }),
      },
      route,
      client: '192.0.2.1',
      path: '/',
      headers: [],
      requestId: 'id',
      securityHeaders: [],
      responseEdits: null,
      cookies: { host: 'gate.test', parentAllowed: false, guard: (value) => value },
      webSocketKey: null,
      trailers: false,
    },
    { forwardBegun() {}, forwardFailed() {}, forwardDone() {} },
    { now: 0 },
  )
  forward.start(0)
  return (now) => {
    forward.check(now)
    return cancelled
  }
}

t.test('a backend that keeps its header back is late after timeouts.headers', async (t) => {
  const check = forward(null)
  t.equal(check(5_000), null)
  t.equal(check(5_001), 'upstream-headers-timeout')
})

t.test('a client that stops sending its body is late after timeouts.idle', async (t) => {
  const check = forward(new Readable({ read() {} }))
  t.equal(check(10_000), null)
  t.equal(check(10_001), 'request-timeout')
})

t.test('a backend that stops taking a body is late itself: the client is not blamed', async (t) => {
  const body = new Readable({ read() {} })
  body.push('these bytes are here and nobody fetches them')
  const check = forward(body)
  t.equal(check(10_000), null)
  t.equal(check(10_001), 'upstream-idle-timeout')
})
