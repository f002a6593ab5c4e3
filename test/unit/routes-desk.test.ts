// The desk of routes.yaml: what is saved, what is refused, what is kept, and what is undone.

import { fork } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { undoUnconfirmed } from '../../src/admin/desks/pending-undo.ts'
import type { RouteSaved } from '../../src/admin/desks/types.ts'
import { GatehouseError } from '../../src/errors.ts'
import { runGit } from '../fixtures/git.ts'
import { type DeskHouse, deskHouse } from '../fixtures/routes-desk.ts'

const text = `version: 1
domain: example.com
onWeakerAccess: alert
vms: { box: { address: 10.0.0.7 } }
routes:
  - { host: auth, to: login, access: public }
  - { host: proxy, to: admin, access: { groups: [admin] } } # the owner's
  - { host: a, to: box:1000 }
  # kept
  - { host: b, to: box:1001, access: public, prefix: true }
`

async function save(
  house: DeskHouse,
  change: Parameters<DeskHouse['desk']['save']>[0],
  more: { etag?: string; confirm?: string; user?: string; note?: string } = {},
): Promise<RouteSaved> {
  return house.desk.save(change, {
    etag: more.etag ?? (await house.desk.read()).etag,
    by: house.actor(more.user ?? 'diego'),
    confirm: more.confirm ?? null,
    ...(more.note === undefined ? {} : { note: more.note }),
  })
}

t.test('a save is in force, and nothing else of the file is another', async (t) => {
  const house = await deskHouse(t.testdir(), text)
  const before = await house.desk.read()
  t.ok(before.inForce)
  const saved = await save(house, { kind: 'edit', id: 'a/', raw: { host: 'a', to: 'box:2000' } })
  t.equal(saved.kind, 'saved')
  t.equal(house.text(), text.replace('box:1000', 'box:2000'))
  t.match(house.table().routes.find(({ id }) => id === 'a/')?.target, { port: 2000 })
  const after = await house.desk.read()
  t.ok(after.inForce)
  t.not(after.etag, before.etag)
  t.equal(saved.kind === 'saved' && saved.etag, after.etag)
  t.equal(saved.kind === 'saved' && saved.pending, null)
  const same = await save(house, { kind: 'edit', id: 'a/', raw: { host: 'a', to: 'box:2000' } })
  t.equal(same.kind, 'saved', 'what is already so needs no writing')
  t.equal((await house.desk.history(null)).items.length, 2)
})

t.test('a preview writes nothing and says in words what a change means', async (t) => {
  const house = await deskHouse(t.testdir(), text)
  const raw = { host: 'a', to: 'box:1000', access: 'public', prefix: true }
  const preview = await house.desk.preview({ kind: 'edit', id: 'a/', raw }, house.actor('diego'))
  t.equal(house.text(), text)
  t.strictSame(
    preview.access.map(({ kind, sentence }) => [kind, sentence]),
    [['weaker', 'a/: login → public']],
  )
  t.strictSame(
    preview.diff.flatMap(({ lines }) => lines.filter(({ kind }) => kind !== 'same')),
    [
      { kind: 'gone', text: '  - { host: a, to: box:1000 }' },
      { kind: 'new', text: '  - { host: a, to: box:1000, access: public, prefix: true }' },
    ],
  )
  t.strictSame(preview.problems, [])
  t.strictSame(preview.dangers, [])
  const wrong = await house.desk.preview(
    { kind: 'edit', id: 'a/', raw: { host: 'a', to: 'nowhere:1' } },
    null,
  )
  t.match(wrong.problems, [{ severity: 'error', code: 'unknown-vm', line: 8 }])
  const collides = await house.desk.preview(
    { kind: 'edit', id: 'a/', raw: { host: 'a', to: 'box:1001' } },
    null,
  )
  t.match(collides.problems, [{ code: 'public-prefix-shares-upstream', line: 10 }])
})

t.test('a row of the table is what its lines say', async (t) => {
  const house = await deskHouse(t.testdir(), text)
  const rows = await house.desk.rows()
  t.strictSame(
    rows.map(({ id, lines, disabled }) => [id, lines.from, lines.to, disabled]),
    [
      ['auth/', 6, 6, false],
      ['proxy/', 7, 7, false],
      ['a/', 8, 8, false],
      ['b/', 10, 10, false],
    ],
  )
  t.match(rows[3], {
    host: 'b.example.com',
    name: 'b/',
    path: '/',
    target: { words: 'http://10.0.0.7:1001 (box)', raw: 'box:1001' },
    access: 'public',
    comment: ['kept'],
    raw: { host: 'b', to: 'box:1001', access: 'public', prefix: true },
  })
  await save(house, { kind: 'disable', id: 'b/' })
  t.match((await house.desk.rows())[3], { id: 'b/', disabled: true, access: 'public' })
  t.equal(house.table().routes.length, 3)
})

