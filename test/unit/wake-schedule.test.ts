// The times of the week in which a machine is kept awake, on every clock that people live by.

import t from 'tap'
import type { AwakeTime } from '../../src/model-machines.ts'
import { createSchedule } from '../../src/wake/schedule.ts'

const at = (hours: number, minutes = 0) => hours * 60 + minutes
const work: AwakeTime = { days: [1, 2, 3, 4, 5], from: at(8), to: at(18) }
const night: AwakeTime = { days: [6], from: at(22), to: at(2) }

/** @param now ISO time. @returns ISO time, or null. */
function untilOf(now: string, awake: readonly AwakeTime[], timeZone = 'Europe/Berlin') {
  const schedule = createSchedule({ now: () => Date.parse(now) })
  const until = schedule.until({ awake, timeZone })
  return until === null ? null : new Date(until).toISOString().replace('.000Z', 'Z')
}

t.test('a time of the week begins and ends to the minute, in its own zone', async (t) => {
  const cases: readonly [now: string, until: string | null][] = [
    ['2026-11-23T06:59:59Z', null],
    ['2026-11-23T07:00:00Z', '2026-11-23T17:00:00Z'],
    ['2026-11-23T12:34:56Z', '2026-11-23T17:00:00Z'],
    ['2026-11-23T16:59:59Z', '2026-11-23T17:00:00Z'],
    ['2026-11-23T17:00:00Z', null],
    ['2026-11-22T12:00:00Z', null],
  ]
  for (const [now, until] of cases) t.equal(untilOf(now, [work]), until, now)
  t.equal(untilOf('2026-11-23T07:00:00Z', [work], 'America/New_York'), null)
})

t.test('a time that goes past midnight belongs to the day on which it began', async (t) => {
  const cases: readonly [now: string, until: string | null][] = [
    ['2026-11-21T20:59:00Z', null],
    ['2026-11-21T21:00:00Z', '2026-11-22T01:00:00Z'],
    ['2026-11-22T00:59:00Z', '2026-11-22T01:00:00Z'],
    ['2026-11-22T01:00:00Z', null],
    // Friday night into Saturday is not Saturday night.
    ['2026-11-21T00:00:00Z', null],
  ]
  for (const [now, until] of cases) t.equal(untilOf(now, [night]), until, now)
})

t.test('one time may begin where another ends', async (t) => {
  const day: AwakeTime = { days: [6, 0], from: 0, to: 1440 }
  t.equal(untilOf('2026-11-21T09:30:00Z', [day]), '2026-11-22T23:00:00Z', 'a weekend')
  const morning: AwakeTime = { days: [1], from: at(6), to: at(8) }
  t.equal(untilOf('2026-11-23T05:30:00Z', [work, morning]), '2026-11-23T17:00:00Z')
})

t.test('always is a week, and a week again', async (t) => {
  const always: AwakeTime = { days: [0, 1, 2, 3, 4, 5, 6], from: 0, to: 1440 }
  const now = '2026-11-21T09:30:00Z'
  t.equal(untilOf(now, [always]), '2026-11-28T09:30:00Z')
})

t.test('it ends at its time of day although the clocks change on the way', async (t) => {
  const long: AwakeTime = { days: [6], from: at(22), to: at(6) }
  t.equal(untilOf('2026-03-28T22:00:00Z', [long]), '2026-03-29T04:00:00Z', 'an hour less')
  t.equal(untilOf('2026-10-24T21:00:00Z', [long]), '2026-10-25T05:00:00Z', 'an hour more')
})

t.test('without times it is never kept awake', async (t) => {
  t.equal(untilOf('2026-11-23T12:00:00Z', []), null)
})
