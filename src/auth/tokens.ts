// Personal tokens in memory, as programs' requests find them; the store only keeps them over a restart.

import { randomBytes as systemRandomBytes } from 'node:crypto'
import { GatehouseError } from '../errors.ts'
import type { EventLog } from '../log.ts'
import type { Identity, SessionRef, UserId } from '../model.ts'
import { compilePathPatterns } from './path-pattern.ts'
import type { User } from './people.ts'
import { createRemovals } from './removals.ts'
import {
  isSecretAt,
  newSecret,
  type RandomBytes,
  randomText,
  secretHash,
  secretLength,
  tokenPrefix,
} from './secret-text.ts'
import { createStoreTrouble } from './store-trouble.ts'
import type { TokenRecord, TokenStore, TokenWake } from './token-store.ts'

/** A token with what it is good for made ready. */
export interface Token {
  /** `lastUsedAt` and `lastAddress` are brought up to date by `list`, `byId` and `flush`. Replaced on change. */
  readonly record: TokenRecord
  /** Replaced when the user changes. */
  readonly identity: Identity
  readonly ended: boolean
  readonly scope: TokenScope
  readonly activity: TokenActivity
}

/** `null`: all. */
export interface TokenScope {
  readonly hosts: ReadonlySet<string> | null
  readonly methods: ReadonlySet<string> | null
  readonly paths: ((path: string) => boolean) | null
}

export interface TokenActivity {
  /** Wall clock, milliseconds. */
  usedAt: number
  address: string
  /** Not in the store yet. */
  unsaved: boolean
}

export interface NewToken {
  readonly user: UserId
  readonly label: string
  /** Lower case. */
  readonly hosts: readonly string[] | null
  readonly methods: readonly string[] | null
  readonly paths: readonly string[] | null
  readonly wake: TokenWake | null
  readonly scopes: readonly string[]
  readonly expiresAt: number | null
}

export interface Tokens {
  /**
   * Reads the tokens from the store: at start, and after somebody else changed it; after the people were read.
   *
   * @throws GatehouseError `store-unavailable`: memory stays as it was.
   */
  load(): Promise<void>
  /** Whose token is this? One hash and one look-up. @returns `null`: nobody's, expired, or of a disabled user. */
  find(text: string, now: number): Token | null
  /** Not ended, not expired, and its user may sign in. */
  isUsable(token: Token, now: number): boolean
  used(token: Token, address: string, now: number): void
  /**
   * In the store first. `text` is the token itself, which nobody sees again.
   *
   * @throws GatehouseError `store-unavailable`, `too-many-tokens`.
   */
  create(input: NewToken): Promise<{ readonly record: TokenRecord; readonly text: string }>
  /** In memory at once, in the store as soon as it can. Never rejects. @returns how many there were. */
  remove(ids: readonly string[], reason: string): Promise<number>
  removeAll(reason: string): Promise<number>
  /** Newest first. */
  list(user?: UserId): readonly Token[]
  byId(id: string): Token | null
  /** Ends what has expired for what it has under way, and tries refused removals again. */
  sweep(): void
  /** Writes when tokens were last used, and what could not be removed before. Never rejects. */
  flush(): Promise<void>
  readonly size: number
}

export interface TokensDeps {
  readonly store: TokenStore
  /** People as memory has them. */
  readonly user: (id: UserId) => User | null
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes?: RandomBytes
  /** Tokens ended: what they have under way must end too. */
  readonly onEnded: (refs: readonly SessionRef[], reason: string) => void
  readonly log: EventLog
}

const tokenLength = tokenPrefix.length + secretLength
const maxPerUser = 100

/**
 * A token that is in no store yet, and its text, which nobody sees again.
 *
 * @param deps `had`: tokens that its user has already.
 * @throws GatehouseError `too-many-tokens`.
 */
