// session, token, panic and lockdown, without a gateway: what they change, print and refuse.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { secretHash } from '../../src/auth/secret-text.ts'
import { createHouse, secretOf, sessionOf, start, withStore } from '../fixtures/people-house.ts'

t.test('sessions are listed with what a stranger called his browser made harmless', async (t) => {
  const house = createHouse(t)
  const { json, printed } = house
  await json('user add ana')
  t.equal(await printed('session list'), 'Nobody is signed in.\n')
  await withStore(house, async ({ sessions }) => {
    await sessions.add(sessionOf('ana', 'aaaaaaaaaaaa'))
    await sessions.add(
      sessionOf('ana', 'bbbbbbbbbbbb', {
        userAgent: '\u001b]0;owned\u0007',
        lastAddress: '\u009b1m',
      }),
    )
  })
  const text = await printed('session list')
  t.match(
    text,
    /^aaaaaaaaaaaa +ana +Firefox on Linux +192\.0\.2\.2 +5 min ago +2026-11-21 05:30 UTC +password \+ totp$/m,
  )
  t.notMatch(text.replaceAll('\n', ''), /\p{Cc}/u)
  t.match(text, '\\u{9b}1m')
  const [first] = await json('session list --user ana')
  t.match(first, {
    ref: 'aaaaaaaaaaaa',
    lastSeenAt: '2026-11-21T06:25:00.000Z',
    userAgent: /Firefox/,
  })
  t.notMatch(JSON.stringify(await json('session list')), /hash/i)
})

t.test('sessions end one by one, by person, or all', async (t) => {
  const house = createHouse(t)
  const { json, printed, run } = house
  await json('user add ana')
  await json('user add diego')
  await withStore(house, async ({ sessions }) => {
    for (const ref of ['-aaaaaaaaaa1', 'aaaaaaaaaaa2', 'aaaaaaaaaaa3'])
      await sessions.add(sessionOf('ana', ref))
    await sessions.add(sessionOf('diego', 'dddddddddddd'))
  })
  t.match(await run('session revoke'), { kind: 'mistaken', problems: [{ what: 'is missing' }] })
  t.match(await run('session revoke x --all'), { kind: 'mistaken' })
  t.match(await run('session revoke --user ana --all'), { kind: 'mistaken' })
  await t.rejects(run('session revoke aaaaaaaaaaaX'), { code: 'session-absent' })
  t.equal(await printed('session revoke -aaaaaaaaaa1'), 'Ended 1 session.\n')
  t.equal(await printed('session revoke --user ana'), 'Ended 2 sessions.\n')
  t.match(await json('session list'), [{ user: 'diego' }])
  t.equal(await printed('session revoke --all'), 'Ended 1 session.\n')
  t.same(await json('session list'), [])
})

t.test('a token is printed once; kept are its limits and its hash', async (t) => {
  const house = createHouse(t)
  const { config, json, printed, later } = house
  await json('user add ana')
  const words = ['token', 'add', '--user', 'ana', '--label', 'calendar on the phone']
  const limits = ['--hosts', 'Cal.example.com.', '--methods', 'get,propfind', '--paths', '/dav/**']
  const wake = [
    '--wake',
    '3',
    '--wake-hours',
    '22:00-06:30',
    '--expires',
    '90d',
    '--scopes',
    'vms:read',
  ]
  const text = await printed([...words, ...limits, ...wake])
  const token = /gth_[\w-]{43}/.exec(text)?.[0] ?? ''
  await withStore(house, async ({ tokens }) => {
    t.match(await tokens.all(), [
      {
        id: /^[\w-]{8}$/,
        hash: secretHash(token),
        label: 'calendar on the phone',
        hosts: ['cal.example.com'],
        methods: ['GET', 'PROPFIND'],
        paths: ['/dav/**'],
        wake: { hours: { from: 1320, to: 390 }, perDay: 3 },
        scopes: ['vms:read'],
        expiresAt: start + 90 * 86_400_000,
      },
    ])
  })
  t.equal(readFileSync(join(config.dataDir, 'gatehouse.db')).includes(token.slice(4)), false)
  const list = await printed('token list')
  t.match(
    list,
    /calendar on the phone +cal\.example\.com, GET PROPFIND, \/dav\/\*\*, 3 starts a day, vms/,
  )
  t.match(list, 'until 2027-02-19')
  t.notMatch(list, token)
  later(91 * 86_400_000)
  t.match(await printed('token list'), 'EXPIRED')
})

