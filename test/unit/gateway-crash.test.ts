// What a bug in one of the gateway's own parts costs: that request, and nothing that stays behind.

import t from 'tap'
import type { Application } from '../../src/app.ts'
import { createFlights } from '../../src/flights.ts'
import type { Gate } from '../../src/gate.ts'
import { createGateway, type GatewayDeps } from '../../src/gateway.ts'
import { createLimiter } from '../../src/limits.ts'
import type { RequestId, VmId } from '../../src/model.ts'
import { createPages } from '../../src/pages.ts'
import type { Exchange, ExchangeListener } from '../../src/proxy/exchange.ts'
import { fakeExchange } from '../fixtures/exchange.ts'
import { tableText } from '../fixtures/table-text.ts'
import { tableOf } from '../fixtures/tables.ts'

const table = tableOf(tableText(['{ host: a, to: http://127.0.0.1:1, access: public }']))

interface Asked {
  readonly exchange: Exchange
  readonly answers: number[]
  aborted: boolean
}

function unwanted(): never {
  throw new Error('not in these tests')
}

function request(host = 'nobody.example.com'): Asked {
  let listener: ExchangeListener | null = null
  const asked: Asked = {
    answers: [],
    aborted: false,
    exchange: fakeExchange({
      rawHeaders: ['Host', host],
      listen(heard) {
        listener = heard
      },
      answer(status, headers) {
        if (headers.includes('bad\nheader')) throw new TypeError('invalid header')
        asked.answers.push(status)
        listener?.clientClosed(true)
      },
      abort() {
        asked.aborted = true
      },
    }),
  }
  return asked
}

function gatewayWith(broken: Partial<GatewayDeps>) {
  const outcomes: string[] = []
  const errors: string[] = []
  const flights = createFlights(0)
  const quiet = () => {}
  const gateway = createGateway({
    table: () => table,
    identify: () => null,
    identityHeaders: () => [],
    isKnownClient: () => false,
    mayWake: () => false,
    lockdown: () => false,
    waking: { page: unwanted, application: unwanted, ended: quiet },
    applications: { login: { handle: unwanted }, admin: { handle: unwanted } },
    clientAddress: (peer) => peer.address,
    limiter: createLimiter(),
    publicPort: 443,
    pseudonym: 'gatehouse',
    wallNow: () => 0,
    upstreams: { get: unwanted, find: () => null, list: () => [], sweep: quiet, close: quiet },
    flights,
    pages: createPages(),
    record: ({ outcome }) => outcomes.push(outcome),
    metrics: { request: quiet },
    log: { debug: quiet, info: quiet, warn: quiet, error: (event) => errors.push(event) },
    now: () => 0,
    nextId: () => 'id' as RequestId,
    ...broken,
  })
  return { gateway, flights, outcomes, errors }
}

t.test('a part that throws makes 500, one line in each log, and nothing in flight', async (t) => {
  const { gateway, flights, outcomes, errors } = gatewayWith({
    clientAddress: () => {
      throw new Error('a bug')
    },
  })
  const { exchange, answers } = request()
  gateway.handle(exchange)
  t.strictSame(answers, [500])
  t.strictSame(outcomes, ['internal-error'])
  t.strictSame(errors, ['request-crashed'])
  t.equal(flights.size, 0)
})

t.test(
  'where even the 500 cannot be made, the connection is cut and recorded all the same',
  async (t) => {
    const fail = () => {
      throw new Error('a bug')
    }
    const { gateway, flights, outcomes } = gatewayWith({ pages: { failure: fail, target: fail } })
    const asked = request()
    gateway.handle(asked.exchange)
    t.strictSame(asked.answers, [])
    t.ok(asked.aborted)
    t.strictSame(outcomes, ['internal-error'])
    t.equal(flights.size, 0, 'or a drain would wait for it until its deadline')
  },
)

t.test('an answer that nobody fetches, to a request that never ends, is given up', async (t) => {
  const { gateway, flights, outcomes } = gatewayWith({})
  let listener: ExchangeListener | null = null
  const exchange = fakeExchange({
    rawHeaders: ['Host', 'nobody.example.com'],
    listen(heard) {
      listener = heard
    },
    answer() {},
    abort: () => listener?.clientClosed(false),
  })
  gateway.handle(exchange)
  t.equal(flights.size, 1)
  for (let now = 0; now <= 30_000; now += 500) flights.sweep(now)
  t.equal(flights.size, 1, 'thirty seconds are left to it')
  flights.sweep(30_500)
  t.equal(flights.size, 0)
  t.strictSame(outcomes, ['not-found'])
})

t.test('an answer of an application that cannot be sent is 500 at once', async (t) => {
  const login: Application = {
    handle: async () => ({ status: 200, headers: ['x', 'bad\nheader'], body: Buffer.alloc(0) }),
  }
  const { gateway, flights, outcomes, errors } = gatewayWith({
    applications: { login, admin: login },
  })
  const { exchange, answers } = request('auth.example.com')
  gateway.handle(exchange)
  await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(answers, [500])
  t.strictSame(outcomes, ['internal-error'])
  t.strictSame(errors, ['request-crashed'])
  t.equal(flights.size, 0)
})

t.test(
  'a door that throws when its machine refused a connection leaves nobody waiting',
  async (t) => {
    const gate: Gate = {
      vm: 'box' as VmId,
      port: 1,
      open: true,
      passes: () => {},
      arrive: unwanted,
      leave: unwanted,
      refused() {
        throw new TypeError('a bug')
      },
    }
    const text = tableText(['{ host: a, to: "http://box:1", access: public }'])
    const { gateway, flights, outcomes } = gatewayWith({
      table: () => tableOf(text, {}, () => gate),
      upstreams: {
        ...{ find: () => null, list: () => [], sweep: () => {}, close: () => {} },
        get: () => ({
          name: 'box:1',
          send(_request, listener) {
            setImmediate(() => listener.upstreamFailed('upstream-refused', null))
            return { retried: false, pause: unwanted, resume: unwanted, cancel: unwanted }
          },
          state: unwanted,
        }),
      },
    })
    const { exchange, answers } = request('a.example.com')
    gateway.handle(exchange)
    t.equal(flights.size, 1)
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    t.strictSame(answers, [500])
    t.strictSame(outcomes, ['internal-error'])
    t.equal(flights.size, 0)
  },
)