t.test('what the table refuses is not saved, nor what cannot be put in force', async (t) => {
  const house = await deskHouse(t.testdir(), text, {
    apply(definition) {
      if (definition.routes.some(({ id }) => id === 'secret/')) {
        throw new GatehouseError('secret-missing', 'a secret is not configured')
      }
    },
  })
  const bad = await save(house, { kind: 'edit', id: 'a/', raw: { host: 'a', to: 'nowhere:1' } })
  t.match(bad, { kind: 'invalid', preview: { problems: [{ code: 'unknown-vm' }] } })
  const gone = await save(house, { kind: 'remove', id: 'nowhere/' })
  t.match(gone, { kind: 'invalid', preview: { problems: [{ code: 'no-such-route' }] } })
  const secret = await save(house, { kind: 'add', host: 'secret', raw: { to: 'box:9' } })
  t.match(secret, { kind: 'invalid', preview: { problems: [{ code: 'secret-missing' }] } })
  t.equal(house.text(), text)
  t.ok((await house.desk.read()).inForce)
})

t.test('of two saves from one text the second one is told, and shown what changed', async (t) => {
  const house = await deskHouse(t.testdir(), text)
  const { etag } = await house.desk.read()
  const [first, second] = await Promise.all([
    save(house, { kind: 'disable', id: 'a/' }, { etag }),
    save(house, { kind: 'disable', id: 'b/' }, { etag }),
  ])
  t.equal(first.kind, 'saved')
  t.match(second, { kind: 'conflict', text: house.text() })
  t.strictSame(
    second.kind === 'conflict' &&
      second.diff.flatMap(({ lines }) => lines.filter(({ kind }) => kind === 'new')),
    [{ kind: 'new', text: '  - { host: a, to: box:1000, disabled: true }' }],
  )
  t.equal(house.text(), text.replace('box:1000 }', 'box:1000, disabled: true }'))
  t.equal((await save(house, { kind: 'disable', id: 'b/' })).kind, 'saved')
})

t.test('a file that somebody edits meanwhile is not overwritten, and is history too', async (t) => {
  const house = await deskHouse(t.testdir(), text)
  const { etag } = await house.desk.read()
  const mine = text.replace('# kept', '# by hand')
  house.write(mine)
  t.match(await save(house, { kind: 'disable', id: 'a/' }, { etag }), {
    kind: 'conflict',
    text: mine,
  })
  t.equal(house.text(), mine)
  t.ok((await house.desk.read()).inForce, 'and it is in force as soon as it is looked at')
  t.equal((await save(house, { kind: 'disable', id: 'a/' })).kind, 'saved')
  const { items } = await house.desk.history(null)
  t.strictSame(
    items.map(({ by, summary }) => [by, summary]),
    [
      ['diego', 'a/ switched off'],
      [null, 'written outside the admin'],
    ],
  )
  t.equal(await house.desk.version(items[1]?.id ?? ''), mine)
})

t.test(
  'a broken file is shown with its problems, mended as text, and not edited as rows',
  async (t) => {
    const house = await deskHouse(t.testdir(), text)
    house.write(text.replace('to: box:1000', 'to: &x box:1000'))
    const read = await house.desk.read()
    t.notOk(read.inForce)
    t.match(read.problems, [{ code: 'yaml-shared', line: 8 }])
    t.match(await save(house, { kind: 'disable', id: 'b/' }), {
      kind: 'invalid',
      preview: { problems: [{ code: 'yaml-shared', line: 8 }] },
    })
    t.equal((await save(house, { kind: 'text', text })).kind, 'saved')
    t.ok((await house.desk.read()).inForce)
  },
)

t.test('a form’s line breaks are not the file’s', async (t) => {
  const house = await deskHouse(t.testdir(), text)
  const typed = text.replace('# kept', '# typed').replaceAll('\n', '\r\n')
  t.match(await save(house, { kind: 'text', text: typed }), { kind: 'saved' })
  t.equal(house.text(), text.replace('# kept', '# typed'))
  const windows = text.replaceAll('\n', '\r\n')
  house.write(windows)
  t.match(await save(house, { kind: 'text', text: typed }), { kind: 'saved' })
  t.equal(house.text(), typed)
})

