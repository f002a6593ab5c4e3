// The line before a machine that has just come up, and the pace at which it moves.

import t from 'tap'
import { batchMs, createLine, createRamp, firstBatch } from '../../src/wake/release.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'

t.test('first come, first served; pages first; who comes back before everybody', async (t) => {
  const line = createLine<string>()
  line.add('script 1', { kind: 'script', again: false })
  line.add('program', { kind: 'program', again: false })
  line.add('page 1', { kind: 'navigation', again: false })
  line.add('change', { kind: 'change', again: false })
  line.add('page 2', { kind: 'navigation', again: false })
  line.add('back', { kind: 'script', again: true })
  t.strictSame(line.list(), ['back', 'page 1', 'page 2', 'script 1', 'program', 'change'])
  line.remove('page 1')
  line.remove('program')
  line.remove('nobody')
  t.equal(line.size, 4)
  const order: (string | null)[] = []
  for (let i = 0; i < 5; i++) order.push(line.next())
  t.strictSame(order, ['back', 'page 2', 'script 1', 'change', null])
  t.equal(line.size, 0)
})

function rampOf(count: number) {
  const clock = createFakeClock()
  const began = clock.steady()
  const at: number[] = []
  let left = count
  let done = 0
  const ramp = createRamp({
    after: clock.after,
    letOne() {
      if (left > 0) at.push(clock.steady() - began)
      left = Math.max(0, left - 1)
      return left > 0
    },
    done() {
      done += 1
    },
  })
  const batches = () => Object.values(Object.groupBy(at, String)).map((all) => all?.length)
  return { clock, ramp, at, batches, done: () => done }
}

t.test('four at first, twice as many every 250 ms', async (t) => {
  const { clock, ramp, at, batches, done } = rampOf(500)
  ramp.begin()
  ramp.begin()
  t.strictSame(at, [], 'not within the turn that found it ready')
  await clock.advance(0)
  t.strictSame(batches(), [4])
  await clock.advance(batchMs - 1)
  t.strictSame(batches(), [4])
  await clock.advance(1)
  t.strictSame(batches(), [4, 8])
  await clock.advance(10_000)
  t.strictSame(batches(), [4, 8, 16, 32, 64, 128, 248])
  t.equal(at.at(-1), 1_500, '500 within a second and a half')
  t.equal(done(), 1)
  t.equal(ramp.running, false)
  t.equal(clock.pending, 0)
})

t.test('who is last ends it, without waiting for the next batch', async (t) => {
  for (const count of [0, 1, firstBatch, firstBatch + 1]) {
    const { clock, ramp, done } = rampOf(count)
    ramp.begin()
    await clock.advance(count > firstBatch ? batchMs : 0)
    t.equal(done(), 1, `${count} of them`)
  }
})

t.test('after a stop it begins slowly again', async (t) => {
  const { clock, ramp, at, done } = rampOf(100)
  ramp.begin()
  await clock.advance(2 * batchMs)
  t.equal(at.length, 4 + 8 + 16)
  ramp.stop()
  t.equal(ramp.running, false)
  await clock.advance(10_000)
  t.equal(at.length, 28, 'nobody went on')
  ramp.begin()
  await clock.advance(0)
  t.equal(at.length, 32)
  t.equal(done(), 0)
})

t.test('one who is let through may stop it', async (t) => {
  const clock = createFakeClock()
  let through = 0
  const ramp = createRamp({
    after: clock.after,
    letOne() {
      through += 1
      if (through === 2) ramp.stop()
      return true
    },
    done: () => t.fail('it is not over'),
  })
  ramp.begin()
  await clock.advance(60_000)
  t.equal(through, 2)
})
