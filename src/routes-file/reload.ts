// Keeps the running table up to date with routes.yaml: start, reload, watch. A bad file changes nothing.

import { codeOf } from '../caught.ts'
import { GatehouseError } from '../errors.ts'
import type { TableDefinition } from '../model.ts'
import { acceptedFileOf, forgetAccepted, isAccepted } from './accepted.ts'
import { type AccessChange, accessChanges, weakening } from './access-change.ts'
import { formatProblem, type Problem } from './problem.ts'
import type { ReadResult } from './read.ts'
import { readTableAside } from './read-aside.ts'
import { maxTableBytes, readRegularFile } from './read-file.ts'
import { checkResolved } from './resolved.ts'
import { readSnapshot, type Snapshot, textHash, writeSnapshot } from './snapshot.ts'
import { type FileWatch, watchFile } from './watch.ts'

type Fields = Readonly<Record<string, string | number | boolean | null>>
type LogEvent = (event: string, fields?: Fields) => void

export interface ReloaderDeps {
  /** routes.yaml; absolute. */
  readonly file: string
  /** Where the last good table is kept; absolute, in the data directory. */
  readonly snapshotFile: string
  /**
   * Puts a table in force, in one step. Called by `start` as well. When it throws (a secret is missing), the
   * table in force stays and the file counts as bad.
   */
  readonly apply: (definition: TableDefinition) => void
  readonly log: { readonly info: LogEvent; readonly warn: LogEvent; readonly error: LogEvent }
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Version of the program; part of the hash that tells whether the text is unchanged. */
  readonly edition: string
  /** Addresses of a host name. Default: names are not resolved at load, only when they are dialled. */
  readonly resolve?: (name: string) => Promise<readonly string[]>
  /** Default: in a thread of its own. */
  readonly read?: (text: string) => Promise<ReadResult>
  /** For `watch`; see `watchFile`. */
  readonly watchTimes?: { readonly debounceMs?: number; readonly pollMs?: number }
}

/** What became of a reload. */
export type ReloadOutcome =
  | { readonly kind: 'applied'; readonly changes: readonly AccessChange[] }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'failed'; readonly problems: readonly Problem[] }
  /** Good, but weaker, and `onWeakerAccess: hold`: the running table stays until the text is accepted. */
  | { readonly kind: 'held'; readonly changes: readonly AccessChange[] }

export interface ReloadCounters {
  /** Tables put in force, the one at start included. */
  readonly ok: number
  readonly failed: number
  readonly held: number
  /** Milliseconds since the epoch; `null`: never. */
  readonly lastOk: number | null
  readonly lastFailed: number | null
  /** Of the file as it was last read; empty when it is in force. */
  readonly problems: readonly Problem[]
  /** What the held text would weaken; empty when nothing is held. */
  readonly heldChanges: readonly AccessChange[]
}

export interface Reloader {
  /**
   * Puts the first table in force: of the file, or of the snapshot when the file is bad or held back.
   *
   * @throws GatehouseError `routes-invalid` or `routes-unreadable` when there is no snapshot either.
   */
  start(): Promise<TableDefinition>
  /** Reads the file again. Never rejects. Reloads run one after the other. */
  reload(reason: 'signal' | 'changed' | 'admin'): Promise<ReloadOutcome>
  /** Reloads whenever the file changes, until `close`. Resolves when the file is being watched. */
  watch(): Promise<void>
  close(): void
  counters(): ReloadCounters
}

/** How many problems are written to the log; `check` shows the others. */
const loggedProblems = 20

