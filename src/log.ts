// The two logs: one line per request, one line per event. What writes them is log-file.ts.

import { type AccessEntry, accessLine, isoTime, jsonString } from './access-line.ts'
import type { LogLevel } from './errors.ts'
import { createLogFile, type LogFileOptions, type LogFileStats } from './log-file.ts'

export type { AccessEntry } from './access-line.ts'

/** Where access lines go. */
export type AccessLogTarget =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'off' }

/** What goes into an event beside its name. Never a secret, a cookie, a query string; never an object. */
export type EventFields = Readonly<Record<string, string | number | boolean | null>>

export interface EventLog {
  debug(event: string, fields?: EventFields): void
  info(event: string, fields?: EventFields): void
  warn(event: string, fields?: EventFields): void
  /** A person must act. A healthy day has none. */
  error(event: string, fields?: EventFields): void
}

export interface AccessLog {
  /** Never throws and never waits. A line for which there is no room is dropped and counted. */
  write(entry: AccessEntry): void
  /** Resolves when all lines so far are written, or cannot be. */
  flush(): Promise<void>
  /** Opens the file anew before the next line, after it was renamed from outside. */
  reopen(): void
  /** Flushes and ends; later lines are dropped. */
  close(): Promise<void>
  stats(): LogFileStats
}

export interface LogSettings {
  readonly log: AccessLogTarget
  /** Quietest event that is logged. */
  readonly logLevel: LogLevel
}

export interface LogDeps {
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Takes whole lines for standard error; never throws. */
  readonly writeError: (text: string) => void
}

/** Both logs as `serve` needs them: the state of the access log is an event. */
export function createLogs(
  settings: LogSettings,
  deps: LogDeps,
): { readonly access: AccessLog; readonly events: EventLog } {
  const events = createEventLog({ level: settings.logLevel }, deps)
  const { log } = settings
  if (log.kind === 'off') return { access: silent, events }
  const target = log.kind === 'file' ? log.path : standardOutput
  return { access: createAccessLog({ target }, { events }), events }
}

export function createAccessLog(
  options: LogFileOptions,
  deps: { readonly events: EventLog },
): AccessLog {
  const target = typeof options.target === 'string' ? options.target : 'standard output'
  const file = createLogFile(options, {
    report(change) {
      if (change.kind === 'failed') {
        const { code, detail } = change
        deps.events.error('access-log-failed', { target, code, detail })
      } else {
        deps.events.warn('access-log-recovered', { target, droppedLines: change.dropped })
      }
    },
  })
  return {
    write: (entry) => file.append(accessLine(entry)),
    flush: file.flush,
    reopen: file.reopen,
    close: file.close,
    stats: file.stats,
  }
}

/** One line of JSON per event: time, level, event, then the fields in the order given. */
export function createEventLog(options: { readonly level: LogLevel }, deps: LogDeps): EventLog {
  const least = levels.indexOf(options.level)

  function logger(level: LogLevel): EventLog[LogLevel] {
    if (levels.indexOf(level) < least) return () => {}
    return (event, fields = {}) => {
      let line = `{"time":"${isoTime(deps.now())}","level":"${level}","event":${jsonString(event)}`
      for (const name in fields) {
        line += `,${jsonString(name)}:${jsonValue(fields[name])}`
      }
      deps.writeError(`${line}}\n`)
    }
  }

  return {
    debug: logger('debug'),
    info: logger('info'),
    warn: logger('warn'),
    error: logger('error'),
  }
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
const standardOutput = 1
/** Room for a stack trace; longer text is cut. */
const maxFieldLength = 4096

const nothingLost: LogFileStats = {
  written: 0,
  dropped: 0,
  buffered: 0,
  failing: false,
  rotations: 0,
}
const silent: AccessLog = {
  write() {},
  flush: () => Promise.resolve(),
  reopen() {},
  close: () => Promise.resolve(),
  stats: () => nothingLost,
}

function jsonValue(value: string | number | boolean | null | undefined): string {
  if (typeof value === 'string') return jsonString(value, maxFieldLength)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  return value === true ? 'true' : value === false ? 'false' : 'null'
}
