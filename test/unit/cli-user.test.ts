// user, audit and bans, without a gateway: what they change, print and refuse.

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { secretHash } from '../../src/auth/secret-text.ts'
import { loadTable } from '../../src/cli/load-table.ts'
import { writeSnapshot } from '../../src/routes-file/snapshot.ts'
import {
  createHouse,
  idOf,
  secretOf,
  sessionOf,
  start,
  withStore,
} from '../fixtures/people-house.ts'

t.test(
  'a person is added with what was said, and a link that the database knows by its hash',
  async (t) => {
    const house = createHouse(t, { 'public-port': '8443' })
    const { config, json, printed } = house
    const added = await json('user add ana --email ana@example.com --groups family,photos --admin')
    t.match(added, {
      user: 'ana',
      link: /^https:\/\/auth\.example\.com:8443\/enrol\/[\w-]{43}$/,
      expiresAt: '2026-11-22T06:30:00.000Z',
    })
    await withStore(house, async ({ users, check }) => {
      t.match(await users.user(idOf('ana')), {
        displayName: 'ana',
        email: 'ana@example.com',
        groups: ['family', 'photos', 'admin'],
        disabled: false,
        handle: /^[\w-]{43}$/,
      })
      const hash = secretHash(secretOf(added.link))
      t.match(await users.link(hash, start), { user: 'ana' })
      t.equal(await users.link(hash, start + 86_400_000), null, 'not after a day')
      t.same(await check(), [])
    })
    const file = readFileSync(join(config.dataDir, 'gatehouse.db'))
    t.equal(file.includes(secretOf(added.link)), false)
    t.equal(statSync(join(config.dataDir, 'gatehouse.db')).mode & 0o077, 0)
    t.match(await printed('user list'), /^ana {2}.*family,photos,admin {2}nothing +never$/m)
  },
)

