// The router of the admin decodes paths: `/%61pi/v1/users` is the API to it. Attack: write the API so, that the guard in front of
// it takes it for a page: a sibling host then has a browser open it, a form posts to it, a stranger is led to the login.

import t from 'tap'
import { adminOrigin, openAdmin, program } from '../fixtures/admin-visitor.ts'
import { startGateway } from '../fixtures/gateway.ts'

const gateway = await startGateway({
  routes: '- { host: app, to: "http://127.0.0.1:9", access: public, prefix: true }',
  people: [{ id: 'diego', groups: ['admin'], tokens: [{ label: 'all', scopes: ['admin:write'] }] }],
})
t.teardown(() => gateway.close())
const { person, csrf } = await openAdmin(gateway, 'diego')
const token = program(gateway, gateway.known('diego').tokens.all ?? '')
const spellings = ['/api/v1/users', '/%61pi/v1/users', '/%61%70%69/v1/users', '/ap%69/v1/%75sers']
const sibling = {
  'sec-fetch-site': 'same-site',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  accept: 'text/html',
}

for (const path of spellings) {
  t.test(`${path} is the API for the guard too`, async (t) => {
    const opened = await person.request(adminOrigin + path, { headers: sibling })
    t.equal(opened.status, 403, opened.text)
    const posted = await person.request(adminOrigin + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
        origin: adminOrigin,
      },
      body: new URLSearchParams({ id: 'eve', _csrf: Object.values(csrf)[0] ?? '' }).toString(),
    })
    t.equal(posted.status, 415, posted.text)
    t.equal((await token.call('GET', path)).status, 200, 'and it is the same one')
  })
}
