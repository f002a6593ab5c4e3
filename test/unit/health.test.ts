// When the gateway calls itself well.

import t from 'tap'
import { health } from '../../src/health.ts'
import type { MetricSources } from '../../src/metric-sources.ts'

const now = Date.UTC(2026, 10, 21)
const day = 86_400_000
const reloads = { ok: 1, failed: 0, held: 0, lastOk: now, inForce: true }

function look(sources: Partial<MetricSources>, draining = false) {
  return health({ version: '1.2.3', now, startedAt: now - 61_500, draining, sources })
}

t.test('without anything wrong it is ok, with version and uptime in whole seconds', async (t) => {
  t.match(look({}), { status: 'ok', version: '1.2.3', uptimeSeconds: 61, checks: [] })
})

t.test('a table on disk that is not in force is a reason to look', async (t) => {
  t.equal(look({ reloads: () => reloads }).status, 'ok')
  t.match(look({ reloads: () => ({ ...reloads, inForce: false }) }), {
    status: 'degraded',
    checks: [{ name: 'routes', ok: false }],
  })
})

t.test('a certificate counts from two weeks before its end', async (t) => {
  const certificates = (...days: number[]) =>
    look({
      certificates: () =>
        days.map((each) => ({ names: [`d${each}.example`], notAfter: now + each * day })),
    })
  t.equal(certificates(15, 400).status, 'ok')
  t.equal(certificates(14).status, 'ok')
  t.match(certificates(400, 13), {
    status: 'degraded',
    checks: [{ ok: false, detail: 'The first to end is d13.example, in 13 days.' }],
  })
  t.match(certificates(-1).checks, [{ ok: false, detail: 'd-1.example has expired.' }])
  t.match(certificates().checks, [{ ok: false, detail: 'There is no certificate.' }])
})

t.test('an access log that cannot be written counts while it lasts', async (t) => {
  const log = (failing: boolean, dropped: number) =>
    look({ logs: () => ({ written: 1, dropped, failing }) })
  t.equal(log(false, 0).status, 'ok')
  t.equal(log(true, 0).status, 'degraded')
  t.match(log(false, 7), {
    status: 'ok',
    checks: [{ detail: '7 lines were lost since the start.' }],
  })
})

t.test('a backend that is down is told, and is not the fault of the gateway', async (t) => {
  const state = { active: 0, idle: 0, waiting: 0 }
  const upstreams = () => [
    { name: 'a:1', up: true, ...state },
    { name: 'b:2', up: false, ...state },
  ]
  t.match(look({ upstreams }), { status: 'ok', checks: [{ ok: true, detail: 'Down: b:2.' }] })
})

t.test('draining is said before everything else', async (t) => {
  t.equal(look({ reloads: () => ({ ...reloads, inForce: false }) }, true).status, 'draining')
})
