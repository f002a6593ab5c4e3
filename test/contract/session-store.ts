// What every SessionStore does. An implementation passes by handing itself to this suite.

import type { Test } from 'tap'
import type { SessionStore } from '../../src/auth/session-store.ts'
import { aSession, sessionRef } from './records.ts'

export interface OpenedSessions {
  readonly store: SessionStore
  /** A second handle on the same sessions, as another process has it. */
  readonly other: SessionStore
  /** Makes the people sessions belong to, where the store minds. */
  addUser(id: string): Promise<void>
}

export function sessionStoreContract(t: Test, open: (t: Test) => Promise<OpenedSessions>): void {
  async function withPeople(t: Test) {
    const opened = await open(t)
    await opened.addUser('diego')
    await opened.addUser('ana')
    return opened
  }
  const byRef = (records: readonly { readonly ref: string }[]) =>
    [...records].sort((a, b) => (a.ref < b.ref ? -1 : 1))

  t.test('a session comes back as it was added', async (t) => {
    const { store, other } = await withPeople(t)
    t.strictSame(await store.all(), [])
    const plain = aSession('diego', 'ref-1')
    const rich = aSession('ana', 'ref-2', {
      account: 'github:583231',
      methods: ['passkey', 'security-key', 'provider', 'recovery-code', 'approved'],
      passkey: true,
      secondFactor: false,
      remember: true,
      userAgent: '',
    })
    await store.add(plain)
    await store.add(rich)
    t.strictSame(byRef(await store.all()), [plain, rich])
    t.strictSame(byRef(await other.all()), [plain, rich], 'for others too')
  })

  t.test('a rotation replaces what the reference stood for', async (t) => {
    const { store } = await withPeople(t)
    await store.add(aSession('diego', 'ref-1'))
    const rotated = aSession('diego', 'ref-1', {
      hash: 'new-hash',
      accountHash: 'new-account-hash',
      methods: ['passkey'],
      passkey: true,
      authenticatedAt: 1_700_000_009_000,
    })
    t.equal(await store.rotate(rotated), true)
    t.strictSame(await store.all(), [rotated])
  })

  t.test('a rotation brings no ended session back', async (t) => {
    const { store, other } = await withPeople(t)
    const one = aSession('diego', 'a')
    await store.add(one)
    await store.add(aSession('ana', 'b'))
    await other.remove([sessionRef('a')])
    t.equal(await store.rotate({ ...one, hash: 'new-hash' }), false)
    t.strictSame(
      (await store.all()).map(({ ref }) => ref),
      ['b'],
    )
  })

  t.test('removing says how many there were', async (t) => {
    const { store, other } = await withPeople(t)
    for (const ref of ['a', 'b', 'c', 'd']) await store.add(aSession('diego', ref))
    t.equal(await store.remove([sessionRef('a'), sessionRef('b'), sessionRef('unknown')]), 2)
    t.equal(await other.remove([sessionRef('a')]), 0)
    t.equal(await store.remove([]), 0)
    t.strictSame(
      byRef(await other.all()).map(({ ref }) => ref),
      ['c', 'd'],
    )
    t.equal(await other.removeAll(), 2)
    t.equal(await store.removeAll(), 0)
    t.strictSame(await store.all(), [])
  })

  t.test('last seen is noted in a batch, and brings no ended session back', async (t) => {
    const { store, other } = await withPeople(t)
    const one = aSession('diego', 'a')
    await store.add(one)
    await store.add(aSession('diego', 'b'))
    await other.remove([sessionRef('b')])
    const seen = { lastSeenAt: 1_700_000_099_000, lastAddress: '198.51.100.9' }
    await store.touch([
      { ref: sessionRef('a'), ...seen },
      { ref: sessionRef('b'), ...seen },
    ])
    t.strictSame(await store.all(), [{ ...one, ...seen }])
    await store.touch([])
  })

  t.test('hundreds of sessions are no matter', async (t) => {
    const { store } = await withPeople(t)
    const refs = Array.from({ length: 300 }, (_, i) => `ref-${String(i).padStart(3, '0')}`)
    await Promise.all(refs.map((ref) => store.add(aSession('diego', ref))))
    t.strictSame(
      byRef(await store.all()).map(({ ref }) => ref),
      refs,
    )
    t.equal(await store.remove(refs.map(sessionRef)), 300)
  })
}