t.test('history keeps who, when and what for, and gives an old text back', async (t) => {
  const house = await deskHouse(t.testdir(), text)
  await save(house, { kind: 'disable', id: 'a/' }, { note: 'not needed in winter' })
  await house.pass(1000)
  await save(house, { kind: 'remove', id: 'b/' })
  const { items, next } = await house.desk.history(null)
  t.equal(next, null)
  t.match(items, [
    { by: 'diego', summary: 'b/ removed', note: null, lines: 9, at: 1_700_000_001_000 },
    { by: 'diego', summary: 'a/ switched off', note: 'not needed in winter', lines: 10 },
    { by: null },
  ])
  const first = items[2]?.id ?? ''
  t.equal(await house.desk.version(first), text)
  const { etag } = await house.desk.read()
  const by = house.actor('diego')
  t.match(await house.desk.restore(first, { etag, by, confirm: null }), { kind: 'saved' })
  t.equal(house.text(), text)
  t.equal(await house.desk.restore('../../etc/passwd', { etag, by, confirm: null }), null)
  t.equal(await house.desk.version('nothing'), null)
  t.equal(statSync(house.historyFolder).mode & 0o777, 0o700)
  for (const name of readdirSync(house.historyFolder)) {
    t.equal(statSync(join(house.historyFolder, name)).mode & 0o777, 0o600)
  }
})

t.test('history is bounded, and pages go back in it', async (t) => {
  const house = await deskHouse(t.testdir(), text)
  for (let n = 0; n < 30; n++) {
    await save(house, { kind: n % 2 === 0 ? 'disable' : 'enable', id: 'a/' })
  }
  const first = await house.desk.history(null)
  t.equal(first.items.length, 25)
  const second = await house.desk.history(first.next)
  t.equal(second.items.length, 6)
  t.equal(second.next, null)
  // As if it had been used for years.
  for (let n = 0; n < 400; n++) {
    const id = `${String(1_600_000_000_000 + n).padStart(15, '0')}-${'0'.repeat(8)}`
    writeFileSync(join(house.historyFolder, `${id}.yaml`), '{}\n')
  }
  await save(house, { kind: 'disable', id: 'b/' })
  t.equal(readdirSync(house.historyFolder).length, 200)
  t.match((await house.desk.history(null)).items[0], { summary: 'b/ switched off' })
})

t.test(
  'a change that is not asked to weaken nobody holds up, and one that is seen is accepted',
  async (t) => {
    const hold = text.replace('onWeakerAccess: alert', 'onWeakerAccess: hold')
    const house = await deskHouse(t.testdir(), hold)
    house.write(hold.replace('host: a, to: box:1000', 'host: a, to: box:1000, access: public'))
    const read = await house.desk.read()
    t.notOk(read.inForce)
    t.match(read.held, [{ kind: 'weaker', sentence: 'a/: login → public' }, {}])
    t.match(await save(house, { kind: 'text', text: hold }), { kind: 'saved' })
    const raw = { host: 'a', to: 'box:1000', access: 'public' }
    t.match(await save(house, { kind: 'edit', id: 'a/', raw }), { kind: 'saved' })
    t.ok((await house.desk.read()).inForce, 'who saved it has seen what it weakens')
    t.equal(house.table().routes.find(({ id }) => id === 'a/')?.policy.kind, 'public')
  },
)

