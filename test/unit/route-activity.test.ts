// What has been going on at a route: an hour that moves on, and the last failure.

import t from 'tap'
import { createMetrics } from '../../src/metrics.ts'
import { createRouteActivity } from '../../src/route-activity.ts'

t.test('the last hour moves on with the minutes', async (t) => {
  const totals = new Map([['a', 10]])
  const activity = createRouteActivity(() => totals)
  t.equal(activity.lastHour('a'), 10)
  t.equal(activity.lastHour('unknown'), 0)
  activity.minute()
  for (let i = 1; i < 60; i++) {
    totals.set('a', 10 + i)
    activity.minute()
  }
  t.equal(activity.lastHour('a'), 59, 'what came before the oldest minute is not of this hour')
  totals.set('a', 100)
  activity.minute()
  t.equal(activity.lastHour('a'), 89)
  for (let i = 0; i < 60; i++) activity.minute()
  t.equal(activity.lastHour('a'), 0, 'a quiet hour')
})

t.test('the last failure of a service is kept, not that of its visitors', async (t) => {
  const activity = createRouteActivity(() => new Map())
  t.equal(activity.lastError('a'), null)
  activity.ended('a', 'not-found', 1)
  activity.ended('a', 'ok', 1)
  t.equal(activity.lastError('a'), null)
  activity.ended('a', 'upstream-refused', 2)
  activity.ended('a', 'upstream-idle-timeout', 3)
  t.same(activity.lastError('a'), { at: 3, code: 'upstream-idle-timeout' })
  t.equal(activity.lastError('b'), null)
})

t.test('a table that is edited for years does not fill the memory', async (t) => {
  const activity = createRouteActivity(() => new Map())
  for (let i = 0; i < 2_001; i++) activity.ended(`route-${i}`, 'upstream-refused', i)
  t.not(activity.lastError('route-1999'), null)
  t.equal(activity.lastError('route-2000'), null)
})

t.test('metrics know how often each route was asked', async (t) => {
  const metrics = createMetrics()
  const one = {
    method: 'GET',
    outcome: 'ok',
    totalMs: 1,
    requestBytes: 0,
    responseBytes: 0,
  } as const
  metrics.request({ ...one, route: 'a', status: 200 })
  metrics.request({ ...one, route: 'a', status: 404 })
  metrics.request({ ...one, route: null, status: 404 })
  t.same([...metrics.requestsByRoute()], [['a', 2]])
})
