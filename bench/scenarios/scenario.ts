// What a scenario is given.

import type { Contestant } from '../contestants.ts'
import type { OpenPlace } from '../lib/place.ts'
import type { Results } from '../lib/results.ts'
import { openSession, type Session } from '../lib/session.ts'

export interface Run {
  readonly place: OpenPlace
  readonly contestants: readonly Contestant[]
  readonly results: Results
  readonly rounds: number
  /** Of load per contestant and round. */
  readonly seconds: number
  /** For which memory is watched while a client crawls. */
  readonly watchSeconds: number
  /** Size of one bulk transfer, bytes. */
  readonly bulkBytes: number
  /** Of idle TLS connections or WebSockets. */
  readonly heldConnections: number
  readonly say: (line: string) => void
}

export type Scenario = (run: Run) => Promise<void>

/** Starts all, does the work, ends all, whatever happens. */
export async function withSessions(
  run: Run,
  contestants: readonly Contestant[],
  work: (sessions: readonly Session[]) => Promise<void>,
): Promise<void> {
  const sessions: Session[] = []
  try {
    for (const contestant of contestants) sessions.push(await openSession(contestant, run.place))
    await work(sessions)
  } finally {
    await Promise.all(sessions.map((session) => session.close()))
  }
}

/** Every round begins with another contestant, so that nobody always comes first. */
export function rotated<Item>(items: readonly Item[], round: number): readonly Item[] {
  const from = items.length === 0 ? 0 : round % items.length
  return [...items.slice(from), ...items.slice(0, from)]
}

export const megabyte = 1_000_000
