// What every UserStore does. An implementation passes by handing itself to this suite.

import type { Test } from 'tap'
import type { UserStore } from '../../src/auth/people.ts'
import { anAccount, aPasskey, aTotp, aUser, userId } from './records.ts'

/**
 * @param open makes an empty store; `other` is a second handle on the same people, as another process has it (or the
 *   same object, where there can be no other process).
 */
export function userStoreContract(
  t: Test,
  open: (t: Test) => Promise<{ readonly store: UserStore; readonly other: UserStore }>,
): void {
  const diego = userId('diego')
  const ana = userId('ana')
  const now = 1_700_000_100_000

  async function withPeople(t: Test) {
    const opened = await open(t)
    await opened.store.addUser(aUser('diego'))
    await opened.store.addUser(aUser('ana'))
    return opened
  }

  t.test('a user comes back as he was added', async (t) => {
    const { store, other } = await open(t)
    const user = aUser('diego', {
      displayName: 'Diego "D" Ñ 🚪',
      groups: ['a,b', ''],
      disabled: true,
    })
    t.strictSame(await store.users(), [])
    t.equal(await store.user(diego), null)
    await store.addUser(user)
    t.strictSame(await other.user(diego), user)
    t.strictSame(await other.userByHandle(user.handle), user)
    t.equal(await store.userByHandle('somebody'), null)
    await store.addUser(aUser('ana', { email: null }))
    t.strictSame(
      (await store.users()).map(({ id }) => id),
      ['ana', 'diego'],
      'listed by name',
    )
  })

  t.test('a name is taken once, and the first keeps it', async (t) => {
    const { store } = await withPeople(t)
    const second = aUser('diego', { handle: 'another', displayName: 'Somebody else' })
    await t.rejects(store.addUser(second), { code: 'user-exists' })
    t.equal((await store.user(diego))?.displayName, 'diego the first')
  })

  t.test('a change touches what it names and nothing else', async (t) => {
    const { store, other } = await withPeople(t)
    const before = await store.user(diego)
    const changed = await store.changeUser(diego, { email: null, groups: [], lastSignInAt: now })
    t.strictSame(changed, { ...before, email: null, groups: [], lastSignInAt: now })
    t.strictSame(await other.user(diego), changed)
    t.strictSame(await store.changeUser(diego, {}), changed)
    t.equal((await store.changeUser(diego, { disabled: true }))?.disabled, true)
    t.equal((await store.changeUser(diego, { displayName: 'D' }))?.disabled, true)
    t.equal(await store.changeUser(userId('nobody'), { disabled: true }), null)
    t.equal((await store.user(ana))?.disabled, false)
  })

  t.test('nothing can be given to somebody who is not there', async (t) => {
    const { store } = await open(t)
    await t.rejects(store.addPasskey(aPasskey('ghost', 'k')))
    await t.rejects(store.setPassword(userId('ghost'), 'hash', now))
    await t.rejects(store.addTotp(aTotp('ghost', 't')))
    await t.rejects(store.addAccount(anAccount('ghost', '1')))
    await t.rejects(store.addLink({ hash: 'h', user: userId('ghost'), createdAt: 1, expiresAt: 2 }))
    t.equal(await store.passkey('k'), null)
    t.equal(await store.account('github', '1'), null)
  })

  t.test('credentials come back as they were added, each to his own', async (t) => {
    const { store, other } = await withPeople(t)
    t.strictSame(await store.credentials(diego), {
      passkeys: [],
      password: null,
      totps: [],
      accounts: [],
      recoveryCodes: 0,
    })
    const passkey = aPasskey('diego', 'k1')
    const key = aPasskey('diego', 'k2', { kind: 'security-key', createdAt: passkey.createdAt + 1 })
    const totp = aTotp('diego', 't1')
    const account = anAccount('diego', '583231')
    await store.addPasskey(key)
    await store.addPasskey(passkey)
    await store.setPassword(diego, '$argon2id$v=19$secret', now)
    await store.addTotp(totp)
    await store.addAccount(account)
    await store.setRecoveryCodes(diego, ['r1', 'r2'], now)
    const all = await other.credentials(diego)
    t.strictSame(
      {
        ...all,
        passkeys: all.passkeys.map((each) => ({ ...each, publicKey: [...each.publicKey] })),
      },
      {
        passkeys: [passkey, key].map((each) => ({ ...each, publicKey: [...each.publicKey] })),
        password: { hash: '$argon2id$v=19$secret', createdAt: now, lastUsedAt: null },
        totps: [totp],
        accounts: [account],
        recoveryCodes: 2,
      },
      'in the order they were made',
    )
    t.equal((await store.credentials(ana)).passkeys.length, 0)
  })

  t.test('a passkey is registered once, and remembers its use', async (t) => {
    const { store } = await withPeople(t)
    await store.addPasskey(aPasskey('diego', 'k'))
    await t.rejects(store.addPasskey(aPasskey('ana', 'k')), { code: 'credential-exists' })
    t.equal((await store.passkey('k'))?.user, diego)
    await store.passkeyUsed('k', { counter: 8, backedUp: false, at: now })
    t.match(await store.passkey('k'), { counter: 8, backedUp: false, lastUsedAt: now })
    await store.passkeyUsed('unknown', { counter: 1, backedUp: false, at: now })
    t.equal(await store.passkey('unknown'), null)
  })

  t.test('the relying parties of all passkeys are known, each once', async (t) => {
    const { store } = await withPeople(t)
    t.strictSame(await store.relyingParties(), [])
    await store.addPasskey(aPasskey('diego', 'k1'))
    await store.addPasskey(aPasskey('ana', 'k2'))
    await store.addPasskey(aPasskey('ana', 'k3', { relyingParty: 'example.com' }))
    t.strictSame([...(await store.relyingParties())].sort(), ['auth.example.com', 'example.com'])
  })

  t.test('a new password takes the place of the old one', async (t) => {
    const { store } = await withPeople(t)
    await store.setPassword(diego, 'one', now)
    await store.passwordUsed(diego, now + 1)
    t.equal((await store.credentials(diego)).password?.lastUsedAt, now + 1)
    await store.setPassword(diego, 'two', now + 2)
    const { password } = await store.credentials(diego)
    t.strictSame(password, { hash: 'two', createdAt: now + 2, lastUsedAt: null })
  })

  t.test('a code of an authenticator app works once, and none before it afterwards', async (t) => {
    const { store, other } = await withPeople(t)
    await store.addTotp(aTotp('diego', 't'))
    await t.rejects(store.addTotp(aTotp('ana', 't')), { code: 'credential-exists' })
    t.equal(await store.spendTotpStep('t', 100, now), true)
    t.equal(await other.spendTotpStep('t', 100, now), false, 'the same')
    t.equal(await store.spendTotpStep('t', 99, now), false, 'an older one')
    t.equal(await store.spendTotpStep('t', 101, now + 1), true)
    t.equal(await store.spendTotpStep('unknown', 101, now), false)
    const [totp] = (await store.credentials(diego)).totps
    t.match(totp, { lastStep: 101, lastUsedAt: now + 1 })
  })

  t.test('an account is linked to one person', async (t) => {
    const { store } = await withPeople(t)
    await store.addAccount(anAccount('diego', '1'))
    await store.addAccount(anAccount('ana', '2', { token: null }))
    await store.addAccount(anAccount('ana', '1', { provider: 'google' }))
    await t.rejects(store.addAccount(anAccount('ana', '1')), { code: 'credential-exists' })
    await t.rejects(store.addAccount(anAccount('diego', '1')), { code: 'credential-exists' })
    t.equal((await store.account('github', '1'))?.user, diego)
    t.equal((await store.account('google', '1'))?.user, ana)
    t.equal(await store.account('github', '3'), null)
    t.strictSame(
      (await store.accounts('github')).map(({ subject, token }) => [subject, token]),
      [
        ['1', 'gho_1'],
        ['2', null],
      ],
    )
  })

  t.test('a change of an account touches what it names', async (t) => {
    const { store } = await withPeople(t)
    const account = anAccount('diego', '1')
    await store.addAccount(account)
    await store.changeAccount('github', '1', { login: 'renamed', checkedAt: now })
    const renamed = { ...account, login: 'renamed', checkedAt: now }
    t.strictSame(await store.account('github', '1'), renamed)
    await store.changeAccount('github', '1', { token: null, lastUsedAt: now })
    t.strictSame(await store.account('github', '1'), { ...renamed, token: null, lastUsedAt: now })
    await store.changeAccount('github', '1', { token: 'gho_new' })
    t.equal((await store.account('github', '1'))?.token, 'gho_new')
    await store.changeAccount('github', '404', { login: 'x' })
    t.equal(await store.account('github', '404'), null)
  })

  t.test('a recovery code works once, for its owner', async (t) => {
    const { store, other } = await withPeople(t)
    await store.setRecoveryCodes(diego, ['r1', 'r2', 'r3'], now)
    t.equal(await store.spendRecoveryCode(ana, 'r1', now), false)
    t.equal(await store.spendRecoveryCode(diego, 'r1', now), true)
    t.equal(await other.spendRecoveryCode(diego, 'r1', now), false)
    t.equal(await store.spendRecoveryCode(diego, 'unknown', now), false)
    t.equal((await store.credentials(diego)).recoveryCodes, 2)
    await store.setRecoveryCodes(diego, ['s1'], now)
    t.equal(await store.spendRecoveryCode(diego, 'r2', now), false, 'new codes end the old ones')
    t.equal((await store.credentials(diego)).recoveryCodes, 1)
  })

  t.test('what has a name can be renamed by its owner', async (t) => {
    const { store } = await withPeople(t)
    await store.addPasskey(aPasskey('diego', 'k'))
    await store.addTotp(aTotp('diego', 't'))
    await store.setPassword(diego, 'hash', now)
    t.equal(await store.rename(diego, { kind: 'passkey', id: 'k' }, 'phone'), true)
    t.equal(await store.rename(diego, { kind: 'totp', id: 't' }, 'tablet'), true)
    t.equal(await store.rename(ana, { kind: 'passkey', id: 'k' }, 'mine'), false)
    t.equal(await store.rename(diego, { kind: 'totp', id: 'x' }, 'none'), false)
    const { passkeys, totps } = await store.credentials(diego)
    t.strictSame([passkeys[0]?.label, totps[0]?.label], ['phone', 'tablet'])
  })

  t.test('the last way to sign in stays', async (t) => {
    const { store } = await withPeople(t)
    const k1 = { kind: 'passkey', id: 'k1' } as const
    const password = { kind: 'password' } as const
    const totp = { kind: 'totp', id: 't' } as const
    const account = { kind: 'account', provider: 'github', subject: '1' } as const
    t.equal(await store.removeCredential(diego, k1), 'absent')
    await store.addPasskey(aPasskey('diego', 'k1'))
    t.equal(await store.removeCredential(ana, k1), 'absent', 'of somebody else')
    t.equal(await store.removeCredential(diego, k1), 'last')
    await store.setPassword(diego, 'hash', now)
    t.equal(await store.removeCredential(diego, k1), 'last', 'a password alone is no way in')
    await store.addTotp(aTotp('diego', 't'))
    t.equal(await store.removeCredential(diego, k1), 'removed', 'with a code it is')
    t.equal(await store.removeCredential(diego, totp), 'last')
    t.equal(await store.removeCredential(diego, password), 'last')
    await store.addPasskey(aPasskey('diego', 'k2', { kind: 'security-key' }))
    t.equal(await store.removeCredential(diego, totp), 'removed', 'or with a security key')
    t.equal(await store.removeCredential(diego, { kind: 'passkey', id: 'k2' }), 'last')
    await store.addAccount(anAccount('diego', '1'))
    t.equal(await store.removeCredential(diego, password), 'removed')
    t.equal(await store.removeCredential(diego, account), 'last')
    t.equal(await store.removeCredential(diego, { kind: 'passkey', id: 'k2' }), 'removed')
    t.equal((await store.credentials(diego)).accounts.length, 1)
  })

  t.test('recovery codes are no way to sign in for good', async (t) => {
    const { store } = await withPeople(t)
    await store.addPasskey(aPasskey('diego', 'k'))
    await store.setRecoveryCodes(diego, ['r'], now)
    t.equal(await store.removeCredential(diego, { kind: 'passkey', id: 'k' }), 'last')
  })

  t.test('all credentials of one person can be removed at once', async (t) => {
    const { store } = await withPeople(t)
    for (const name of ['diego', 'ana']) {
      await store.addPasskey(aPasskey(name, `k-${name}`))
      await store.setPassword(userId(name), 'hash', now)
      await store.addTotp(aTotp(name, `t-${name}`))
      await store.addAccount(anAccount(name, name))
      await store.setRecoveryCodes(userId(name), ['r'], now)
    }
    await store.removeCredentials(diego)
    const nothing = { passkeys: [], password: null, totps: [], accounts: [], recoveryCodes: 0 }
    t.strictSame(await store.credentials(diego), nothing)
    const { passkeys, password, totps, accounts, recoveryCodes } = await store.credentials(ana)
    t.strictSame([passkeys.length, totps.length, accounts.length, recoveryCodes], [1, 1, 1, 1])
    t.equal(password?.hash, 'hash')
  })

  t.test('a link can be looked at as often as one likes, and used once', async (t) => {
    const { store, other } = await withPeople(t)
    const link = { hash: 'h', user: diego, createdAt: now, expiresAt: now + 1000 }
    await store.addLink(link)
    t.strictSame(await store.link('h', now), link)
    t.strictSame(await other.link('h', now + 999), link)
    t.strictSame(await store.spendLink('h', now), link)
    t.equal(await other.spendLink('h', now), null)
    t.equal(await store.link('h', now), null)
    t.equal(await store.spendLink('unknown', now), null)
  })

  t.test('a link ends at its time, or when it is withdrawn', async (t) => {
    const { store } = await withPeople(t)
    const link = (hash: string, user = diego) => ({
      hash,
      user,
      createdAt: now,
      expiresAt: now + 10,
    })
    await store.addLink(link('h'))
    t.equal(await store.link('h', now + 10), null)
    t.equal(await store.spendLink('h', now + 10), null)
    await store.addLink(link('h2'))
    await store.addLink(link('h3', ana))
    t.equal(await store.removeLinks(diego), 2)
    t.equal(await store.spendLink('h2', now), null)
    t.not(await store.spendLink('h3', now), null)
    t.equal(await store.removeLinks(diego), 0)
  })

  t.test('a device is new once', async (t) => {
    const { store, other } = await withPeople(t)
    t.equal(await store.rememberDevice(diego, 'd1', now), true)
    t.equal(await other.rememberDevice(diego, 'd1', now + 1), false)
    t.equal(await store.rememberDevice(diego, 'd2', now), true)
    t.equal(await store.rememberDevice(ana, 'd1', now), true, 'for each person')
  })

  t.test('notices stay until they are dismissed', async (t) => {
    const { store } = await withPeople(t)
    const notice = { user: diego, at: now, kind: 'new-device', text: 'Firefox on Linux' } as const
    await store.addNotice(notice)
    await store.addNotice({ ...notice, kind: 'ban', at: now + 1 })
    await store.addNotice({ ...notice, user: ana })
    const [first, second, ...rest] = await store.notices(diego)
    t.match(first, notice)
    t.match(second, { kind: 'ban' })
    t.strictSame(rest, [])
    await store.dismissNotices(diego, first?.id ?? 0)
    t.strictSame(await store.notices(diego), [second])
    await store.dismissNotices(diego, (second?.id ?? 0) + 100)
    t.strictSame(await store.notices(diego), [])
    t.equal((await store.notices(ana)).length, 1)
  })

  t.test('who makes notices in masses does not fill the store', async (t) => {
    const { store } = await withPeople(t)
    for (let i = 0; i < 150; i += 1) {
      await store.addNotice({ user: diego, at: now + i, kind: 'ban', text: `${i}` })
    }
    const notices = await store.notices(diego)
    t.ok(notices.length <= 100, 'the newest are kept')
    t.equal(notices.at(-1)?.text, '149')
  })

  t.test('a removed person leaves nothing behind', async (t) => {
    const { store } = await withPeople(t)
    await store.addPasskey(aPasskey('diego', 'k'))
    await store.setPassword(diego, 'hash', now)
    await store.addTotp(aTotp('diego', 't'))
    await store.addAccount(anAccount('diego', '1'))
    await store.setRecoveryCodes(diego, ['r'], now)
    await store.addLink({ hash: 'h', user: diego, createdAt: now, expiresAt: now + 1000 })
    await store.rememberDevice(diego, 'd', now)
    await store.addNotice({ user: diego, at: now, kind: 'ban', text: 'x' })
    t.equal(await store.removeUser(diego), true)
    t.equal(await store.removeUser(diego), false)
    t.equal(await store.passkey('k'), null)
    t.equal(await store.account('github', '1'), null)
    t.equal(await store.link('h', now), null)
    await store.addUser(aUser('diego'))
    const nothing = { passkeys: [], password: null, totps: [], accounts: [], recoveryCodes: 0 }
    t.strictSame(await store.credentials(diego), nothing, 'nor does his name bring it back')
    t.strictSame(await store.notices(diego), [])
    t.equal(await store.rememberDevice(diego, 'd', now), true)
    t.not(await store.user(ana), null)
  })

  t.test('of many who spend the same thing at once one succeeds', async (t) => {
    const { store, other } = await withPeople(t)
    await store.addTotp(aTotp('diego', 't'))
    await store.setRecoveryCodes(diego, ['r'], now)
    await store.addLink({ hash: 'h', user: diego, createdAt: now, expiresAt: now + 1000 })
    const both = [store, other, store, other]
    const steps = await Promise.all(both.map((each) => each.spendTotpStep('t', 5, now)))
    const codes = await Promise.all(both.map((each) => each.spendRecoveryCode(diego, 'r', now)))
    const links = await Promise.all(both.map((each) => each.spendLink('h', now)))
    t.equal(steps.filter((spent) => spent).length, 1)
    t.equal(codes.filter((spent) => spent).length, 1)
    t.equal(links.filter((spent) => spent !== null).length, 1)
  })

  t.test('two removals at once cannot take both last credentials', async (t) => {
    const { store, other } = await withPeople(t)
    await store.addPasskey(aPasskey('diego', 'k1'))
    await store.addPasskey(aPasskey('diego', 'k2'))
    const outcomes = await Promise.all([
      store.removeCredential(diego, { kind: 'passkey', id: 'k1' }),
      other.removeCredential(diego, { kind: 'passkey', id: 'k2' }),
    ])
    t.strictSame([...outcomes].sort(), ['last', 'removed'])
  })
}
