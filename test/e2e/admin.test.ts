// The admin of a gateway that runs: the way in from the login page, the API with a token, an edit that comes into force.

import t from 'tap'
import { startGateway, testDomain } from '../fixtures/gateway.ts'
import { createPerson } from '../fixtures/person.ts'
import { signInWithPassword } from '../fixtures/sign-in.ts'

const admin = `https://proxy.${testDomain}`
const gateway = await startGateway({
  routes: '- { host: app, to: "http://127.0.0.1:9", access: public, prefix: true }',
  people: [
    { id: 'diego', groups: ['admin'], password: 'correct horse', totp: true },
    { id: 'ana', password: 'battery staple', totp: true },
  ],
})
t.teardown(() => gateway.close())

t.test('an administrator who signs in comes to the admin, and nobody else', async (t) => {
  const diego = createPerson(gateway)
  const page = await signInWithPassword(diego, gateway.known('diego'), { at: `${admin}/` })
  t.equal(page.status, 200)
  t.equal(page.url, `${admin}/`)
  t.match(page.words, 'app')
  const ana = createPerson(gateway)
  const refused = await signInWithPassword(ana, gateway.known('ana'), { at: `${admin}/` })
  t.equal(refused.status, 403)
})
