// What every TokenStore does. An implementation passes by handing itself to this suite.

import type { Test } from 'tap'
import type { TokenStore } from '../../src/auth/token-store.ts'
import { aToken } from './records.ts'

export interface OpenedTokens {
  readonly store: TokenStore
  /** A second handle on the same tokens, as another process has it. */
  readonly other: TokenStore
  /** Makes the people tokens belong to, where the store minds. */
  addUser(id: string): Promise<void>
}

export function tokenStoreContract(t: Test, open: (t: Test) => Promise<OpenedTokens>): void {
  async function withPeople(t: Test) {
    const opened = await open(t)
    await opened.addUser('diego')
    await opened.addUser('ana')
    return opened
  }

  t.test('a token comes back as it was added', async (t) => {
    const { store, other } = await withPeople(t)
    t.strictSame(await store.all(), [])
    const narrow = aToken('diego', 'one')
    const wide = aToken('ana', 'two', {
      hosts: null,
      methods: null,
      paths: null,
      wake: null,
      scopes: [],
      createdAt: narrow.createdAt + 1,
      expiresAt: null,
    })
    const nothing = aToken('ana', 'three', {
      hosts: [],
      methods: [],
      paths: [],
      wake: { hours: null, perDay: 0 },
      createdAt: narrow.createdAt + 2,
    })
    for (const token of [narrow, wide, nothing]) await store.add(token)
    t.strictSame(await store.all(), [narrow, wide, nothing], 'an empty list is not "every"')
    t.strictSame(await other.all(), [narrow, wide, nothing])
  })

  t.test('neither an id nor a token can be added twice', async (t) => {
    const { store } = await withPeople(t)
    await store.add(aToken('diego', 'one'))
    await t.rejects(store.add(aToken('ana', 'one', { hash: 'another' })))
    await t.rejects(store.add(aToken('ana', 'two', { hash: 'hash-of-one' })))
    t.strictSame(await store.all(), [aToken('diego', 'one')])
  })

  t.test('removing says how many there were', async (t) => {
    const { store, other } = await withPeople(t)
    for (const id of ['a', 'b', 'c']) await store.add(aToken('diego', id))
    t.equal(await store.remove(['a', 'unknown']), 1)
    t.equal(await other.remove(['a']), 0)
    t.equal(await store.remove([]), 0)
    t.equal(await other.removeAll(), 2)
    t.strictSame(await store.all(), [])
  })

  t.test('the last use is noted in a batch, and brings no removed token back', async (t) => {
    const { store, other } = await withPeople(t)
    await store.add(aToken('diego', 'a'))
    await store.add(aToken('diego', 'b'))
    await other.remove(['b'])
    const use = { lastUsedAt: 1_700_000_099_000, lastAddress: '2001:db8::9' }
    await store.touch([
      { id: 'a', ...use },
      { id: 'b', ...use },
    ])
    t.strictSame(await store.all(), [{ ...aToken('diego', 'a'), ...use }])
  })
}
