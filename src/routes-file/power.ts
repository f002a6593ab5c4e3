// `power:` of a VM: when it sleeps, what keeps it awake, how a start goes, what it may cost.

import type { VmCost, VmPower } from '../model-machines.ts'
import { nearest } from '../nearest.ts'
import { readAwake } from './awake.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import type { RawCost, RawPower } from './schema-vm.ts'
import { readSpan } from './span.ts'
import { readProvider } from './vm-provider.ts'

const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** What holds when the file says nothing. */
const builtIn = {
  idleMs: 30 * minuteMs,
  minimumAwakeMs: 10 * minuteMs,
  drainMs: 30 * secondMs,
  softStopMs: 5 * minuteMs,
  startTimeoutMs: 10 * minuteMs,
  // One every ten minutes, which is also how long it stays awake at least: more is a loop, not a person.
  startsPerHour: 6,
  // Cloudflare gives up after 100 s (524); the answer has to be on its way before.
  holdMs: 85 * secondMs,
  webSocketFloorBytes: 1000,
} as const

interface PowerContext {
  /** Something of it was left out: what is missing may have been there. */
  readonly damaged: boolean
  readonly reporter: Reporter
}

/** Reads the section; what is wrong is reported. `null`: nobody can start it. */
export function readPower(raw: RawPower, at: Path, context: PowerContext): VmPower | null {
  const { reporter } = context
  const provider = readProvider(raw, at, context)
  const span = (
    key: 'sleepAfter' | 'minimumAwake' | 'drain' | 'softStop' | 'startTimeout' | 'hold',
    otherwise: number,
    limits: readonly [least: number, most: number],
  ): number =>
    readSpan(raw[key], otherwise, {
      at: [...at, key],
      least: limits[0],
      most: limits[1],
      reporter,
    })
  const power = {
    idleMs: span('sleepAfter', builtIn.idleMs, [secondMs, 7 * dayMs]),
    minimumAwakeMs: span('minimumAwake', builtIn.minimumAwakeMs, [0, dayMs]),
    drainMs: span('drain', builtIn.drainMs, [0, hourMs]),
    softStopMs: span('softStop', builtIn.softStopMs, [secondMs, hourMs]),
    startTimeoutMs: span('startTimeout', builtIn.startTimeoutMs, [5 * secondMs, hourMs]),
    startsPerHour: raw.startsPerHour ?? builtIn.startsPerHour,
    holdMs: span('hold', builtIn.holdMs, [secondMs, builtIn.holdMs]),
    readyPath: readReadyPath(raw.readyPath, [...at, 'readyPath'], reporter),
    webSocketFloorBytes: raw.webSocketFloor ?? builtIn.webSocketFloorBytes,
    streamsCount: raw.streamsCount ?? true,
    foundRunning: raw.foundRunning ?? 'adopt',
    awake: readAwake(raw.awake, [...at, 'awake'], reporter),
    timeZone: readTimeZone(raw.timeZone, [...at, 'timeZone'], reporter),
    cost: raw.cost === undefined ? null : readCost(raw.cost, [...at, 'cost'], reporter),
    busySecret: raw.busy?.secret ?? null,
  }
  return provider === null ? null : { provider, ...power }
}

/** Origin form with a query, if it needs one (RFC 9112 §3.2.1). */
function readReadyPath(text: string | undefined, at: Path, reporter: Reporter): string | null {
  if (text === undefined) return null
  if (!/^\/[\x21\x22\x24-\x7e]{0,500}$/.test(text)) {
    reporter.error(at, {
      code: 'path-invalid',
      what: `${quote(text)} is no path`,
      remedy: 'write a path that begins with /, such as /health',
    })
  }
  return text
}

function readTimeZone(text: string | undefined, at: Path, reporter: Reporter): string {
  if (text === undefined) return new Intl.DateTimeFormat('en').resolvedOptions().timeZone
  const known = Intl.supportedValuesOf('timeZone')
  // Offsets are zones to Intl, but not to a calendar: summer time would be forgotten.
  if (/^[A-Za-z]/.test(text)) {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone
    } catch {
      // Reported below.
    }
  }
  const meant = nearest(text, known)
  reporter.error(at, {
    code: 'time-zone',
    what: `${quote(text)} is no time zone`,
    remedy:
      meant === null ? 'write a name such as Europe/Berlin, or UTC' : `did you mean ${meant}?`,
  })
  return 'UTC'
}

function readCost(raw: RawCost, at: Path, reporter: Reporter): VmCost {
  const currency = raw.currency ?? 'USD'
  if (!Intl.supportedValuesOf('currency').includes(currency)) {
    const upper = currency.toUpperCase()
    reporter.error([...at, 'currency'], {
      code: 'currency',
      what: `${quote(currency)} is no currency`,
      remedy: Intl.supportedValuesOf('currency').includes(upper)
        ? `write ${upper}`
        : 'write three letters, such as USD or EUR',
    })
  }
  if (raw.atBudget !== undefined && raw.budget === undefined) {
    reporter.warning([...at, 'atBudget'], {
      code: 'no-effect',
      what: 'has no effect: there is no budget',
      remedy: 'add budget, or remove this',
    })
  }
  if (raw.budget !== undefined && raw.perHour === 0) {
    reporter.warning([...at, 'budget'], {
      code: 'no-effect',
      what: 'has no effect: an hour costs nothing, so the budget is never used up',
      remedy: 'write what an hour costs in perHour, or remove budget',
    })
  }
  return {
    perHour: raw.perHour,
    currency,
    budget: raw.budget ?? null,
    // Whoever sets a budget wants it kept; and can still start the machine by hand.
    atBudget: raw.atBudget ?? 'manual',
  }
}
