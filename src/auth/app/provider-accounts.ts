// From an account at a provider to a user of ours: the one it is linked to, or a new one. Never a guess by name or e-mail.

import { GatehouseError } from '../../errors.ts'
import type { UserId } from '../../model.ts'
import type { LinkedAccount, User, UserStore } from '../people.ts'
import { randomText } from '../secret-text.ts'
import { parseUserName } from '../user-name.ts'
import type { ProviderAccount } from './provider.ts'

/** Why an account that may enter is nobody here. */
export type NobodyReason =
  /** A user of that name exists, and this account is not linked to it. */
  | 'name-taken'
  /** The login name cannot be the name of a user. */
  | 'name-unusable'
  /** It is linked to one user, and the table names another. */
  | 'named-for-another-user'
  /** Somebody else has linked it. */
  | 'linked-elsewhere'

export type Entry =
  | {
      readonly kind: 'known'
      readonly user: User
      readonly link: LinkedAccount
      /** A token that was kept so far and is not needed any more. */
      readonly spare: string | null
    }
  | { readonly kind: 'linked'; readonly user: User; readonly link: LinkedAccount }
  | { readonly kind: 'created'; readonly user: User; readonly link: LinkedAccount }
  | { readonly kind: 'nobody'; readonly reason: NobodyReason }

export interface ProviderAccounts {
  /** Whose is it? Creates a user or a link where the table says so. May reject with `store-unavailable`. */
  enter(provider: string, account: ProviderAccount): Promise<Entry>
  /** Links it to a signed-in user. May reject likewise. */
  link(provider: string, account: ProviderAccount, user: UserId): Promise<Entry>
}

export interface ProviderAccountsDeps {
  readonly users: UserStore
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: (size: number) => Buffer
}

export function createProviderAccounts(deps: ProviderAccountsDeps): ProviderAccounts {
  const { users } = deps
  // Two tabs that sign in for the first time at once: the second finds what the first has made.
  let last: Promise<unknown> = Promise.resolve()
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = last.then(task)
    last = turn.catch(() => {})
    return turn
  }

  async function known(link: LinkedAccount, account: ProviderAccount): Promise<Entry> {
    if (account.as !== null && account.as !== link.user) {
      return { kind: 'nobody', reason: 'named-for-another-user' }
    }
    const user = await users.user(link.user)
    if (user === null) throw new GatehouseError('store-unavailable', 'a link without its user')
    const { login, token } = account
    const at = deps.now()
    const change = { login, token, checkedAt: at, lastUsedAt: at }
    await users.changeAccount(link.provider, link.subject, change)
    const spare = link.token === token ? null : link.token
    return { kind: 'known', user, link: { ...link, ...change }, spare }
  }

  async function add(
    provider: string,
    account: ProviderAccount,
    owner: { readonly user: UserId; readonly at: number },
  ): Promise<LinkedAccount> {
    const { subject, login, token } = account
    const { user, at } = owner
    const times = { checkedAt: at, createdAt: at, lastUsedAt: at }
    const link: LinkedAccount = { provider, subject, user, login, token, ...times }
    await users.addAccount(link)
    return link
  }

  async function enter(provider: string, account: ProviderAccount): Promise<Entry> {
    const existing = await users.account(provider, account.subject)
    if (existing !== null) return known(existing, account)
    const id = account.as ?? parseUserName(account.login.toLowerCase())
    if (id === null) return { kind: 'nobody', reason: 'name-unusable' }
    const at = deps.now()
    const user = await users.user(id)
    if (user !== null) {
      // The table alone can say that an account is somebody who is here already.
      if (account.as === null) return { kind: 'nobody', reason: 'name-taken' }
      return { kind: 'linked', user, link: await add(provider, account, { user: id, at }) }
    }
    const created: User = {
      id,
      displayName: account.displayName ?? account.login,
      email: account.email,
      groups: account.groups,
      disabled: false,
      handle: randomText(32, deps.randomBytes),
      createdAt: at,
      lastSignInAt: null,
    }
    await users.addUser(created)
    try {
      return {
        kind: 'created',
        user: created,
        link: await add(provider, account, { user: id, at }),
      }
    } catch (error) {
      // A user whom nothing leads to would keep the name from the account it was made for.
      await users.removeUser(id).catch(() => {})
      throw error
    }
  }

  async function link(provider: string, account: ProviderAccount, id: UserId): Promise<Entry> {
    const existing = await users.account(provider, account.subject)
    if (existing !== null && existing.user !== id) {
      return { kind: 'nobody', reason: 'linked-elsewhere' }
    }
    if (existing !== null) return known(existing, account)
    if (account.as !== null && account.as !== id) {
      return { kind: 'nobody', reason: 'named-for-another-user' }
    }
    const user = await users.user(id)
    if (user === null) throw new GatehouseError('store-unavailable', 'a session without its user')
    const added = await add(provider, account, { user: id, at: deps.now() })
    return { kind: 'linked', user, link: added }
  }

  return {
    enter: (provider, account) => inTurn(() => enter(provider, account)),
    link: (provider, account, user) => inTurn(() => link(provider, account, user)),
  }
}
