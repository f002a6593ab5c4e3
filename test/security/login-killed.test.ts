// The accident that an attacker can cause: the process dies without a word (out of memory, a crash, `kill -9`) and starts again. Who
// was signed in still is; who had signed out, was revoked, or had used up a code or a link, finds that remembered too.

import { randomBytes } from 'node:crypto'
import t from 'tap'
import { newSecret, secretHash } from '../../src/auth/secret-text.ts'
import { privateRow, recordingBackend } from '../fixtures/edge.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { type GatewayProcess, startGatewayProcess } from '../fixtures/gateway-process.ts'
import { sessionCookie } from '../fixtures/people.ts'
import { createPerson, formTo, type Person } from '../fixtures/person.ts'
import { enterCode, enterPassword, signInWithPassword } from '../fixtures/sign-in.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const routes = privateRow('app', backend.port)
const app = `https://app.${testDomain}/`
const auth = new URL(loginOrigin).hostname

t.test('kill -9, and start again', async (t) => {
  const before = await startGatewayProcess(t, {
    routes,
    people: [
      { id: 'diego', password: 'correct horse', totp: true, session: false },
      { id: 'gone', password: 'staple', totp: true },
      { id: 'leaver', password: 'battery', totp: true },
    ],
  })
  const diego = before.known('diego')
  const person = createPerson(before)
  t.equal((await signInWithPassword(person, diego, { remember: true })).status, 200)
  t.equal((await person.request(app)).status, 200)

  const leaver = visitor(
    before,
    before.known('leaver').session.token,
    before.known('leaver').session.accountToken,
  )
  const page = await leaver.visit(`${loginOrigin}/sign-out`)
  await leaver.submit(page, formTo(page, '/sign-out'))
  await before.change(({ sessions }) => sessions.remove([before.known('gone').session.ref]))
  const link = newSecret(randomBytes)
  const hash = secretHash(link)
  await before.change(async ({ users }) => {
    const at = Date.now()
    await users.addLink({ hash, user: diego.id, createdAt: at, expiresAt: at + 3_600_000 })
    await users.spendLink(hash, at)
  })
  await before.kill('SIGKILL')
  t.equal(before.child.signalCode, 'SIGKILL')

  const after = await startGatewayProcess(t, { routes, directory: before.directory })
  const again = createPerson(after, { jar: person.jar })
  t.equal((await again.request(app)).status, 200, 'still signed in')
  again.jar.restart()
  t.equal((await again.request(app)).status, 200, 'and remembered when the browser was closed')
  t.equal((await again.visit(`${loginOrigin}/account`)).url, `${loginOrigin}/account`)
  for (const name of ['leaver', 'gone']) {
    const { token, accountToken } = before.known(name).session
    t.equal((await visitor(after, token, accountToken).request(app)).status, 401, name)
  }
  const other = createPerson(after)
  const half = await enterPassword(other, diego)
  const replayed = await enterCode(other, half, diego)
  t.ok(replayed.status >= 400, 'the code that was used before is still used')
  t.equal(other.jar.value(auth, sessionCookie), null)
  const enrol = await createPerson(after).visit(`${loginOrigin}/enrol/${link}`)
  t.ok(enrol.status >= 400, `the link that was used is still used: ${enrol.status}`)
})

function visitor(town: GatewayProcess, token: string, accountToken: string): Person {
  const person = createPerson(town)
  person.jar.put({ name: sessionCookie, value: token, domain: testDomain, hostOnly: false })
  person.jar.put({ name: '__Host-gatehouse-account', value: accountToken, domain: auth })
  return person
}