t.test('a token without limits is good for all hosts, for a year, and wakes nothing', async (t) => {
  const { json } = createHouse(t)
  await json('user add ana')
  t.match(await json('token add --user ana --label x'), {
    token: /^gth_/,
    hosts: null,
    methods: null,
    paths: null,
    wake: null,
    expiresAt: '2027-11-21T06:30:00.000Z',
  })
  t.match(await json('token add --user ana --label x --expires never'), { expiresAt: null })
})

t.test('every mistake in a token is told at once', async (t) => {
  const { json, run } = createHouse(t)
  await json('user add ana')
  const line =
    'token add --hosts git --methods G,* --paths dav --expires soon --wake 0 --wake-hours 8-9 --scopes vms:reed'
  t.match(await run(line), {
    kind: 'mistaken',
    problems: [
      { where: '--user', what: 'is missing' },
      { where: '--label', what: 'is missing' },
      { where: '--hosts', remedy: /git\.example\.com/ },
      { where: '--methods' },
      { where: '--paths', what: /does not begin with/ },
      { where: '--scopes', remedy: 'write vms:read' },
      { where: '--wake-hours', what: /without --wake/ },
      { where: '--wake-hours', what: /no time of day/ },
      { where: '--expires' },
    ],
  })
  t.same(await json('token list'), [])
})

t.test('tokens are revoked one by one, by person, or all', async (t) => {
  const { json, printed, run } = createHouse(t)
  await json('user add ana')
  await json('user add diego')
  const { id } = await json('token add --user ana --label a1')
  await json('token add --user ana --label a2')
  await json('token add --user diego --label d1')
  await t.rejects(run('token revoke nothing_'), { code: 'token-absent' })
  t.equal(await printed(['token', 'revoke', id]), 'Revoked 1 token.\n')
  t.match(await json('token list'), [{ label: 'a2' }, { label: 'd1' }])
  t.equal(await printed('token revoke --user ana'), 'Revoked 1 token.\n')
  t.match(await json('token list'), [{ label: 'd1' }])
  t.equal(await printed('token revoke --all'), 'Revoked 1 token.\n')
})

t.test('panic ends sessions, tokens and links, when it is meant', async (t) => {
  const house = createHouse(t)
  const { json, printed, run } = house
  const { link } = await json('user add ana')
  await json('token add --user ana --label a1')
  await withStore(house, ({ sessions }) => sessions.add(sessionOf('ana', 'aaaaaaaaaaaa')))
  t.match(await run('panic'), { kind: 'mistaken', problems: [{ where: '--yes' }] })
  t.equal((await json('session list')).length, 1)
  t.match(await printed('panic --yes'), /^Ended 1 session, 1 token, 1 link\./)
  await withStore(house, async ({ users, sessions, tokens }) => {
    t.same([await sessions.all(), await tokens.all()], [[], []])
    t.equal(await users.link(secretHash(secretOf(link)), start), null)
  })
})

t.test('lockdown is kept and audited as the admin audits it, when it changes', async (t) => {
  const house = createHouse(t)
  const { json, printed, run } = house
  t.match(await printed('lockdown'), /^Open/)
  t.match(await printed('lockdown on'), /^Closed to visitors/)
  t.match(await printed('lockdown on'), /^Closed to visitors/)
  t.match(await printed('lockdown'), /^Closed to visitors/)
  t.match(await run('lockdown maybe'), { kind: 'mistaken' })
  t.match(await printed('lockdown off'), /^Open/)
  const written = await json('audit --event lockdown')
  t.match(written, [
    { actor: 'cli', details: { before: '{"on":true}', after: '{"on":false}' } },
    { actor: 'cli', details: { before: '{"on":false}', after: '{"on":true}' } },
  ])
  t.equal(written.length, 2)
})
