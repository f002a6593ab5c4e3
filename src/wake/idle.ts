// Since when has nobody used a machine? What counts as use, and what is only a tab that somebody forgot. Hot path.

import type { CountsAsUse, Passing, UseKind } from '../gate.ts'
import type { RequestId, SessionRef, VmId } from '../model.ts'

/** Something under way to a machine, as it is at this moment. All times steady, milliseconds; bytes since its start. */
export interface FlightUse {
  readonly id: RequestId
  readonly vm: VmId
  readonly kind: UseKind
  /** As in `Passing`. */
  readonly session: SessionRef | null
  readonly counts: CountsAsUse
  readonly webSocket: boolean
  /** Its answer never ends by itself: `text/event-stream`. */
  readonly stream: boolean
  readonly bytesFromClient: number
  readonly bytesToClient: number
  /** When a byte last passed, in either direction. */
  readonly lastByteAt: number
}

/** What a machine's table says about counting. */
export interface UseRules {
  /** Bytes a minute, over five minutes; less is heartbeats. */
  readonly webSocketFloorBytes: number
  readonly streamsCount: boolean
}

/**
 * Who uses which machine. `session: null` is a stranger: unless the route says `always`, strangers keep nothing awake, however
 * many pages a crawler opens.
 */
export interface Use {
  /** A request goes on. Hot: no promise, no allocation but for a session's first page; nothing of `passing` is kept. */
  passes(vm: VmId, passing: Passing): void
  /**
   * An exchange is over.
   *
   * @param bytes of both directions; 0 for WebSockets and streams, which `observe` has judged.
   */
  ended(vm: VmId, passing: Passing, bytes: number): void
  /** Looks at everything under way; every five seconds. What is not named any more is over. */
  observe(flights: readonly FlightUse[]): void
  /** Milliseconds since it was last used; Infinity: never, as far as this process knows. */
  idleFor(vm: VmId): number
  /** What an earlier process knew: it was used so many milliseconds ago. */
  restore(vm: VmId, idleMs: number): void
}

export interface UseDeps {
  /** Milliseconds since some moment, whatever happens to the wall clock. A coarse one will do. */
  readonly steady: () => number
  /** `null`: no machine that sleeps. */
  readonly rules: (vm: VmId) => UseRules | null
}

const minuteMs = 60_000
/** Scripts of a page count for so long after its person last did something: beyond it they are a poll nobody looks at. */
export const scriptsCountMs = 10 * minuteMs
/** The time over which bytes are counted. */
export const windowMs = 5 * minuteMs
/**
 * What scripts of one session move within the window when somebody looks at pictures or a film in pieces, in an application
 * that never opens a new page. Polls of a forgotten tab move a hundredth of that.
 */
const busyTabBytes = 5_000_000
/** What one transfer that does not count by itself moves within the window when it is no long poll. */
const transferBytes = 65_536
/** Sessions of people; more than these are made up. */
const maxSessions = 2_000

/** Fields, not an object per request: what is written here in place costs no memory. */
class VmUse {
  lastAt = Number.NEGATIVE_INFINITY
  readonly sessions = new Map<SessionRef, SessionUse>()
}

class SessionUse {
  /** Its person last opened or changed something. */
  actedAt = Number.NEGATIVE_INFINITY
  periodAt = Number.NEGATIVE_INFINITY
  bytes = 0
  bytesBefore = 0
}

/** Bytes of one flight, minute by minute, oldest first. */
class Track {
  seenIn: number
  readonly marks: { readonly at: number; readonly bytes: number }[]

  constructor(seenIn: number, at: number, bytes: number) {
    this.seenIn = seenIn
    this.marks = [{ at, bytes }]
  }
}

