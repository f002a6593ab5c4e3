// Looks again, on a schedule, whether linked accounts still have the right to enter; sessions of those that do not end.

import type { EventLog } from '../../log.ts'
import type { Audit } from '../audit.ts'
import type { LinkedAccount, UserStore } from '../people.ts'
import type { Sessions } from '../sessions.ts'
import type { Provider, Standing } from './provider.ts'
import { keyOfAccount, type Suspension } from './suspension.ts'

export interface Membership {
  /** Checks what is due. Never rejects. For tests; `start` calls it every second. */
  tick(): Promise<void>
  start(): void
  /** Breaks off what is under way. */
  stop(): Promise<void>
}

export interface MembershipDeps {
  readonly providers: readonly Provider[]
  /** Of the table, what says who may enter: plain data; looked at every second, so the same object while nothing changes. */
  readonly edition: () => unknown
  readonly users: Pick<UserStore, 'accounts' | 'account' | 'changeAccount'>
  readonly sessions: Pick<Sessions, 'list' | 'endAccount'>
  readonly suspension: Suspension
  readonly audit: Audit
  readonly log: EventLog
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** 0 to below 1: spreads the checks of people who signed in together. */
  readonly random: () => number
}

/** How long nobody may be able to tell before the sessions end, milliseconds. */
export const patienceMs = 24 * 60 * 60 * 1000
/** How often the list of accounts is read, milliseconds. */
const listMs = 60_000
const tickMs = 1_000
/** When to ask again after an answer that said nothing, milliseconds; doubles up to the ordinary time. */
const firstRetryMs = 60_000
/** Accounts at a time. */
const maxAtOnce = 4
/** After an edit whoever is not in the lists any more must not wait behind others whose answers are slow. */
const maxAtOnceAfterEdit = 64

interface Watched {
  /** When to ask. */
  dueAt: number
  /** Answers in a row that said nothing. */
  failures: number
  /** The round it is being asked in; `null`: it is not. */
  round: AbortController | null
  /** What was said last; `null`: nothing yet. Only changes are logged. */
  last: Standing['verdict'] | null
}