t.test('what cuts people off asks for a name to be typed', async (t) => {
  const house = await deskHouse(t.testdir(), text)
  const dangersOf = async (change: Parameters<DeskHouse['desk']['save']>[0]) => {
    const preview = await house.desk.preview(change, house.actor('diego', '10.1.2.3'))
    t.strictSame(preview.problems, [], JSON.stringify(change))
    return preview.dangers.map(({ kind, typed }) => `${kind} ${typed}`)
  }
  const admin = (more: object) => ({
    kind: 'edit' as const,
    id: 'proxy/',
    raw: { host: 'proxy', to: 'admin', access: { groups: ['admin'] }, ...more },
  })
  const login = (more: object) => ({
    kind: 'edit' as const,
    id: 'auth/',
    raw: { host: 'auth', to: 'login', access: 'public', ...more },
  })
  const page = ['admin-page proxy.example.com']
  const own = ['own-access proxy.example.com']
  for (const [change, dangers] of [
    [{ kind: 'remove', id: 'proxy/' }, page],
    [{ kind: 'disable', id: 'proxy/' }, page],
    [{ kind: 'rename-host', from: 'proxy', to: 'elsewhere' }, page],
    [admin({ maintenance: true }), page],
    [admin({ cloudflareOnly: true }), page],
    [admin({ clients: { deny: ['10.0.0.0/8'] } }), page],
    [admin({ clients: { allow: ['192.0.2.0/24'] } }), page],
    [admin({ clients: { allow: ['10.1.0.0/16'] } }), []],
    [admin({ rateLimit: { perSecond: 1, burst: 2 } }), page],
    [admin({ access: { groups: ['family'] } }), own],
    [admin({ access: { users: ['ana'] } }), own],
    [admin({ access: { users: ['diego'] } }), []],
    [admin({ access: 'login' }), []],
    [admin({ access: 'public', prefix: true }), own],
    [admin({ access: 'nobody' }), own],
    [admin({ access: { groups: ['admin'], with: 'passkey' } }), own],
    [admin({ access: [{ methods: ['GET'], access: { groups: ['admin'] } }] }), own],
    [
      { kind: 'rename-host', from: 'auth', to: 'sign-in' },
      ['login-page auth.example.com', 'login-page auth.example.com'],
    ],
    [login({ maintenance: 'Back soon' }), ['login-page auth.example.com']],
    [login({ clients: { deny: ['10.1.2.3'] } }), ['login-page auth.example.com']],
    [
      { kind: 'file', set: [{ path: ['limits', 'flood'], value: { perSecond: 1, burst: 1 } }] },
      ['login-page auth.example.com', 'admin-page auth.example.com'],
    ],
    [
      { kind: 'file', set: [{ path: ['login', 'passkeys', 'relyingParty'], value: '@' }] },
      ['login-page auth.example.com'],
    ],
    [
      { kind: 'text', text: text.replaceAll('example.com', 'example.org') },
      ['login-page auth.example.com', 'login-page auth.example.com', 'admin-page auth.example.com'],
    ],
    [{ kind: 'remove', id: 'a/' }, []],
    [
      {
        kind: 'copy',
        id: 'proxy/',
        raw: { host: 'second', to: 'admin', access: { groups: ['admin'] } },
      },
      [],
    ],
  ] as const) {
    t.strictSame(await dangersOf(change), dangers, JSON.stringify(change))
  }
  const removal = { kind: 'remove', id: 'proxy/' } as const
  t.match(await save(house, removal), { kind: 'confirm', dangers: [{ kind: 'admin-page' }] })
  t.match(await save(house, removal, { confirm: 'proxy' }), { kind: 'confirm' })
  t.equal(house.text(), text)
})

t.test(
  'a confirmed danger undoes itself after a minute, unless it is confirmed again',
  async (t) => {
    const house = await deskHouse(t.testdir(), text)
    const remove = { kind: 'remove', id: 'proxy/' } as const
    const confirm = 'proxy.example.com'
    const saved = await save(house, remove, { confirm })
    t.match(saved, { kind: 'saved', pending: { until: 1_700_000_060_000 } })
    t.match(await house.desk.read(), { pending: { until: 1_700_000_060_000 } })
    await house.pass(59_999)
    t.notMatch(house.text(), 'to: admin')
    t.notOk(await house.desk.confirm('some other token'))
    await house.pass(1)
    t.equal(house.text(), text)
    t.equal((await house.desk.read()).pending, null)
    t.ok(
      house.table().routes.some(({ id }) => id === 'proxy/'),
      'and it is in force',
    )
    t.match((await house.desk.history(null)).items[0], {
      by: 'diego',
      summary: 'undone: nobody confirmed the change',
    })
    t.throws(() => statSync(house.undoFile))

    const again = await save(house, remove, { confirm })
    const token = again.kind === 'saved' ? (again.pending?.token ?? '') : ''
    t.ok(await house.desk.confirm(token))
    t.notOk(await house.desk.confirm(token), 'once')
    await house.pass(120_000)
    t.notMatch(house.text(), 'to: admin')
  },
)