t.test('the link is for the port that visitors see, and 443 is not written', async (t) => {
  const { json } = createHouse(t)
  t.match((await json('user add ana')).link, /^https:\/\/auth\.example\.com\/enrol\//)
})

t.test('every mistake in a new person is told at once, and nothing is written', async (t) => {
  const house = createHouse(t)
  const { run, json } = house
  const words = ['user', 'add', 'Ana', '--email', 'ana', '--groups', 'a b', '--expires', '99d']
  t.match(await run([...words, '--name', 'x\u001b[2J']), {
    kind: 'mistaken',
    problems: [
      { where: '--name' },
      { where: '--expires', what: /too long/, remedy: /up to 30d/ },
      { where: '"Ana"', remedy: 'user names are in lower case: write ana' },
      { where: '--email' },
      { where: '--groups', what: /"a b" cannot be a group/ },
    ],
  })
  for (const name of ['', '-x', 'a/b', 'ä', 'a'.repeat(65), '../x', 'a b']) {
    t.match(await run(['user', 'add', '--', name]), { kind: 'mistaken' }, JSON.stringify(name))
  }
  t.same(await json('user list'), [])
  await json('user add ana')
  await t.rejects(run('user add ana'), { code: 'user-exists', remedy: /user link ana/ })
  t.equal((await withStore(house, ({ users }) => users.users())).length, 1)
})

t.test('a new link takes the place of the older one', async (t) => {
  const house = createHouse(t)
  const { json } = house
  const first = await json('user add ana')
  const second = await json('user link ana --expires 1h')
  t.equal(second.expiresAt, '2026-11-21T07:30:00.000Z')
  await withStore(house, async ({ users }) => {
    t.equal(await users.link(secretHash(secretOf(first.link)), start), null)
    t.match(await users.link(secretHash(secretOf(second.link)), start), { user: 'ana' })
  })
})

t.test(
  'a disabled person keeps everything but sessions and links, and can have a link',
  async (t) => {
    const house = createHouse(t)
    const { json, printed, run } = house
    const { link } = await json('user add ana')
    await json('user add diego')
    await withStore(house, async ({ users, sessions }) => {
      await users.setPassword(idOf('ana'), '$argon2id$', start)
      await sessions.add(sessionOf('ana', 'aaaaaaaaaaaa'))
      await sessions.add(sessionOf('diego', 'dddddddddddd'))
    })
    t.match(await printed('user disable ana'), 'Disabled ana; ended 1 session.')
    t.match(await printed('user disable ana'), 'was disabled already')
    await withStore(house, async ({ users, sessions }) => {
      t.match(await users.user(idOf('ana')), { disabled: true })
      t.equal(await users.link(secretHash(secretOf(link)), start), null)
      t.match(await sessions.all(), [{ user: 'diego' }])
      t.ok((await users.credentials(idOf('ana'))).password)
    })
    t.match(await printed('user list'), /^ana .* DISABLED$/m)
    t.match(await run('user link ana'), {
      kind: 'done',
      code: 0,
      out: /\/enrol\//,
      error: /ana is disabled: the link lets nobody in before "gatehouse user enable ana"/,
    })
    t.match(await printed('user enable ana'), 'Enabled ana.')
    await withStore(house, async ({ users }) =>
      t.match(await users.user(idOf('ana')), { disabled: false }),
    )
  },
)

t.test('reset takes away all there is to sign in with; tokens stay, and it says so', async (t) => {
  const house = createHouse(t)
  const { json, run } = house
  await json('user add ana')
  await json('token add --user ana --label sync')
  await withStore(house, async ({ users, sessions }) => {
    const id = idOf('ana')
    await users.setPassword(id, '$argon2id$', start)
    await users.setRecoveryCodes(id, [secretHash('code')], start)
    const account = { provider: 'github', subject: '1', user: id, login: 'octo', token: null }
    await users.addAccount({ ...account, checkedAt: start, createdAt: start, lastUsedAt: null })
    await sessions.add(sessionOf('ana', 'aaaaaaaaaaaa'))
  })
  t.match(await run('user reset ana'), {
    kind: 'done',
    code: 0,
    out: /^Reset ana: removed password, github:octo; ended 1 session\.\n[\s\S]*\/enrol\//,
    error: /1 token kept: "gatehouse token revoke --user ana" ends them/,
  })
  await withStore(house, async ({ users, sessions, tokens }) => {
    t.same(await users.credentials(idOf('ana')), {
      passkeys: [],
      password: null,
      totps: [],
      accounts: [],
      recoveryCodes: 0,
    })
    t.same(await sessions.all(), [])
    t.equal((await tokens.all()).length, 1)
  })
})

t.test('remove says what would go and waits for --yes', async (t) => {
  const house = createHouse(t)
  const { json, printed, run } = house
  await json('user add ana')
  await json('token add --user ana --label sync')
  await withStore(house, ({ sessions }) => sessions.add(sessionOf('ana', 'aaaaaaaaaaaa')))
  t.match(await run('user remove ana'), {
    kind: 'mistaken',
    problems: [{ where: '--yes', remedy: /nothing to sign in with, 1 session, 1 token/ }],
  })
  t.equal((await json('user list')).length, 1)
  t.equal(await printed('user remove ana --yes'), 'Removed ana.\n')
  await withStore(house, async ({ users, sessions, tokens }) => {
    t.same([await users.users(), await sessions.all(), await tokens.all()], [[], [], []])
  })
})

t.test('somebody who is not there is said so, with the name that was probably meant', async (t) => {
  const { json, run } = createHouse(t)
  await json('user add diego')
  for (const line of [
    'user link dieego',
    'user disable dieego',
    'user enable dieego',
    'user reset dieego',
    'user remove dieego',
    'user remove dieego --yes',
    'user groups dieego a',
    'session list --user dieego',
    'session revoke --user dieego',
    'token list --user dieego',
    'token add --user dieego --label x',
    'token revoke --user dieego',
  ]) {
    await t.rejects(run(line), { code: 'user-absent', remedy: 'did you mean diego?' }, line)
  }
  await t.rejects(run(['user', 'link', '\u001b[2Jx']), { message: /\\u001b/ })
})

t.test('groups are replaced, and taken away by an empty word', async (t) => {
  const { json, printed, run } = createHouse(t)
  await json('user add ana --groups old')
  t.equal(
    await printed('user groups ana family,,photos,family'),
    'Groups of ana: family, photos (before: old).\n',
  )
  t.match(await run('user groups ana a;b'), { kind: 'mistaken', problems: [{ where: 'groups' }] })
  t.match(await json('user list'), [{ groups: ['family', 'photos'] }])
  t.match(await printed(['user', 'groups', 'ana', '']), 'Groups of ana: none')
})

t.test('the audit log has every change, newest first, and no secret', async (t) => {
  const { json, printed, run, later } = createHouse(t)
  const { link } = await json('user add ana')
  const { token } = await json('token add --user ana --label sync')
  later(7_200_000)
  await printed('user groups ana family')
  await json('user list')
  const all = await json('audit')
  t.strictSame(
    all.map(({ event, actor, user }: Record<string, string>) => [event, actor, user]),
    [
      ['user-groups', 'cli', 'ana'],
      ['token-added', 'cli', 'ana'],
      ['link-made', 'cli', 'ana'],
      ['user-added', 'cli', 'ana'],
    ],
  )
  const text = JSON.stringify(all)
  t.notOk(text.includes(secretOf(link)) || text.includes(token))
  t.match(await json('audit --since 1h'), [{ event: 'user-groups' }])
  t.equal((await json('audit --since 1h')).length, 1)
  t.equal((await json('audit --since 2026-11-21')).length, 4)
  t.equal((await json('audit --since 2026-11-22')).length, 0)
  t.equal((await json('audit --limit 2')).length, 2)
  t.equal((await json('audit --event link-made')).length, 1)
  t.same(await json('audit --user nobody'), [])
  t.match(await printed('audit'), /^2026-11-21 08:30 UTC +user-groups +cli +ana +after=family$/m)
  t.match(await run('audit --since yesterday --limit 0 --user Ana'), {
    kind: 'mistaken',
    problems: [{ where: '--limit' }, { where: '--user' }, { where: '--since' }],
  })
})

t.test('bans are known to a gateway that runs alone', async (t) => {
  const { run } = createHouse(t)
  await t.rejects(run('bans list'), { code: 'not-running' })
  await t.rejects(run('bans lift 192.0.2.1'), { code: 'not-running' })
})

t.test('a data directory that is not there is a mistake in --data, and is not made', async (t) => {
  const house = createHouse(t, { data: 'elsewhere' })
  const { run, directory } = house
  for (const line of ['user list', 'panic --yes', 'audit']) {
    await t.rejects(run(line), { code: 'no-data-directory', remedy: /--data/ }, line)
  }
  t.throws(() => statSync(join(directory, 'elsewhere')), { code: 'ENOENT' })
})

t.test('without a good table there is no link, and no half of a person', async (t) => {
  const house = createHouse(t)
  const { config, json, run } = house
  await json('user add ana')
  writeFileSync(config.routesFile, 'version: 2\n')
  await t.rejects(run('user add diego'), { code: 'table-invalid' })
  t.match(await json('user list'), [{ id: 'ana' }])
})

t.test('a mistake in the table locks nobody out while there is a last good one', async (t) => {
  const { config, json } = createHouse(t)
  const { definition } = await loadTable(config)
  if (definition === null) throw new Error('the table of the test is wrong')
  await writeSnapshot(config.snapshotFile, definition, 'x')
  writeFileSync(config.routesFile, 'version: 2\n')
  t.match(await json('user add ana'), { link: /^https:\/\/auth\.example\.com\/enrol\// })
})
