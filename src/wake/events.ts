// What the stream of a waiting page says (server-sent events, WHATWG HTML §9.2): each frame is the whole state, so nothing need be repeated.

import type { StreamAnswer } from '../app.ts'
import { type WaitingStatus, waitingWords } from '../pages/waiting-words.ts'
import type { Machine } from './machine.ts'

/** Between two heartbeats, milliseconds: proxies cut streams that are silent for a minute or so. */
export const heartbeatMs = 15_000
/** A comment: the browser drops it. */
export const heartbeatFrame = ': still here\n\n'
/** The first thing in a stream: reconnect two seconds after it broke. */
export const openingFrame = 'retry: 2000\n\n'

/** Why a wish was refused, last time. */
export type Refusal = 'budget' | 'too-many-starts'

export interface StatusFacts {
  /** Whose service is waited for. */
  readonly port: number
  /** Of the last wish; `null`: it was granted. Said only while the machine sleeps. */
  readonly refusal: Refusal | null
}

/** What can be said of a machine to somebody who waits for a port of it. */
export function waitingStatus(machine: Machine, facts: StatusFacts): WaitingStatus {
  if (machine.isReady(facts.port)) return { kind: 'ready' }
  const { state } = machine
  switch (state.kind) {
    case 'gone':
      return { kind: 'gone' }
    case 'asleep':
      return facts.refusal === null ? { kind: 'asleep' } : { kind: 'refused', why: facts.refusal }
    case 'draining':
      return { kind: 'falling-asleep' }
    case 'stopping':
      return state.thenStart ? waking(machine, facts.port) : { kind: 'falling-asleep' }
    case 'unknown':
      return state.wanted === null ? { kind: 'looking' } : waking(machine, facts.port)
    case 'resting': {
      const { provider, timeZone } = machine.definition.power
      return {
        kind: 'resting',
        fault: state.fault,
        cloud: provider.kind === 'oci' ? 'Oracle' : null,
        retryAt: machine.eta(facts.port).retryAt,
        timeZone,
      }
    }
    case 'starting':
    case 'booting':
    case 'awake':
      return waking(machine, facts.port)
    default:
      return state satisfies never
  }
}

/** One event with the state and the words for it, for the script of the page. */
export function statusFrame(status: WaitingStatus, service: string): string {
  const { kind } = status
  const times =
    kind === 'waking'
      ? { elapsedMs: Math.round(status.elapsedMs), expectedMs: status.expectedMs }
      : {}
  // JSON has no line breaks outside of strings and none inside them: the frame cannot be broken.
  return `event: status\ndata: ${JSON.stringify({ kind, ...times, ...waitingWords(status, service) })}\n\n`
}

export interface Followed {
  readonly machine: Machine
  readonly port: number
  /** Display name of the route. */
  readonly service: string
  readonly refusal: () => Refusal | null
}

export interface FollowDeps {
  /** Takes whole frames. */
  readonly send: (frames: string) => void
  readonly after: (ms: number, run: () => void) => () => void
}

/** The stream as an answer. */
export function machineStream(followed: Followed, deps: Pick<FollowDeps, 'after'>): StreamAnswer {
  return {
    // Proxies such as nginx collect what they forward, unless told not to.
    headers: [
      'content-type',
      'text/event-stream; charset=utf-8',
      'cache-control',
      'no-store',
      'x-accel-buffering',
      'no',
    ],
    open: (sink) => followMachine(followed, { send: (text) => sink.send(text), after: deps.after }),
  }
}

/** Sends the state now and whenever it changes, and heartbeats between. Returns how to end that. */
export function followMachine(followed: Followed, deps: FollowDeps): () => void {
  const { machine, port, service, refusal } = followed
  let last = ''
  let over = false

  /** What was said before is not said again, but for how long it takes. */
  function say(before: string): void {
    const status = waitingStatus(machine, { port, refusal: refusal() })
    const same = JSON.stringify({ ...status, elapsedMs: 0 })
    if (same === last) return
    last = same
    deps.send(before + statusFrame(status, service))
  }

  function beat(): void {
    if (over) return
    deps.send(heartbeatFrame)
    cancel = deps.after(heartbeatMs, beat)
  }

  const unsubscribe = machine.subscribe(() => {
    if (!over) say('')
  })
  let cancel = deps.after(heartbeatMs, beat)
  say(openingFrame)
  return () => {
    over = true
    unsubscribe()
    cancel()
  }
}

function waking(machine: Machine, port: number): WaitingStatus {
  const { step, elapsedMs, expectedMs } = machine.eta(port)
  // Between a state and its step there may be a moment; nobody need see it.
  return { kind: 'waking', step: step === 'resting' ? 'asking' : step, elapsedMs, expectedMs }
}