export function createReloader(deps: ReloaderDeps): Reloader {
  const { file, snapshotFile, apply, log, now, edition } = deps
  const read = deps.read ?? readTableAside
  let running: Snapshot | null = null
  let watching: FileWatch | null = null
  let queue: Promise<unknown> = Promise.resolve()
  let counters: ReloadCounters = {
    ok: 0,
    failed: 0,
    held: 0,
    lastOk: null,
    lastFailed: null,
    problems: [],
    heldChanges: [],
  }

  function start(): Promise<TableDefinition> {
    const first = begin()
    queue = first.catch(() => null)
    return first
  }

  async function begin(): Promise<TableDefinition> {
    const snapshot = await lastGood()
    const outcome = await take('start', snapshot)
    if (running !== null) return running.definition
    if (outcome.kind === 'failed' && snapshot === null) throw startFailure(file, outcome.problems)
    if (snapshot === null) throw new GatehouseError('routes-invalid', `${file} gave no table`)
    // The file is bad or held back. Old rules are better than none, and than a gateway that is down.
    apply(snapshot.definition)
    running = snapshot
    log.error('routes-last-good', {
      file,
      snapshot: snapshotFile,
      routes: snapshot.definition.routes.length,
      what: 'running with the last good table, not with the file',
    })
    return snapshot.definition
  }

  function reload(reason: 'signal' | 'changed' | 'admin'): Promise<ReloadOutcome> {
    // One that rejected would be the last: all later ones wait behind it.
    const next = queue
      .then(() => take(reason, running))
      .catch((error: unknown) => failed(reason, [notApplicable(error)]))
    queue = next
    return next
  }

  /** Reads the file, compares it with `current`, and puts it in force if nothing speaks against it. */
  async function take(reason: string, current: Snapshot | null): Promise<ReloadOutcome> {
    let text: string
    try {
      text = await readRegularFile(file, maxTableBytes)
    } catch (error) {
      return failed(reason, [unreadable(error)])
    }
    const hash = textHash(text, edition)
    if (current !== null && hash === current.textHash) return unchanged(reason, current)
    const { definition, problems } = await check(text)
    if (definition === null) return failed(reason, problems)
    const changes = current === null ? [] : accessChanges(current.definition, definition)
    const weaker = weakening(changes)
    const mode = stricter(current?.definition ?? definition, definition)
    if (weaker.length > 0 && mode === 'hold' && !(await isAccepted(snapshotFile, text))) {
      return held(reason, weaker)
    }
    try {
      apply(definition)
    } catch (error) {
      return failed(reason, [notApplicable(error)])
    }
    running = { definition, textHash: hash }
    await keep(running)
    if (current === null && mode === 'hold') {
      log.warn('routes-uncompared', { file, what: 'there was no earlier table to compare it with' })
    }
    for (const { kind, sentence } of changes) {
      const loud = mode !== 'apply' && (kind === 'weaker' || kind === 'gone')
      log[loud ? 'warn' : 'info']('routes-access', { kind, change: sentence })
    }
    applied(reason, { routes: definition.routes.length, warnings: problems.length })
    return { kind: 'applied', changes }
  }

  async function check(text: string): Promise<ReadResult> {
    const result = await read(text)
    if (result.definition === null || deps.resolve === undefined) return result
    const resolved = await checkResolved(result.definition, deps.resolve)
    const bad = resolved.some((p) => p.severity === 'error')
    return {
      definition: bad ? null : result.definition,
      problems: [...result.problems, ...resolved],
    }
  }

  function unchanged(reason: string, current: Snapshot): ReloadOutcome {
    if (running === null) {
      try {
        apply(current.definition)
      } catch (error) {
        return failed(reason, [notApplicable(error)])
      }
      running = current
      applied(reason, { routes: current.definition.routes.length, source: 'snapshot' })
      return { kind: 'applied', changes: [] }
    }
    if (counters.problems.length + counters.heldChanges.length > 0) {
      log.info('routes-restored', { file, what: 'the file is again the one in force' })
    }
    counters = { ...counters, problems: [], heldChanges: [] }
    return { kind: 'unchanged' }
  }

  function applied(reason: string, fields: Fields): void {
    const { ok } = counters
    counters = { ...counters, ok: ok + 1, lastOk: now(), problems: [], heldChanges: [] }
    log.info('routes-loaded', { reason, file, ...fields })
  }

  function failed(reason: string, problems: readonly Problem[]): ReloadOutcome {
    counters = { ...counters, failed: counters.failed + 1, lastFailed: now(), problems }
    const errors = problems.filter((p) => p.severity === 'error')
    log.error('routes-rejected', { reason, file, problems: errors.length })
    for (const problem of errors.slice(0, loggedProblems)) {
      log.error('routes-problem', { problem: formatProblem(file, problem) })
    }
    return { kind: 'failed', problems }
  }

  function held(reason: string, changes: readonly AccessChange[]): ReloadOutcome {
    counters = { ...counters, held: counters.held + 1, problems: [], heldChanges: changes }
    for (const { kind, sentence } of changes) log.warn('routes-access', { kind, change: sentence })
    log.error('routes-held', {
      reason,
      file,
      changes: changes.length,
      remedy: `undo the edit, or accept this very text: sha256sum ${file} > ${acceptedFileOf(snapshotFile)}; then reload`,
    })
    return { kind: 'held', changes }
  }

  /** A snapshot that cannot be written costs the next start some comfort, not this one its table. */
  async function keep(snapshot: Snapshot): Promise<void> {
    try {
      await writeSnapshot(snapshotFile, snapshot.definition, snapshot.textHash)
      await forgetAccepted(snapshotFile)
    } catch (error) {
      log.warn('routes-snapshot-failed', { file: snapshotFile, error: codeOf(error) })
    }
  }

  async function lastGood(): Promise<Snapshot | null> {
    try {
      return await readSnapshot(snapshotFile)
    } catch (error) {
      log.warn('routes-snapshot-damaged', { file: snapshotFile, error: codeOf(error) })
      return null
    }
  }

  return {
    start,
    reload,
    watch() {
      watching ??= watchFile(file, () => void reload('changed'), deps.watchTimes)
      return watching.ready
    },
    close() {
      watching?.close()
      watching = null
    },
    counters: () => counters,
  }
}