export function makeToken(
  input: NewToken,
  deps: { readonly had: number; readonly now: number; readonly randomBytes: RandomBytes },
): { readonly record: TokenRecord; readonly text: string } {
  const { user, label, hosts, methods, paths, wake, scopes, expiresAt } = input
  if (deps.had >= maxPerUser) {
    throw new GatehouseError('too-many-tokens', `${user} has ${maxPerUser} tokens`, {
      remedy: 'revoke those that nobody uses',
    })
  }
  const text = tokenPrefix + newSecret(deps.randomBytes)
  const record: TokenRecord = {
    id: randomText(6, deps.randomBytes),
    hash: secretHash(text),
    ...{ user, label, hosts, methods, paths, wake, scopes },
    createdAt: Math.floor(deps.now),
    expiresAt,
    lastUsedAt: null,
    lastAddress: null,
  }
  return { record, text }
}

/** What a token's requests are counted and logged by. */
export function tokenRef(id: string): SessionRef {
  return `token:${id}` as SessionRef
}

/** The token's id of such a reference; `null`: it is another's. */
export function tokenIdOf(ref: SessionRef): string | null {
  return ref.startsWith('token:') ? ref.slice('token:'.length) : null
}

/** Is the token good for this request? Hosts, methods, paths and time; not the user, whom `find` has looked at. */
export function tokenCovers(
  { record, scope }: Token,
  request: { readonly host: string; readonly method: string; readonly path: string },
  now: number,
): boolean {
  const { hosts, methods, paths } = scope
  if (record.expiresAt !== null && now >= record.expiresAt) return false
  if (hosts !== null && !hosts.has(request.host)) return false
  if (methods !== null && !methods.has(request.method)) return false
  return paths === null || paths(request.path)
}

interface Live extends Token {
  record: TokenRecord
  identity: Identity
  ended: boolean
  /** Whom `identity` was made of. */
  user: User | null
  readonly order: number
}