t.test(
  'a further change while one waits is undone with it; what somebody else wrote stays',
  async (t) => {
    const house = await deskHouse(t.testdir(), text)
    const confirm = 'proxy.example.com'
    await save(house, { kind: 'disable', id: 'proxy/' }, { confirm })
    await house.pass(30_000)
    t.match(await save(house, { kind: 'disable', id: 'a/' }, { confirm }), {
      kind: 'saved',
      pending: { until: 1_700_000_060_000 },
    })
    t.match(await save(house, { kind: 'edit', id: 'a/', raw: { host: 'a', to: 'no:1' } }), {
      kind: 'invalid',
    })
    await house.pass(30_000)
    t.equal(house.text(), text)

    await save(house, { kind: 'disable', id: 'proxy/' }, { confirm })
    const mended = house.text().replace('# kept', '# mended by hand')
    house.write(mended)
    await house.pass(60_000)
    t.equal(house.text(), mended)
  },
)

t.test(
  'an undoing that fails is tried again; a save that fails leaves nothing to undo',
  async (t) => {
    const folder = t.testdir()
    const house = await deskHouse(folder, text)
    const remove = { kind: 'remove', id: 'proxy/' } as const
    const confirm = 'proxy.example.com'
    // What is accepted is written beside the snapshot, and here it cannot be.
    const inTheWay = join(folder, 'data', 'routes.accepted')
    await save(house, remove, { confirm })
    mkdirSync(inTheWay)
    await house.pass(60_000)
    t.notMatch(house.text(), 'to: admin')
    t.ok(house.events.includes('routes-undo-failed'))
    t.ok(statSync(house.undoFile), 'a restart would undo it')
    rmdirSync(inTheWay)
    await house.pass(60_000)
    t.equal(house.text(), text)
    t.equal((await house.desk.read()).pending, null)

    mkdirSync(inTheWay)
    const open = {
      kind: 'edit',
      id: 'proxy/',
      raw: { host: 'proxy', to: 'admin', access: 'public' },
    }
    await t.rejects(save(house, { ...open, kind: 'edit' }, { confirm }))
    t.equal(house.text(), text)
    t.equal((await house.desk.read()).pending, null)
  },
)

t.test('a restart within the minute undoes it too', async (t) => {
  const folder = t.testdir()
  const house = await deskHouse(folder, text)
  await save(house, { kind: 'remove', id: 'proxy/' }, { confirm: 'proxy.example.com' })
  t.equal(statSync(house.undoFile).mode & 0o777, 0o600)
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const undo = () =>
    undoUnconfirmed({
      file: house.file,
      undoFile: house.undoFile,
      accept: async () => {},
      log: silent,
    })
  t.ok(await undo())
  t.equal(house.text(), text)
  t.notOk(await undo(), 'once')
  const later = await house.again()
  t.ok(later.table().routes.some(({ id }) => id === 'proxy/'))

  await save(later, { kind: 'remove', id: 'proxy/' }, { confirm: 'proxy.example.com' })
  later.write(text.replace('# kept', '# mended'))
  t.notOk(await undo(), 'what somebody wrote since stays')
  t.match(later.text(), '# mended')
})

t.test('killed in the middle of a save, the file is the old one or the new one', async (t) => {
  const folder = t.testdir()
  const house = await deskHouse(folder, text)
  const off = text.replace('box:1000 }', 'box:1000, disabled: true }')
  const child = new URL('../fixtures/save-child.ts', import.meta.url)
  const seen = new Set<string>()
  for (let round = 0; round < 12; round++) {
    const running = fork(child, [folder], { stdio: 'ignore' })
    await new Promise((resolve) => running.once('message', resolve))
    const dead = new Promise((resolve) => running.once('exit', resolve))
    // As long as some saves take, and then in the middle of one.
    const until = performance.now() + 20 + round * 7
    while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve))
    running.kill('SIGKILL')
    await dead
    const left = house.text()
    seen.add(left)
    if (left !== text && left !== off) t.fail(`neither the old nor the new text:\n${left}`)
  }
  const saved = await save(house, { kind: 'text', text: `${text}# after\n` })
  t.equal(saved.kind, 'saved')
  t.strictSame(readdirSync(dirname(house.file)), ['routes.yaml'], 'nothing is left beside it')
  t.ok(seen.size > 0)
})

t.test('a link is followed and stays a link; mode and folder stay', async (t) => {
  const folder = t.testdir()
  const house = await deskHouse(folder, text)
  const real = join(folder, 'elsewhere')
  mkdirSync(real)
  renameSync(house.file, join(real, 'table.yaml'))
  symlinkSync(join(real, 'table.yaml'), house.file)
  chmodSync(join(real, 'table.yaml'), 0o640)
  t.equal((await save(house, { kind: 'disable', id: 'a/' })).kind, 'saved')
  t.ok(lstatSync(house.file).isSymbolicLink())
  t.match(readFileSync(join(real, 'table.yaml'), 'utf8'), 'disabled: true')
  t.equal(statSync(join(real, 'table.yaml')).mode & 0o777, 0o640)
  t.strictSame(readdirSync(real), ['table.yaml'])
})

