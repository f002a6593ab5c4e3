// A day, lived in seconds: how long a machine runs, against one who knows the day before it begins.

import t, { type Test } from 'tap'
import { random } from '../fixtures/random.ts'
import { facts, type LivedDay, live, type Noise } from '../fixtures/wake-day.ts'
import { foresee, type Happening } from '../fixtures/wake-oracle.ts'

const minute = 60_000
const hour = 60 * minute
const dayMs = 24 * hour
const at = (hours: number, minutes = 0) => hours * hour + minutes * minute

const silence: Noise = { crawlerMs: null, calDavMs: null, incidentalMs: null }
const noise: Noise = { crawlerMs: 40_000, calDavMs: 5 * minute, incidentalMs: 3 * minute }

/** Visits, a tab that stays open and polls, a film, an appointment, work on the machine itself, and a night. */
const saturday: readonly Happening[] = [
  { kind: 'visit', at: at(7, 30), lastAt: at(7, 50), everyMs: 2 * minute, tab: 'closed' },
  { kind: 'visit', at: at(9, 15), lastAt: at(9, 55), everyMs: 5 * minute, tab: 'polls' },
  { kind: 'keep', at: at(11), until: at(12, 20) },
  { kind: 'visit', at: at(13, 30), lastAt: at(13, 31), everyMs: minute, tab: 'long-polls' },
  { kind: 'work', at: at(15), until: at(16, 40) },
  { kind: 'write', at: at(18) },
  { kind: 'film', at: at(19, 30), forMs: 3 * hour, as: 'one' },
]

function percent(lived: LivedDay, day: readonly Happening[]): number {
  return (100 * (lived.runningMs - foresee(day, facts).runningMs)) / foresee(day, facts).runningMs
}

/** What has to be true of every day. */
function isGood(t: Test, lived: LivedDay, day: readonly Happening[]): void {
  const oracle = foresee(day, facts)
  const off = percent(lived, day)
  const hours = (ms: number) => (ms / hour).toFixed(2)
  t.comment(
    `${hours(lived.runningMs)} h, foreseen ${hours(oracle.runningMs)} h: ${off.toFixed(1)} %; ${lived.starts} starts`,
  )
  t.ok(Math.abs(off) <= 5, `within 5 %: ${off.toFixed(2)}`)
  t.equal(lived.starts, oracle.starts, 'started as often as needed')
  t.strictSame(lived.cut, [], 'nobody was cut off')
  t.strictSame(lived.refused, [], 'nobody was sent away')
  t.strictSame(lived.alerts, [], 'nobody was called')
  for (const why of lived.why) t.match(why, /^not used for \d+ min$/)
}

t.test('a Saturday: within 5 % of one who knows the future', async (t) => {
  const lived = await live(saturday, noise, dayMs)
  isGood(t, lived, saturday)
  t.ok((lived.asked['stranger navigation'] ?? 0) > 2_000, 'the crawler was there')
  t.ok((lived.asked['person script'] ?? 0) > 2_000, 'the tab polled')
  t.ok((lived.asked['program program'] ?? 0) > 250, 'the calendar was read')
  t.ok((lived.asked['person incidental'] ?? 0) > 400)
})

t.test("the crawler's share is zero, to the millisecond", async (t) => {
  const without = await live(saturday, { ...noise, crawlerMs: null }, dayMs)
  const with_ = await live(saturday, { ...noise, crawlerMs: 7_000 }, dayMs)
  t.equal(with_.runningMs, without.runningMs)
  t.equal(with_.starts, without.starts)
})

t.test('so is that of reading a calendar, of favicons and of health checks', async (t) => {
  const without = await live(saturday, silence, dayMs)
  const with_ = await live(saturday, { ...noise, calDavMs: 20_000, crawlerMs: null }, dayMs)
  t.equal(with_.runningMs, without.runningMs)
})

t.test('a day on which nobody comes costs nothing, whatever knocks', async (t) => {
  const lived = await live([], { crawlerMs: 5_000, calDavMs: minute, incidentalMs: minute }, dayMs)
  t.equal(lived.runningMs, 0)
  t.equal(lived.starts, 0)
})

for (const tab of ['polls', 'long-polls', 'web-socket'] as const) {
  t.test(
    `a tab that is left open and ${tab} lets the machine sleep, and does not wake it`,
    async (t) => {
      const visit = { kind: 'visit', at: hour, lastAt: 2 * hour, everyMs: 4 * minute } as const
      const closed = await live([{ ...visit, tab: 'closed' }], silence, 2 * dayMs)
      const left = await live([{ ...visit, tab }], silence, 2 * dayMs)
      t.equal(left.starts, 1)
      const extra = left.runningMs - closed.runningMs
      t.ok(extra <= 11 * minute, `${(extra / minute).toFixed(1)} min more than a closed one`)
    },
  )
}

t.test('a film in pieces, by a page that opens no other, runs to its end', async (t) => {
  const day: readonly Happening[] = [{ kind: 'film', at: at(20), forMs: 3 * hour, as: 'pieces' }]
  isGood(t, await live(day, noise, dayMs), day)
})

t.test('three visits in quick succession are one time awake', async (t) => {
  const visit = { kind: 'visit', everyMs: minute, tab: 'closed' } as const
  const day: readonly Happening[] = [0, 20, 45].map((minutes) => {
    return { ...visit, at: at(10, minutes), lastAt: at(10, minutes + 1) }
  })
  t.equal(foresee(day, facts).starts, 1)
  isGood(t, await live(day, noise, dayMs), day)
})

t.test('who comes back in the moment it goes to sleep is served', async (t) => {
  const visit = { kind: 'visit', everyMs: minute, tab: 'closed' } as const
  for (const seconds of [0, 5, 12, 20, 30]) {
    const back = at(10) + facts.idleMs + seconds * 1_000
    const day: readonly Happening[] = [
      { ...visit, at: at(10), lastAt: at(10) },
      { ...visit, at: back, lastAt: back + minute },
    ]
    const lived = await live(day, silence, 12 * hour)
    t.strictSame(lived.refused, [], `${seconds} s late`)
    t.strictSame(lived.cut, [])
    t.ok(lived.starts <= 2)
  }
})

for (let seed = 1; seed <= 6; seed++) {
  t.test(`day number ${seed} of many`, async (t) => {
    const day = madeUp(seed)
    isGood(t, await live(day, noise, dayMs), day)
  })
}

/** A day like other days: some visits, a film in the evening. One tab in three is left open. */
function madeUp(seed: number): readonly Happening[] {
  const below = random(seed)
  const day: Happening[] = []
  for (let hours = 6; hours < 18; hours += 2 + below(3)) {
    const begin = at(hours, below(60))
    const lastAt = begin + minute * (5 + below(50))
    const tab = (['closed', 'closed', 'polls'] as const)[below(3)] ?? 'closed'
    day.push({ kind: 'visit', at: begin, lastAt, everyMs: minute * (1 + below(6)), tab })
  }
  const as = below(2) === 0 ? 'one' : 'pieces'
  day.push({ kind: 'film', at: at(20, below(30)), forMs: 3 * hour, as })
  return day
}
