// What one machine's life leaves on disk: what was meant to happen, what happened, how long it ran.

import { open, rename } from 'node:fs/promises'
import type { EventLog } from '../log.ts'
import { replaceFile } from '../replace-file.ts'
import { readJournal, writeJournal } from './journal-text.ts'
import type { CloudFault } from './provider.ts'
import type { WakeReason } from './vm-state.ts'

/** What is meant to become of the machine. A process that starts goes on from here. Wall clock, milliseconds. */
export type Intent =
  | { readonly kind: 'asleep' }
  /** Wanted, and not seen running yet. */
  | {
      readonly kind: 'starting'
      readonly by: WakeReason
      readonly at: number
      /** The same call again, should it be made again. */
      readonly token: string | null
      /** The last try failed; nothing is tried before `until`. */
      readonly rest: {
        readonly fault: CloudFault
        readonly until: number
        readonly attempts: number
      } | null
    }
  /** `by: null`: found running. */
  | { readonly kind: 'awake'; readonly by: WakeReason | null; readonly at: number }
  | {
      readonly kind: 'stopping'
      readonly reason: string
      readonly at: number
      readonly thenBy: WakeReason | null
    }

/** One time awake, from the wish to seen stopped. */
export interface StartRecord {
  /** `null`: found running. */
  readonly by: WakeReason | null
  /** Wall clock. */
  readonly wantedAt: number
  /** From `wantedAt` until the cloud accepted, until it ran, until a port answered; `null`: not (yet). */
  readonly acceptedMs: number | null
  readonly runningMs: number | null
  readonly readyMs: number | null
  /** Tries it took. */
  readonly attempts: number
  /** Of the last try that failed; `null`: none did. */
  readonly fault: CloudFault | null
  /** Why it was put to sleep; `null`: it was not. */
  readonly stopReason: string | null
  /** From the first stop call until seen stopped. */
  readonly stopMs: number | null
  /** Wall clock, seen stopped or given up; `null`: under way. */
  readonly endedAt: number | null
  /** How long it ran, as it is billed. */
  readonly awakeMs: number
  /** In `currency`; `null`: the table has no price. */
  readonly cost: number | null
  readonly currency: string | null
}

export interface JournalData {
  readonly intent: Intent
  /** Oldest first, at most 200. */
  readonly history: readonly StartRecord[]
  /** By calendar month (`2026-11`), at most 24. */
  readonly minutes: Readonly<Record<string, number>>
  /** Wall clock up to which `minutes` are counted while it runs; `null`: it did not run. */
  readonly countedAt: number | null
}

export interface Journal {
  /** What an earlier process left; a file that cannot be understood is set aside, reported and empty. Never rejects. */
  load(): Promise<JournalData>
  /** Resolves when this, or something later, is on disk, or cannot be: then with false. Never rejects. */
  write(data: JournalData): Promise<boolean>
}

export interface JournalDeps {
  /** `<data>/vms/<id>.json`; its folder is made when it is first written. Mode 0600. */
  readonly file: string
  readonly log: Pick<EventLog, 'warn' | 'error'>
}

/** More than 200 records and 24 months take. */
const maxBytes = 1024 * 1024

/**
 * A journal in one file. A file that cannot be understood is kept beside it as `….damaged` (the last one of them).
 * Writes do not overtake each other; of those that wait only the newest is written.
 */
export function createJournal({ file, log }: JournalDeps): Journal {
  let waiting: {
    readonly data: JournalData
    readonly done: ((written: boolean) => void)[]
  } | null = null
  let writing = false
  let failing = false

  async function work(): Promise<void> {
    writing = true
    for (let job = waiting; job !== null; job = waiting) {
      waiting = null
      const written = await attempt(job.data)
      for (const done of job.done) done(written)
    }
    writing = false
  }

  async function attempt(data: JournalData): Promise<boolean> {
    try {
      await replaceFile(file, writeJournal(data))
      if (failing) log.warn('journal-recovered', { file })
      failing = false
      return true
    } catch (error) {
      // Once while it lasts: a full disk would otherwise be made fuller by saying so.
      if (!failing) log.error('journal-failed', { file, error: messageOf(error) })
      failing = true
      return false
    }
  }

  return {
    async load() {
      let text: string
      try {
        text = await readBounded(file)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return empty
        log.error('journal-unreadable', { file, error: messageOf(error) })
        return empty
      }
      try {
        return readJournal(text)
      } catch (error) {
        const aside = `${file}.damaged`
        await rename(file, aside).catch(() => {})
        log.error('journal-damaged', { file, aside, error: messageOf(error) })
        return empty
      }
    },
    write(data) {
      return new Promise((resolve) => {
        waiting = { data, done: [...(waiting?.done ?? []), resolve] }
        if (!writing) void work()
      })
    },
  }
}

const empty: JournalData = { intent: { kind: 'asleep' }, history: [], minutes: {}, countedAt: null }

async function readBounded(file: string): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    if (size > maxBytes) return ''
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