export function createMembership(deps: MembershipDeps): Membership {
  const { providers, users, sessions, suspension, audit, log, now } = deps
  const watched = new Map<string, Watched>()
  const edition = createEdition(deps.edition)
  let listAt = 0
  let looking: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  /** Aborted when an edit of the table makes what is being asked pointless, and at the end. */
  let round = new AbortController()
  let stopped = false
  let unseenEdit = false
  const asking = new Set<Promise<void>>()

  /** Between nine and eleven tenths. */
  const spread = (ms: number) => ms * (0.9 + 0.2 * deps.random())

  async function look(): Promise<void> {
    const at = now()
    unseenEdit = edition.hasChanged() || unseenEdit
    const changed = unseenEdit
    // A clock that was set back must not silence this for as long.
    if (!changed && at < listAt && listAt - at <= listMs) return
    if (changed) {
      // What is being asked may be pointless now.
      round.abort()
      round = new AbortController()
    }
    listAt = at + listMs
    // Sessions first: of an account that is linked while we read, the session is not known yet, and is left alone.
    const held = new Set(sessions.list().flatMap(({ record }) => record.account ?? []))
    const due: (() => Promise<void>)[] = []
    const present = new Set<string>()
    for (const provider of providers) {
      for (const account of await users.accounts(provider.name)) {
        const key = keyOfAccount(account)
        present.add(key)
        const state = watched.get(key) ?? newlyWatched(at)
        watched.set(key, state)
        if (changed) state.dueAt = at
        else if (state.round !== null) continue
        else if (state.dueAt > at && state.dueAt - at <= longest(provider)) continue
        state.round = round
        due.push(() => check(account, provider, state))
      }
    }
    // Only now: when the store could not be read, the next look sees to it.
    unseenEdit = false
    for (const key of watched.keys()) if (!present.has(key)) watched.delete(key)
    for (const key of held) if (!present.has(key)) await endSessions(key, 'account-unlinked', null)
    // Not waited for: while a provider hangs, an edit of the table is looked at all the same.
    const asked = inParallel(due, changed ? maxAtOnceAfterEdit : maxAtOnce)
    asking.add(asked)
    void asked.finally(() => asking.delete(asked))
  }

  async function check(account: LinkedAccount, provider: Provider, state: Watched): Promise<void> {
    const mine = state.round
    // Another round has taken it over, or all is over.
    if (mine === null || mine !== round || mine.signal.aborted) return
    try {
      const standing = await provider.stillAllowed(account, mine.signal)
      if (mine.signal.aborted) return
      await apply(account, standing, state)
      const every = provider.offer()?.recheckMs ?? listMs
      state.failures = standing.verdict === 'unknown' ? state.failures + 1 : 0
      const soon = firstRetryMs * 2 ** Math.min(state.failures - 1, 10)
      state.dueAt = now() + spread(state.failures === 0 ? every : Math.min(every, soon))
    } catch (error) {
      // The store: sessions in memory go on, and the next look tries again.
      log.warn('membership-check-failed', { account: keyOfAccount(account), code: codeOf(error) })
      state.dueAt = now() + firstRetryMs
    } finally {
      if (state.round === mine) state.round = null
    }
  }

  async function apply(account: LinkedAccount, standing: Standing, state: Watched): Promise<void> {
    const key = keyOfAccount(account)
    const { verdict, reason, login } = standing
    const isNews = state.last !== verdict
    state.last = verdict
    switch (verdict) {
      case 'yes': {
        const change = { checkedAt: now(), ...(login !== null && { login }) }
        await users.changeAccount(account.provider, account.subject, change)
        await suspension.restore(account)
        return
      }
      case 'no': {
        await endSessions(key, reason, account)
        if (isNews) log.info('membership-ended', { account: key, user: account.user, reason })
        if (standing.left) await suspension.suspend(account)
        return
      }
      case 'unknown': {
        if (isNews) log.warn('membership-unknown', { account: key, user: account.user, reason })
        // Read again: somebody may have signed in, and so been checked, while this was asked.
        const { checkedAt } = (await users.account(account.provider, account.subject)) ?? account
        if (now() - checkedAt >= patienceMs) await endSessions(key, 'unknown-for-too-long', account)
        return
      }
      default:
        throw new TypeError('unknown verdict', { cause: verdict satisfies never })
    }
  }

  async function endSessions(
    key: string,
    reason: string,
    account: LinkedAccount | null,
  ): Promise<void> {
    const ended = await sessions.endAccount(key, reason)
    if (ended === 0) return
    audit.write({
      at: now(),
      event: 'membership-ended',
      actor: 'gateway',
      user: account?.user ?? null,
      client: null,
      request: null,
      details: { account: key, reason, sessions: ended },
    })
  }

  async function tick(): Promise<void> {
    if (stopped) return
    looking ??= look()
      .catch((error: unknown) => {
        log.warn('membership-check-failed', { account: null, code: codeOf(error) })
      })
      .finally(() => {
        looking = null
      })
    await looking
    await Promise.all(asking)
  }

  return {
    tick,
    start() {
      timer ??= setInterval(() => void tick(), tickMs).unref()
    },
    async stop() {
      stopped = true
      if (timer !== null) clearInterval(timer)
      timer = null
      round.abort()
      await looking
      await Promise.all(asking)
    },
  }
}

/** Tables are read anew at every edit of the file: what counts is whether something else is in them. */
function createEdition(read: () => unknown): { hasChanged(): boolean } {
  let last: unknown
  let text = ''
  return {
    hasChanged() {
      const value = read()
      if (value === last) return false
      last = value
      const before = text
      text = JSON.stringify(value)
      return text !== before
    },
  }
}

function newlyWatched(at: number): Watched {
  return { dueAt: at, failures: 0, round: null, last: null }
}

/** No check is due later than this; a clock that was set back would say otherwise. */
function longest(provider: Provider): number {
  return 2 * Math.max(provider.offer()?.recheckMs ?? 0, listMs)
}

async function inParallel(tasks: readonly (() => Promise<void>)[], most: number): Promise<void> {
  const queue = tasks.values()
  async function worker(): Promise<void> {
    for (const task of queue) await task()
  }
  await Promise.all(Array.from({ length: most }, worker))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'internal-error'
}