t.test(
  'a folder that cannot be written in is said with its remedy, and the file stays',
  async (t) => {
    const folder = t.testdir()
    const house = await deskHouse(folder, text)
    const child = fork(new URL('../fixtures/save-refused-child.ts', import.meta.url), [folder], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const answer = await new Promise((resolve) => child.once('message', resolve))
    t.match(answer, { code: 'routes-unwritable', remedy: /replaced whole, beside the old one/ })
    t.equal(house.text(), text)
  },
)

t.test('what is not UTF-8 is not read as if it were, and so never written back', async (t) => {
  const house = await deskHouse(t.testdir(), text)
  writeFileSync(
    house.file,
    Buffer.concat([Buffer.from(text), Buffer.from('# caf\xe9\n', 'latin1')]),
  )
  await t.rejects(house.desk.read(), { code: 'routes-unreadable', message: /is not UTF-8/ })
  await t.rejects(house.desk.preview({ kind: 'disable', id: 'a/' }, null), {
    code: 'routes-unreadable',
  })
  const there = readFileSync(house.file)
  t.equal(there.at(-2), 0xe9)
})

t.test('in a git checkout every save is a commit of that file, by who saved', async (t) => {
  const folder = t.testdir()
  const house = await deskHouse(folder, text, { git: runGit })
  const config = dirname(house.file)
  const git = async (...args: string[]) => {
    const { code, output } = await runGit(
      ['-c', 'user.name=T', '-c', 'user.email=t@x', ...args],
      config,
    )
    if (code !== 0) throw new Error(`git ${args.join(' ')}: ${output}`)
    return output.trim()
  }
  t.equal((await save(house, { kind: 'disable', id: 'a/' })).kind, 'saved', 'without a checkout')
  await git('init', '--quiet')
  writeFileSync(join(config, 'other'), 'one\n')
  await save(house, { kind: 'enable', id: 'a/' })
  await t.rejects(git('log', '--oneline'), 'a file that git does not follow is left alone')
  await git('add', 'routes.yaml', 'other')
  await git('commit', '--quiet', '--message=begin')
  // Nothing of the repository is run, and what is staged besides stays staged.
  mkdirSync(join(config, '.git', 'hooks'), { recursive: true })
  for (const hook of ['pre-commit', 'commit-msg', 'post-commit']) {
    writeFileSync(join(config, '.git', 'hooks', hook), '#!/bin/sh\ntouch hooked\nexit 1\n', {
      mode: 0o755,
    })
  }
  await git('config', 'core.fsmonitor', 'touch watched')
  writeFileSync(join(config, 'other'), 'two\n')
  await git('-c', 'core.fsmonitor=false', 'add', 'other')
  await save(house, { kind: 'disable', id: 'b/' }, { note: 'for a while' })
  const log = () => git('-c', 'core.fsmonitor=false', 'log', '--format=%an <%ae>|%cn|%s|%b')
  t.equal(
    (await log()).split('\n')[0],
    'Diego <diego@example.com>|Gatehouse|routes: b/ switched off|for a while',
  )
  t.equal(
    await git('-c', 'core.fsmonitor=false', 'show', '--name-only', '--format='),
    'routes.yaml',
  )
  t.equal(await git('-c', 'core.fsmonitor=false', 'show', 'HEAD:routes.yaml'), house.text().trim())
  t.strictSame(readdirSync(config).toSorted(), ['.git', 'other', 'routes.yaml'])

  house.write(house.text().replace('# kept', '# by hand'))
  await save(house, { kind: 'enable', id: 'b/' })
  t.strictSame(
    (await log())
      .split('\n')
      .filter((line) => line !== '')
      .slice(0, 2)
      .map((line) => line.split('|').slice(0, 3)),
    [
      ['Diego <diego@example.com>', 'Gatehouse', 'routes: b/ switched on'],
      ['Gatehouse <gatehouse@example.com>', 'Gatehouse', 'routes: written outside the admin'],
    ],
  )
  writeFileSync(join(config, '.git', 'index.lock'), '')
  t.equal((await save(house, { kind: 'disable', id: 'b/' })).kind, 'saved', 'a save is a save')
  t.ok(house.events.includes('routes-commit-failed'))
})