export function createUse(deps: UseDeps): Use {
  const { steady, rules } = deps
  const uses = new Map<VmId, VmUse>()
  const tracks = new Map<RequestId, Track>()
  let round = 0
  let tidyAt = 0

  function useOf(vm: VmId): VmUse {
    let use = uses.get(vm)
    if (use === undefined) {
      use = new VmUse()
      uses.set(vm, use)
    }
    return use
  }

  function sessionOf(use: VmUse, ref: SessionRef): SessionUse {
    let session = use.sessions.get(ref)
    if (session === undefined) {
      if (use.sessions.size >= maxSessions) {
        for (const oldest of use.sessions.keys()) {
          use.sessions.delete(oldest)
          break
        }
      }
      session = new SessionUse()
      use.sessions.set(ref, session)
    }
    return session
  }

  function passes(vm: VmId, passing: Passing): void {
    const { counts, session, kind } = passing
    if (counts === 'never') return
    const use = useOf(vm)
    const at = steady()
    if (counts === 'always') use.lastAt = at
    if (session === null) return
    if (kind === 'navigation' || kind === 'change') {
      sessionOf(use, session).actedAt = at
      use.lastAt = at
    } else if (kind === 'script' && isAttended(use, session, at)) use.lastAt = at
  }

  function ended(vm: VmId, passing: Passing, bytes: number): void {
    const { counts, session, kind } = passing
    if (counts === 'never') return
    const use = useOf(vm)
    const at = steady()
    if (counts === 'always') use.lastAt = at
    if (session === null) return
    if (kind === 'navigation' || kind === 'change') use.lastAt = at
    else if (kind === 'script') {
      if (isAttended(use, session, at)) use.lastAt = at
      if (bytes > 0 && isBusyTab(use, session, { at, bytes })) use.lastAt = at
    }
  }

  /** So much that somebody must be looking. */
  function isBusyTab(
    use: VmUse,
    ref: SessionRef,
    { at, bytes }: { readonly at: number; readonly bytes: number },
  ): boolean {
    const session = sessionOf(use, ref)
    const age = at - session.periodAt
    if (age >= windowMs) {
      session.bytesBefore = age < 2 * windowMs ? session.bytes : 0
      session.bytes = 0
      session.periodAt = at
    }
    session.bytes += bytes
    return session.bytes + session.bytesBefore >= busyTabBytes
  }

  function observe(flights: readonly FlightUse[]): void {
    round += 1
    const at = steady()
    for (const flight of flights) {
      const rule = rules(flight.vm)
      if (rule === null || flight.counts === 'never') continue
      const bytes = countedBytes(flight)
      let track = tracks.get(flight.id)
      if (track === undefined) {
        // What a short exchange has moved by now says nothing; a WebSocket's bytes are all of the same kind.
        track = new Track(round, at, flight.webSocket || flight.stream ? 0 : bytes)
        tracks.set(flight.id, track)
      }
      track.seenIn = round
      if (isUse(flight, rule, movedIn(track, at, bytes))) {
        const use = useOf(flight.vm)
        if (flight.lastByteAt > use.lastAt) use.lastAt = Math.min(flight.lastByteAt, at)
      }
    }
    for (const [id, track] of tracks) if (track.seenIn !== round) tracks.delete(id)
    tidy(at)
  }

  /** Forgets sessions that say nothing any more. */
  function tidy(at: number): void {
    if (at < tidyAt) return
    tidyAt = at + minuteMs
    for (const use of uses.values()) {
      for (const [ref, session] of use.sessions) {
        const last = Math.max(session.actedAt + scriptsCountMs, session.periodAt + 2 * windowMs)
        if (last < at) use.sessions.delete(ref)
      }
    }
  }

  return {
    passes,
    ended,
    observe,
    idleFor(vm) {
      const use = uses.get(vm)
      return use === undefined ? Number.POSITIVE_INFINITY : Math.max(0, steady() - use.lastAt)
    },
    restore(vm, idleMs) {
      const use = useOf(vm)
      use.lastAt = Math.max(use.lastAt, steady() - Math.max(0, idleMs))
    },
  }
}

function isAttended(use: VmUse, ref: SessionRef, at: number): boolean {
  const session = use.sessions.get(ref)
  return session !== undefined && at - session.actedAt <= scriptsCountMs
}

/** The bytes that tell whether anybody is there: of a WebSocket those of the client, of a stream those to it. */
function countedBytes(flight: FlightUse): number {
  if (flight.webSocket) return flight.bytesFromClient
  if (flight.stream) return flight.bytesToClient
  return flight.bytesFromClient + flight.bytesToClient
}

/** @param moved bytes within the window. */
function isUse(flight: FlightUse, rules: UseRules, moved: number): boolean {
  const { kind, webSocket, stream } = flight
  if (flight.counts === 'always') return true
  if (flight.session === null) return false
  const floor = rules.webSocketFloorBytes * (windowMs / minuteMs)
  if (webSocket) return moved >= floor
  // The answer to something that was sent may stream, as a chat's does: that is an answer, and ends.
  if (kind === 'navigation' || kind === 'change') return true
  if (stream) return rules.streamsCount && moved >= floor
  return moved >= transferBytes
}

/** Bytes within the last five minutes; of a longer time, as many as fall on five minutes of it. */
function movedIn(track: Track, at: number, bytes: number): number {
  const { marks } = track
  const newest = marks.at(-1)
  if (newest === undefined || at - newest.at >= minuteMs) marks.push({ at, bytes })
  // The first mark is the youngest that is at least five minutes old, or the beginning.
  for (let next = marks[1]; next !== undefined && at - next.at >= windowMs; next = marks[1]) {
    marks.shift()
  }
  const first = marks[0]
  if (first === undefined) return 0
  return ((bytes - first.bytes) * windowMs) / Math.max(windowMs, at - first.at)
}
