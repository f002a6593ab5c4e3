// Guessing costs time: growing delays per account and per network, and a rest for networks that go on.

/** What is being tried. Each kind counts for itself per account; a network counts all kinds together. */
export type AttemptKind =
  | 'password'
  | 'second-factor'
  | 'recovery-code'
  | 'passkey'
  | 'provider'
  | 'approval'

/** Who is trying. */
export interface Attempt {
  /** The account that is meant, in one spelling, known or not; absent: nobody yet. Never slows a passkey. */
  readonly user?: string
  readonly network: string
}

export type ThrottleAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly retryAfterMs: number; readonly banned: boolean }

export interface Throttle {
  /**
   * May this be tried now? When it may, it counts as failed until `succeeded` or `undone` says otherwise: of many that
   * come at once, not all slip through before the first has failed.
   */
  check(kind: AttemptKind, who: Attempt): ThrottleAnswer
  /** It was wrong. The count stands, and may be one too many for the network. */
  failed(kind: AttemptKind, who: Attempt): void
  /** It was right: the account's count of this kind begins anew, the network's goes back by this one. */
  succeeded(kind: AttemptKind, who: Attempt): void
  /** It came to nothing, by no fault of whoever tried: as if it had not been. */
  undone(kind: AttemptKind, who: Attempt): void
  /** Networks that are banned now, and for how much longer. */
  bans(): readonly { readonly network: string; readonly remainingMs: number }[]
  /** Lets a banned network try again, as if it had never failed. @returns false: it was not banned. */
  lift(network: string): boolean
  readonly size: number
}

export interface ThrottleDeps {
  /** A clock that nobody sets, milliseconds. */
  readonly steady: () => number
  /** A network that signed in lately counts for itself: a stranger's guesses do not hold up whoever is at home. */
  readonly isKnown: (network: string) => boolean
  /** A network was banned. */
  readonly onBan: (network: string, forMs: number) => void
}

const hourMs = 3_600_000
/** Delays begin after so many failures and double from 1 s on. */
const account = { free: 3, maxDelayMs: 900_000, forgetMs: 24 * hourMs } as const
const network = { free: 10, maxDelayMs: 30_000, forgetMs: hourMs } as const
/** Failures of a network within an hour until it is banned, and for how long. */
const banAfter = 20
const banMs = 900_000
/** Accounts and networks remembered, each: about 150 bytes. */
const maxEntries = 10_000
/** Entries that are being held up are passed over when room is made; so many at most. */
const maxPassedOver = 8

interface Count {
  failures: number
  /** When the last attempt began; a network: when the first did. */
  at: number
  /** Not before. */
  until: number
  banned: boolean
}

export function createThrottle(deps: ThrottleDeps): Throttle {
  const accounts = new Map<string, Count>()
  const networks = new Map<string, Count>()

  function accountKey(kind: AttemptKind, who: Attempt): string | null {
    if (who.user === undefined || kind === 'passkey') return null
    return `${kind} ${who.user} ${deps.isKnown(who.network) ? who.network : ''}`
  }

  function check(kind: AttemptKind, who: Attempt): ThrottleAnswer {
    const now = deps.steady()
    const key = accountKey(kind, who)
    const of = fresh(networks.get(who.network), now, network.forgetMs)
    const own = key === null ? null : fresh(accounts.get(key), now, account.forgetMs)
    // A passkey cannot be guessed: only a ban stops it.
    const networkUntil = kind === 'passkey' && !of.banned ? 0 : of.until
    const until = Math.max(networkUntil, own?.until ?? 0)
    if (until > now) return { ok: false, retryAfterMs: until - now, banned: of.banned }
    charge(networks, who.network, of, now, network)
    if (key !== null && own !== null) charge(accounts, key, { ...own, at: now }, now, account)
    return { ok: true }
  }

  function charge(
    counts: Map<string, Count>,
    key: string,
    count: Count,
    now: number,
    limit: { readonly free: number; readonly maxDelayMs: number },
  ): void {
    const failures = count.failures + 1
    if (!counts.has(key) && counts.size >= maxEntries) forgetOne(counts, now)
    counts.set(key, { ...count, failures, until: now + delayMs(failures, limit), banned: false })
  }

  function failed(_kind: AttemptKind, who: Attempt): void {
    const now = deps.steady()
    const count = networks.get(who.network)
    if (count === undefined || count.banned || count.failures < banAfter) return
    count.banned = true
    count.until = now + banMs
    deps.onBan(who.network, banMs)
  }

  function succeeded(kind: AttemptKind, who: Attempt): void {
    const key = accountKey(kind, who)
    if (key !== null) accounts.delete(key)
    takeBack(networks, who.network, network)
  }

  function undone(kind: AttemptKind, who: Attempt): void {
    const key = accountKey(kind, who)
    if (key !== null) takeBack(accounts, key, account)
    takeBack(networks, who.network, network)
  }

  function bans(): readonly { network: string; remainingMs: number }[] {
    const now = deps.steady()
    return [...networks].flatMap(([of, { banned, until }]) =>
      banned && until > now ? [{ network: of, remainingMs: until - now }] : [],
    )
  }

  function lift(of: string): boolean {
    const count = networks.get(of)
    if (count === undefined || !count.banned || count.until <= deps.steady()) return false
    return networks.delete(of)
  }

  return {
    check,
    failed,
    succeeded,
    undone,
    bans,
    lift,
    get size() {
      return accounts.size + networks.size
    },
  }
}

/** The count, or a new one when there is none or it is too old to matter. A ban that is over leaves nothing behind. */
function fresh(count: Count | undefined, now: number, forgetMs: number): Count {
  const over =
    count === undefined || now - count.at > forgetMs || (count.banned && count.until <= now)
  return over ? { failures: 0, at: now, until: 0, banned: false } : count
}

function delayMs(failures: number, limit: { readonly free: number; readonly maxDelayMs: number }) {
  if (failures < limit.free) return 0
  return Math.min(limit.maxDelayMs, 1000 * 2 ** Math.min(failures - limit.free, 30))
}

function takeBack(counts: Map<string, Count>, key: string, limit: { readonly free: number }): void {
  const count = counts.get(key)
  if (count === undefined || count.banned) return
  count.failures -= 1
  if (count.failures < limit.free) count.until = 0
  if (count.failures <= 0) counts.delete(key)
}

/** In order of first sight. Whoever is being held up goes to the end, or a flood of new names would wash him clean. */
function forgetOne(counts: Map<string, Count>, now: number): void {
  let passedOver = 0
  for (const [key, count] of counts) {
    counts.delete(key)
    if (count.until <= now || passedOver === maxPassedOver) return
    passedOver += 1
    counts.set(key, count)
  }
}