/** The running table's word counts too: the edit that weakens must not be the one that lifts the guard. */
function stricter(a: TableDefinition, b: TableDefinition): TableDefinition['onWeakerAccess'] {
  const either = (mode: string) => a.onWeakerAccess === mode || b.onWeakerAccess === mode
  if (either('hold')) return 'hold'
  return either('alert') ? 'alert' : 'apply'
}

function unreadable(error: unknown): Problem {
  if (error instanceof GatehouseError) {
    return fileProblem('unreadable', { what: error.message, remedy: error.remedy ?? 'replace it' })
  }
  return fileProblem('unreadable', {
    what: `cannot be read (${codeOf(error)})`,
    remedy: 'check path and permissions',
  })
}

function notApplicable(error: unknown): Problem {
  // Not ours: a bug, and still no reason to lose the table in force.
  if (!(error instanceof GatehouseError)) {
    const what = `cannot be put in force (${error instanceof Error ? error.message : 'unknown'})`
    return fileProblem('internal-error', { what, remedy: 'report this fault of Gatehouse' })
  }
  return fileProblem(error.code, {
    what: error.message,
    remedy: error.remedy ?? 'correct the route',
  })
}

function fileProblem(code: string, text: { what: string; remedy: string }): Problem {
  return { severity: 'error', code, line: 1, column: 1, where: '', ...text }
}

function startFailure(file: string, problems: readonly Problem[]): GatehouseError {
  const lines = problems.filter((p) => p.severity === 'error').map((p) => formatProblem(file, p))
  const code = problems[0]?.code === 'unreadable' ? 'routes-unreadable' : 'routes-invalid'
  const message = `there is no table to start with\n${lines.join('\n')}`
  return new GatehouseError(code, message, {
    remedy: 'correct the file; `gatehouse check` reads it',
  })
}
