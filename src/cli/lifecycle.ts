// From the first signal to the exit code: reload, drain with a deadline, cut off. Knows no process.

import { stackOf } from '../caught.ts'
import type { Running } from './serve-types.ts'

export type LifecycleSignal = 'SIGHUP' | 'SIGTERM' | 'SIGINT'

export interface LifecycleDeps {
  /** How long a drain may take, milliseconds. */
  readonly drainMs: number
  /** Ends the process. Called once. */
  readonly exit: (code: number) => void
  /** One line for people. */
  readonly say: (line: string) => void
  /** Milliseconds, monotonic. */
  readonly now: () => number
  /** `setTimeout`, as a function that returns its own cancelling. */
  readonly after: (ms: number, run: () => void) => () => void
}

export interface Lifecycle {
  /** The gateway has started; a signal that came before is acted upon now. */
  readonly attach: (running: Running) => void
  readonly signal: (name: LifecycleSignal) => void
  /**
   * An exception nobody caught: a bug that cost one request. It is reported, and the others go on, for whoever finds a
   * request that does this must not be able to end everybody's. Too many of them, or one before the start, are `fatal`.
   */
  readonly bug: (kind: string, error: unknown) => void
  /** Something without which it makes no sense to go on: drains briefly and ends with 1. */
  readonly fatal: (kind: string, error: unknown) => void
}

/** Bugs within a minute after which what they left behind is trusted no more. */
export const bugsPerMinute = 20

/** After something fatal: long enough for answers that are nearly done, short enough to be back soon. */
export const fatalDrainMs = 3000
/** For flushing logs once all connections are cut. */
const closeMs = 2000
/** Of one Ctrl-C, npm and npx pass a second one on to the program that the terminal has told already. */
const sameKeyPressMs = 100
/** As a shell reports a program that Ctrl-C ended: 128 + SIGINT. */
const interruptedCode = 130

/** SIGHUP reloads. SIGTERM and the first SIGINT drain and exit with 0; the second SIGINT cuts everything off. */
export function createLifecycle(deps: LifecycleDeps): Lifecycle {
  let running: Running | null = null
  let phase: 'running' | 'draining' | 'closing' | 'gone' = 'running'
  let reloadWanted = false
  let interruptedAt: number | null = null
  let exitCode = 0
  let bugs: number[] = []

  function attach(started: Running): void {
    running = started
    if (reloadWanted) reload()
  }

  function signal(name: LifecycleSignal): void {
    switch (name) {
      case 'SIGHUP':
        if (phase === 'running') reload()
        return
      case 'SIGTERM':
        drain(name, deps.drainMs)
        return
      case 'SIGINT':
        interrupt(deps.now())
        return
      default:
        name satisfies never
    }
  }

  function interrupt(now: number): void {
    const before = interruptedAt
    if (before !== null && now - before < sameKeyPressMs) return
    interruptedAt = now
    if (before === null || phase !== 'draining') {
      drain('SIGINT', deps.drainMs)
      return
    }
    exitCode = interruptedCode
    deps.say('SIGINT again: closing now')
    close()
  }

  function reload(): void {
    reloadWanted = running === null
    running?.reload('signal').catch((error: unknown) => fatal('reload', error))
  }

  function bug(kind: string, error: unknown): void {
    const now = deps.now()
    bugs = bugs.filter((at) => now - at < 60_000)
    bugs.push(now)
    if (running === null || bugs.length > bugsPerMinute) fatal(kind, error)
    else running.report(kind, error)
  }

  function fatal(kind: string, error: unknown): void {
    running?.report(kind, error)
    deps.say(`${kind}: ${stackOf(error)}`)
    const isFirst = exitCode !== 1
    exitCode = 1
    if (isFirst && phase === 'running') drain(kind, Math.min(fatalDrainMs, deps.drainMs))
    else if (isFirst && phase === 'draining') close()
    else if (!isFirst) leave()
  }

  function drain(reason: string, deadlineMs: number): void {
    if (phase !== 'running') return
    phase = 'draining'
    if (running === null) {
      leave()
      return
    }
    deps.say(`${reason}: finishing what is in flight, at most ${Math.ceil(deadlineMs / 1000)} s`)
    const cancel = deps.after(deadlineMs, () => {
      deps.say('the time is up: closing now')
      close()
    })
    running.drain().then(
      () => {
        cancel()
        if (phase === 'draining') leave()
      },
      (error: unknown) => {
        cancel()
        fatal('drain', error)
      },
    )
  }

  function close(): void {
    if (phase !== 'draining') return
    phase = 'closing'
    deps.after(closeMs, leave)
    running?.closeNow().then(leave, leave)
  }

  function leave(): void {
    if (phase === 'gone') return
    phase = 'gone'
    deps.exit(exitCode)
  }

  return { attach, signal, bug, fatal }
}
