// The ports of one machine: which of them answer, and when they are asked.

import type { Probe, ProbeResult, ProbeTarget } from './readiness.ts'

export interface Ports {
  /** Again and again is fine. @param scheme `null`: as it is known; `http` for one that is not. */
  watch(port: number, scheme: 'http' | 'https' | null): void
  isReady(port: number): boolean
  /** A ready one refused a connection. @returns whether it was ready. */
  refused(port: number): boolean
  /** Whether asking makes sense. Switched off, nothing is ready any more. */
  probing(on: boolean): void
  /** Asks no more; what is ready stays so. */
  stop(): void
  /** Something of its system has answered, and its service has not. */
  readonly systemUp: boolean
  readonly size: number
  /** Ready ones, ascending. */
  readonly ready: readonly number[]
}

export interface PortsDeps {
  readonly probe: Probe
  readonly target: () => Pick<ProbeTarget, 'address' | 'readyPath'>
  readonly steady: () => number
  readonly after: (ms: number, run: () => void) => () => void
  /** After every change; `port` is the one that became ready, or `null`. */
  readonly changed: (port: number | null) => void
}

interface Watched {
  readonly port: number
  scheme: 'http' | 'https'
  ready: boolean
  /** In a row. */
  successes: number
  /** Questions since it was last ready, or since asking began. */
  asked: number
  /** Steady clock: when it stopped being ready, of the last ten minutes. */
  losses: number[]
  /** Not ready before that moment, steady clock. */
  coolUntil: number
  cancel: () => void
  /** Answers to older questions are of no interest. */
  round: number
}

/** The first questions come quickly, because a start is waited for; a service that stays away is asked less often. */
const firstMs = 250
const usualMs = 1_000
const rareMs = 5_000
const quickQuestions = 120
/** One answer may be a service that has come up and crashes at its first request. */
const successesNeeded = 2
const lossMemoryMs = 10 * 60_000
const coolMs = 5_000
const longestCoolMs = 60_000

export function createPorts(deps: PortsDeps): Ports {
  const ports = new Map<number, Watched>()
  let on = false
  let systemUp = false

  function ask(watched: Watched): void {
    watched.cancel()
    watched.cancel = () => {}
    watched.round += 1
    const { round, port, scheme } = watched
    watched.asked += 1
    void deps.probe({ ...deps.target(), port, scheme }).then((result) => {
      if (on && watched.round === round && !watched.ready) answered(watched, result)
    })
  }

  function answered(watched: Watched, result: ProbeResult): void {
    const wasUp = systemUp
    systemUp ||= result === 'refused' || result === 'failing' || result === 'ready'
    watched.successes = result === 'ready' ? watched.successes + 1 : 0
    const restMs = watched.coolUntil - deps.steady()
    if (watched.successes >= successesNeeded && restMs <= 0) {
      watched.ready = true
      deps.changed(watched.port)
      return
    }
    const pauseMs = watched.successes > 0 ? firstMs : pauseAfter(watched.asked)
    watched.cancel = deps.after(Math.max(pauseMs, Math.min(restMs, usualMs)), () => ask(watched))
    if (systemUp !== wasUp) deps.changed(null)
  }

  function restart(watched: Watched): void {
    watched.ready = false
    watched.successes = 0
    watched.asked = 0
    ask(watched)
  }

  return {
    watch(port, scheme) {
      const known = ports.get(port)
      if (known !== undefined) {
        known.scheme = scheme ?? known.scheme
        return
      }
      const watched: Watched = {
        port,
        scheme: scheme ?? 'http',
        ready: false,
        successes: 0,
        asked: 0,
        losses: [],
        coolUntil: 0,
        cancel: () => {},
        round: 0,
      }
      ports.set(port, watched)
      if (on) ask(watched)
    },
    isReady: (port) => ports.get(port)?.ready === true,
    refused(port) {
      const watched = ports.get(port)
      if (watched === undefined || !watched.ready) return false
      const now = deps.steady()
      watched.losses = [...watched.losses.filter((at) => now - at < lossMemoryMs), now]
      // A service that comes and goes is not shown to people each time that it comes.
      const again = watched.losses.length - 1
      const cool = again === 0 ? 0 : Math.min(longestCoolMs, coolMs * 2 ** (again - 1))
      watched.coolUntil = now + cool
      restart(watched)
      deps.changed(null)
      return true
    },
    probing(wanted) {
      if (wanted === on) return
      on = wanted
      systemUp = false
      for (const watched of ports.values()) {
        if (on) restart(watched)
        else {
          watched.cancel()
          watched.round += 1
          watched.ready = false
          // A machine that slept begins anew.
          watched.losses = []
          watched.coolUntil = 0
        }
      }
    },
    stop() {
      on = false
      for (const watched of ports.values()) {
        watched.cancel()
        watched.round += 1
      }
    },
    get systemUp() {
      return systemUp
    },
    get size() {
      return ports.size
    },
    get ready() {
      return [...ports.values()]
        .filter(({ ready }) => ready)
        .map(({ port }) => port)
        .sort((a, b) => a - b)
    },
  }
}

function pauseAfter(asked: number): number {
  if (asked >= quickQuestions) return rareMs
  return Math.min(usualMs, firstMs * 2 ** Math.floor(asked / 4))
}
