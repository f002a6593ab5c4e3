// Signals and exceptions, from the first to the exit code. Time is a list of callbacks.

import t from 'tap'
import { bugsPerMinute, createLifecycle } from '../../src/cli/lifecycle.ts'
import type { Running } from '../../src/cli/serve-types.ts'

function setUp() {
  const clock = { now: 0 }
  const calls: string[] = []
  const exits: number[] = []
  const timers: { ms: number; run: () => void }[] = []
  const drained = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const running: Running = {
    addresses: () => ({ https: 1, http: null, ops: null }),
    reload: async (reason) => {
      calls.push(`reload ${reason}`)
    },
    drain: () => {
      calls.push('drain')
      return drained.promise
    },
    closeNow: () => {
      calls.push('close')
      return closed.promise
    },
    report: (event) => calls.push(`report ${event}`),
  }
  const lifecycle = createLifecycle({
    drainMs: 25_000,
    exit: (code) => exits.push(code),
    say: () => {},
    now: () => clock.now,
    after: (ms, run) => {
      const timer = { ms, run }
      timers.push(timer)
      return () => timers.splice(timers.indexOf(timer), 1)
    },
  })
  /** Lets everything that is settled be heard of. */
  const settle = async () => {
    for (let i = 0; i < 5; i++) await Promise.resolve()
  }
  return { clock, calls, exits, timers, drained, closed, running, lifecycle, settle }
}

t.test('SIGTERM finishes what is in flight and exits with 0', async (t) => {
  const { lifecycle, running, calls, exits, timers, drained, settle } = setUp()
  lifecycle.attach(running)
  lifecycle.signal('SIGTERM')
  t.strictSame(calls, ['drain'])
  t.strictSame(
    timers.map(({ ms }) => ms),
    [25_000],
    'with a deadline',
  )
  await settle()
  t.strictSame(exits, [], 'not before the drain is over')
  drained.resolve()
  await settle()
  t.strictSame(exits, [0])
  t.strictSame(timers, [], 'and the deadline is called off')
})

t.test('at the deadline everything is cut off, and the exit is still 0', async (t) => {
  const { lifecycle, running, calls, exits, timers, closed, settle } = setUp()
  lifecycle.attach(running)
  lifecycle.signal('SIGTERM')
  timers.shift()?.run()
  t.strictSame(calls, ['drain', 'close'])
  closed.resolve()
  await settle()
  t.strictSame(exits, [0])
})

t.test('a close that hangs does not keep the process', async (t) => {
  const { lifecycle, running, exits, timers } = setUp()
  lifecycle.attach(running)
  lifecycle.signal('SIGTERM')
  timers.shift()?.run()
  timers.shift()?.run()
  t.strictSame(exits, [0])
})

t.test('SIGINT drains, SIGINT again closes at once with 130', async (t) => {
  const { clock, lifecycle, running, calls, exits, closed, settle } = setUp()
  lifecycle.attach(running)
  lifecycle.signal('SIGINT')
  t.strictSame(calls, ['drain'])
  clock.now = 99
  lifecycle.signal('SIGINT')
  t.strictSame(calls, ['drain'], 'npm passes one key press on twice')
  clock.now = 100
  lifecycle.signal('SIGINT')
  t.strictSame(calls, ['drain', 'close'])
  closed.resolve()
  await settle()
  t.strictSame(exits, [130])
})

t.test('one SIGINT during the drain of SIGTERM is the first SIGINT', async (t) => {
  const { clock, lifecycle, running, calls } = setUp()
  lifecycle.attach(running)
  lifecycle.signal('SIGTERM')
  lifecycle.signal('SIGTERM')
  lifecycle.signal('SIGINT')
  t.strictSame(calls, ['drain'])
  clock.now = 1000
  lifecycle.signal('SIGINT')
  t.strictSame(calls, ['drain', 'close'])
})

t.test('SIGHUP reloads, but not while draining', async (t) => {
  const { lifecycle, running, calls } = setUp()
  lifecycle.attach(running)
  lifecycle.signal('SIGHUP')
  lifecycle.signal('SIGTERM')
  lifecycle.signal('SIGHUP')
  t.strictSame(calls, ['reload signal', 'drain'])
})

t.test('a SIGHUP during the start is not lost', async (t) => {
  const { lifecycle, running, calls } = setUp()
  lifecycle.signal('SIGHUP')
  t.strictSame(calls, [])
  lifecycle.attach(running)
  t.strictSame(calls, ['reload signal'])
})

t.test('a signal during the start ends the process', async (t) => {
  const { lifecycle, exits } = setUp()
  lifecycle.signal('SIGTERM')
  t.strictSame(exits, [0])
})

t.test('a bug costs one request: it is reported, and the others go on', async (t) => {
  const { clock, lifecycle, running, calls, exits } = setUp()
  lifecycle.attach(running)
  for (let i = 0; i < 5 * bugsPerMinute; i++) {
    clock.now = i * 4000
    lifecycle.bug('uncaught-exception', new Error('bug'))
  }
  t.strictSame(new Set(calls), new Set(['report uncaught-exception']))
  t.strictSame(exits, [])
})

t.test('more bugs in a minute than can be trusted end the process', async (t) => {
  const { lifecycle, running, calls } = setUp()
  lifecycle.attach(running)
  for (let i = 0; i < bugsPerMinute; i++) lifecycle.bug('uncaught-exception', new Error('bug'))
  t.notOk(calls.includes('drain'))
  lifecycle.bug('uncaught-exception', new Error('bug'))
  t.ok(calls.includes('drain'))
})

t.test('a bug before the start is over ends the process', async (t) => {
  const { lifecycle, exits, calls } = setUp()
  lifecycle.bug('unhandled-rejection', new Error('bug'))
  t.strictSame(calls, [])
  lifecycle.fatal('unhandled-rejection', new Error('another'))
  t.strictSame(exits, [1])
})

t.test('something fatal is logged, drains briefly, and exits with 1', async (t) => {
  const { lifecycle, running, calls, exits, timers, drained, settle } = setUp()
  lifecycle.attach(running)
  lifecycle.fatal('uncaught-exception', new Error('bug'))
  t.strictSame(calls, ['report uncaught-exception', 'drain'])
  t.strictSame(
    timers.map(({ ms }) => ms),
    [3000],
  )
  drained.resolve()
  await settle()
  t.strictSame(exits, [1])
})

t.test('a second exception on the way out ends the process at once', async (t) => {
  const { lifecycle, running, exits } = setUp()
  lifecycle.attach(running)
  lifecycle.fatal('uncaught-exception', new Error('bug'))
  lifecycle.fatal('uncaught-exception', new Error('another'))
  t.strictSame(exits, [1])
})

t.test('an exception while draining is no clean exit', async (t) => {
  const { lifecycle, running, calls, exits, closed, settle } = setUp()
  lifecycle.attach(running)
  lifecycle.signal('SIGTERM')
  lifecycle.fatal('unhandled-rejection', 'reason')
  t.strictSame(calls, ['drain', 'report unhandled-rejection', 'close'])
  closed.resolve()
  await settle()
  t.strictSame(exits, [1])
})

t.test('a drain that fails closes and exits with 1, once', async (t) => {
  const { lifecycle, running, calls, exits, drained, closed, settle } = setUp()
  lifecycle.attach(running)
  lifecycle.signal('SIGTERM')
  drained.reject(new Error('bug'))
  await settle()
  t.strictSame(calls, ['drain', 'report drain', 'close'])
  closed.resolve()
  await settle()
  lifecycle.signal('SIGINT')
  t.strictSame(exits, [1])
})
