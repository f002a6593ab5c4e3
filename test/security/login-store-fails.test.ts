// The attack: to make the check unable to answer, and see what it says then. A database that is locked, damaged or on a full disk:
// authentik CVE-2026-49448 and every "fail open" of a forward-auth outpost. Here who is signed in stays so, out of memory; what
// would need the database is refused with 503 and grants nothing; a sign-out holds although it could not be written down; and the
// log names the cause.

import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { privateRow, recordingBackend } from '../fixtures/edge.ts'
import { loginOrigin, startGateway, type TestGateway, testDomain } from '../fixtures/gateway.ts'
import { startGatewayProcess } from '../fixtures/gateway-process.ts'
import {
  accountCookie,
  type KnownPerson,
  sessionCookie,
  type TestPerson,
} from '../fixtures/people.ts'
import { createPerson, formTo, type Person, type Town } from '../fixtures/person.ts'
import { enterCode, enterPassword, signInWithPassword } from '../fixtures/sign-in.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const routes = [
  privateRow('app', backend.port),
  privateRow('admins', backend.port, 'access: { groups: [admins] }'),
].join('\n')
const people: readonly TestPerson[] = [
  { id: 'diego', password: 'correct horse', totp: true, tokens: [{ label: 'all' }] },
  { id: 'erin', password: 'staple', totp: true, recoveryCodes: true },
]
const app = `https://app.${testDomain}/`
const auth = new URL(loginOrigin).hostname

function signedIn(town: Town, { session }: KnownPerson): Person {
  const person = createPerson(town)
  const { token, accountToken } = session
  person.jar.put({ name: sessionCookie, value: token, domain: testDomain, hostOnly: false })
  person.jar.put({ name: accountCookie, value: accountToken, domain: auth })
  return person
}

/** What must hold whatever happens to the database. */
async function inMemory(t: Test, town: Town, person: KnownPerson): Promise<void> {
  const me = signedIn(town, person)
  t.equal((await me.request(app)).status, 200, 'a session goes on')
  t.equal((await me.request(`https://admins.${testDomain}/`)).status, 403, 'as what it was')
  const authorization = `Bearer ${person.tokens.all}`
  const program = await me.request(app, { anonymous: true, headers: { authorization } })
  t.equal(program.status, 200, 'a token too')
  const stranger = createPerson(town)
  t.equal((await stranger.request(app)).status, 401, 'a stranger stays one')
  stranger.jar.put({
    name: sessionCookie,
    value: 'A'.repeat(43),
    domain: testDomain,
    hostOnly: false,
  })
  t.equal((await stranger.request(app)).status, 401)
}

/** Tries to sign in; whatever the answer is, it grants nothing. @returns its status. */
async function refused(t: Test, town: Town, known: KnownPerson): Promise<number> {
  const person = createPerson(town)
  let page = await person.visit(`${loginOrigin}/`)
  if (page.status === 200) page = await enterPassword(person, known)
  if (page.status === 200) page = await enterCode(person, page, known)
  t.equal(person.jar.value(auth, sessionCookie), null, 'no session was given')
  t.equal((await person.request(app)).status, 401)
  return page.status
}

function sqlite(gateway: { readonly directory: string }): DatabaseSync {
  return new DatabaseSync(join(gateway.directory, 'data', 'gatehouse.db'))
}

t.test('locked by another program', async (t) => {
  const gateway = await startGateway({ routes, people })
  t.teardown(() => gateway.close())
  const diego = gateway.known('diego')
  await signInWithPassword(createPerson(gateway), diego)
  const other = sqlite(gateway)
  other.exec('BEGIN EXCLUSIVE')
  try {
    await inMemory(t, gateway, diego)
    t.equal(await refused(t, gateway, gateway.known('erin')), 503)
    const me = signedIn(gateway, gateway.known('erin'))
    const page = await me.visit(`${loginOrigin}/sign-out`)
    await me.submit(page, formTo(page, '/sign-out'))
    const thief = signedIn(gateway, gateway.known('erin'))
    t.equal((await thief.request(app)).status, 401, 'a sign-out holds at once')
    t.ok(saysStore(gateway), 'the log names the cause')
  } finally {
    other.exec('ROLLBACK')
    other.close()
  }
  const done = await signInWithPassword(createPerson(gateway), gateway.known('erin'))
  t.equal(done.status, 200, 'afterwards all is as before')
  const thief = signedIn(gateway, gateway.known('erin'))
  t.equal((await thief.request(app)).status, 401, 'and the sign-out still holds')
})

t.test('damaged', async (t) => {
  const gateway = await startGateway({ routes, people })
  t.teardown(() => gateway.close())
  const diego = gateway.known('diego')
  const other = sqlite(gateway)
  other.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  other.close()
  const file = openSync(join(gateway.directory, 'data', 'gatehouse.db'), 'r+')
  writeSync(file, Buffer.alloc(fstatSync(file).size, 0xa5), 0, null, 0)
  closeSync(file)
  await inMemory(t, gateway, diego)
  const status = await refused(t, gateway, gateway.known('erin'))
  t.equal(status, 503)
  t.ok(saysStore(gateway), 'the log names the cause')
  await gateway.stop()
  await t.rejects(
    startGateway({ routes, directory: gateway.directory }),
    /database|restore|damaged|corrupt/i,
    'nor does a gateway start that knows nobody',
  )
})

t.test('on a full disk', async (t) => {
  const gateway = await startGatewayProcess(t, { routes, people })
  const diego = gateway.known('diego')
  await signInWithPassword(createPerson(gateway), diego)
  gateway.fullDisk(true)
  await inMemory(t, gateway, diego)
  t.equal(await refused(t, gateway, gateway.known('erin')), 503)
  t.match(gateway.said(), /store|database|disk/i)
  gateway.fullDisk(false)
  const done = await signInWithPassword(createPerson(gateway), gateway.known('erin'))
  t.equal(done.status, 200, 'with room again all is as before')
})

t.test('a wrong or missing key is no way in, and no empty house', async (t) => {
  const gateway = await startGateway({ routes, people })
  t.teardown(() => gateway.close())
  await gateway.stop()
  const key = join(gateway.directory, 'data', 'gatehouse.key')
  await rename(key, `${key}.away`)
  await t.rejects(startGateway({ routes, directory: gateway.directory }), /key/i)
  await writeFile(key, 'no key at all\n', { mode: 0o600 })
  await t.rejects(startGateway({ routes, directory: gateway.directory }), /key/i)
  await rm(key, { force: true })
  await rename(`${key}.away`, key)
  const again = await startGateway({ routes, directory: gateway.directory })
  t.teardown(() => again.close())
  t.equal((await signedIn(again, gateway.known('diego')).request(app)).status, 200)
})

function saysStore(gateway: TestGateway): boolean {
  return gateway
    .events()
    .some(
      (event) => /store|database|sqlite/i.test(JSON.stringify(event)) && event.level !== 'debug',
    )
}