export function createTokens(deps: TokensDeps): Tokens {
  const { store, log, randomBytes = systemRandomBytes } = deps
  const byHash = new Map<string, Live>()
  const byId = new Map<string, Live>()
  const removals = createRemovals<string>({
    remove: (ids) => store.remove(ids),
    now: deps.now,
    trouble: createStoreTrouble(log, 'token-removal'),
  })
  const trouble = createStoreTrouble(log, 'token-used')
  let arrivals = 0
  let loading: Promise<void> = Promise.resolve()
  let sweptAt = deps.now()

  function find(text: string, now: number): Token | null {
    if (text.length !== tokenLength || !text.startsWith(tokenPrefix)) return null
    if (!isSecretAt(text, tokenPrefix.length)) return null
    const token = byHash.get(secretHash(text))
    return token !== undefined && isUsable(token, now) ? token : null
  }

  function isUsable(token: Token, now: number): boolean {
    const { record, ended } = token
    if (ended || (record.expiresAt !== null && now >= record.expiresAt)) return false
    const user = deps.user(record.user)
    if (user === null || user.disabled) return false
    const live = byId.get(record.id)
    if (live !== token) return false
    if (live.user !== user) {
      live.user = user
      live.identity = identityOf(record, user)
    }
    return true
  }

  function used({ activity }: Token, address: string, now: number): void {
    activity.usedAt = now
    activity.address = address
    activity.unsaved = true
  }

  function load(): Promise<void> {
    const next = loading.then(loadOnce)
    loading = next.catch(() => {})
    return next
  }

  async function loadOnce(): Promise<void> {
    const known = arrivals
    const records = await store.all()
    const present = new Set<string>()
    for (const record of records) {
      present.add(record.id)
      if (!byId.has(record.id) && !removals.has(record.id)) admit(record)
    }
    const vanished = [...byId.values()].filter(
      ({ order, record }) => order <= known && !present.has(record.id),
    )
    leave(vanished, 'revoked')
  }

  function admit(record: TokenRecord): Live {
    const user = deps.user(record.user)
    const token: Live = {
      record,
      identity: identityOf(record, user),
      ended: false,
      user,
      order: ++arrivals,
      scope: scopeOf(record),
      activity: {
        usedAt: record.lastUsedAt ?? 0,
        address: record.lastAddress ?? '',
        unsaved: false,
      },
    }
    byHash.set(record.hash, token)
    byId.set(record.id, token)
    return token
  }

  async function create(input: NewToken): Promise<{ record: TokenRecord; text: string }> {
    const had = list(input.user).length
    const { record, text } = makeToken(input, { had, now: deps.now(), randomBytes })
    await store.add(record)
    if (!byId.has(record.id)) admit(record)
    return { record, text }
  }

  async function remove(ids: readonly string[], reason: string): Promise<number> {
    const tokens: Live[] = []
    for (const id of ids) {
      const token = byId.get(id)
      if (token !== undefined) tokens.push(token)
    }
    leave(tokens, reason)
    await removals.add(ids)
    return tokens.length
  }

  async function removeAll(reason: string): Promise<number> {
    const tokens = [...byId.values()]
    leave(tokens, reason)
    await removals.add(
      tokens.map(({ record }) => record.id),
      () => store.removeAll(),
    )
    return tokens.length
  }

  function leave(tokens: readonly Live[], reason: string): void {
    if (tokens.length === 0) return
    for (const token of tokens) {
      token.ended = true
      byHash.delete(token.record.hash)
      byId.delete(token.record.id)
    }
    deps.onEnded(
      tokens.map(({ record }) => tokenRef(record.id)),
      reason,
    )
  }

  function list(user?: UserId): readonly Token[] {
    const tokens = [...byId.values()].filter(
      ({ record }) => user === undefined || record.user === user,
    )
    for (const token of tokens) upToDate(token)
    return tokens.sort((a, b) => b.record.createdAt - a.record.createdAt)
  }

  function byIdUpToDate(id: string): Token | null {
    const token = byId.get(id)
    if (token === undefined) return null
    upToDate(token)
    return token
  }

  function upToDate(token: Live): void {
    const { usedAt, address, unsaved } = token.activity
    if (!unsaved) return
    token.record = { ...token.record, lastUsedAt: Math.floor(usedAt), lastAddress: address }
  }

  /** An expired token stays, so that its owner sees in the list why a program gets in no more. */
  function sweep(): void {
    const now = deps.now()
    const expired: SessionRef[] = []
    for (const { record } of byId.values()) {
      if (record.expiresAt === null || record.expiresAt > now) continue
      if (record.expiresAt > sweptAt) expired.push(tokenRef(record.id))
    }
    sweptAt = now
    if (expired.length > 0) deps.onEnded(expired, 'expired')
    removals.retryNowAndThen()
  }

  async function flush(): Promise<void> {
    await removals.retry()
    const unsaved = [...byId.values()].filter(({ activity }) => activity.unsaved)
    if (unsaved.length === 0) return
    const usedNow = unsaved.map((token) => {
      upToDate(token)
      const { usedAt, address } = token.activity
      token.activity.unsaved = false
      return { id: token.record.id, lastUsedAt: Math.floor(usedAt), lastAddress: address }
    })
    try {
      await store.touch(usedNow)
      trouble.worked()
    } catch (error) {
      for (const { activity } of unsaved) activity.unsaved = true
      trouble.failed(error)
    }
  }

  return {
    load,
    find,
    isUsable,
    used,
    create,
    remove,
    removeAll,
    list,
    byId: byIdUpToDate,
    sweep,
    flush,
    get size() {
      return byId.size
    },
  }
}

function scopeOf({ hosts, methods, paths }: TokenRecord): TokenScope {
  return {
    hosts: hosts === null ? null : new Set(hosts),
    methods: methods === null ? null : new Set(methods),
    paths: paths === null ? null : pathTest(paths),
  }
}

/** Patterns that cannot be read, from a database that somebody edited, are good for nothing. */
function pathTest(patterns: readonly string[]): (path: string) => boolean {
  try {
    return compilePathPatterns(patterns)
  } catch {
    return () => false
  }
}

function identityOf(record: TokenRecord, user: User | null): Identity {
  return {
    user: record.user,
    name: user?.displayName ?? record.user,
    email: user?.email ?? null,
    groups: user?.groups ?? [],
    session: tokenRef(record.id),
    via: 'token',
    passkey: false,
    secondFactor: false,
    authenticatedAt: null,
    mayWake: record.wake !== null,
  }
}
