// When a program's token may start a machine.

import t from 'tap'
import { mayWakeNow, utcDayStart } from '../../src/auth/token-wake.ts'

const at = (hour: number, minute = 0) => Date.UTC(2026, 10, 21, hour, minute)
const ask = (hours: { from: number; to: number } | null, now: number, startsToday = 0) =>
  mayWakeNow({ hours, perDay: 3 }, { now, startsToday })

t.test('so many times a day', async (t) => {
  t.equal(ask(null, at(3), 2), true)
  t.equal(ask(null, at(3), 3), false)
  t.equal(ask(null, at(3), 4), false)
})

t.test('within its hours, the end not included', async (t) => {
  const day = { from: 8 * 60, to: 22 * 60 }
  t.equal(ask(day, at(7, 59)), false)
  t.equal(ask(day, at(8)), true)
  t.equal(ask(day, at(21, 59)), true)
  t.equal(ask(day, at(22)), false)
})

t.test('past midnight', async (t) => {
  const night = { from: 22 * 60, to: 6 * 60 }
  t.same(
    [21, 22, 23, 0, 5, 6, 12].map((hour) => ask(night, at(hour))),
    [false, true, true, true, true, false, false],
  )
})

t.test('a day begins at midnight UTC', async (t) => {
  t.equal(utcDayStart(at(0)), at(0))
  t.equal(utcDayStart(at(23, 59)), at(0))
})
