// The admin's live events go on for hours. Attack: open them with a stolen session, a token, somebody's browser, and keep listening
// after the theft was noticed: the token is revoked, the session ended, everybody signed out, the person no administrator any more.
// Whatever ends the right to ask ends what is under way, within a second or with the next look.

import type { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { adminHost, openAdmin, program } from '../fixtures/admin-visitor.ts'
import { http1Stream } from '../fixtures/clients.ts'
import { startGateway } from '../fixtures/gateway.ts'

const routes = '- { host: app, to: "http://127.0.0.1:9", access: public, prefix: true }'

interface Listener {
  readonly stream: Readable
  /** False: it was still open after five seconds. */
  readonly ended: Promise<boolean>
}

async function house(t: Test) {
  const gateway = await startGateway({
    routes,
    people: [
      {
        id: 'diego',
        groups: ['admin'],
        tokens: [{ label: 'reads', scopes: ['admin:read'] }],
      },
      { id: 'ana', groups: ['admin'], tokens: [{ label: 'all', scopes: ['admin:write'] }] },
    ],
  })
  t.teardown(() => gateway.close())
  const listen = async (headers: Readonly<Record<string, string>>): Promise<Listener> => {
    const stream = await http1Stream(gateway.https, {
      host: adminHost,
      path: '/api/v1/events',
      tls: { ca: gateway.ca.certPem },
      headers,
    })
    t.equal(stream.statusCode, 200)
    t.teardown(() => void stream.destroy())
    let text = ''
    const begun = new Promise<void>((resolve) => {
      stream.on('data', (chunk: Buffer) => {
        text += chunk
        if (text.includes('event: lockdown')) resolve()
      })
    })
    stream.on('error', () => {})
    const ended = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), 5_000)
      stream.on('close', () => {
        clearTimeout(timer)
        resolve(true)
      })
    })
    await begun
    return { stream, ended }
  }
  const byToken = () =>
    listen({ authorization: `Bearer ${gateway.known('diego').tokens.reads ?? ''}` })
  const byBrowser = async () => {
    const { person } = await openAdmin(gateway, 'diego')
    return listen({ cookie: person.jar.header(adminHost, '/') ?? '' })
  }
  const ana = program(gateway, gateway.known('ana').tokens.all ?? '')
  return { gateway, byToken, byBrowser, ana }
}

t.test('a revoked token hears no more', async (t) => {
  const { byToken, ana } = await house(t)
  const { ended } = await byToken()
  const revoked = await ana.call('DELETE', '/api/v1/tokens?user=diego')
  t.match(revoked.json, { revoked: 1 })
  t.equal(await ended, true)
})

t.test('a session that ended hears no more', async (t) => {
  const { byBrowser, ana } = await house(t)
  const { ended } = await byBrowser()
  t.match((await ana.call('DELETE', '/api/v1/sessions?user=diego')).json, { ended: 1 })
  t.equal(await ended, true)
})

t.test('panic ends it for everybody, and is answered', async (t) => {
  const { byBrowser, byToken, ana } = await house(t)
  const open = [await byBrowser(), await byToken()]
  const told = await ana.call('POST', '/api/v1/sessions/panic', { body: { confirm: 'panic' } })
  t.equal(told.status, 200, told.text)
  for (const { ended } of open) t.equal(await ended, true)
})

t.test('who is no administrator any more hears no more', async (t) => {
  const { byBrowser, byToken, ana } = await house(t)
  const open = [await byBrowser(), await byToken()]
  const { etag } = await ana.call('GET', '/api/v1/users/diego')
  const put = await ana.call('PATCH', '/api/v1/users/diego', {
    body: { groups: ['family'] },
    ifMatch: etag,
  })
  t.equal(put.status, 200, put.text)
  for (const { ended } of open) t.equal(await ended, true)
})

t.test('a command beside the gateway ends it too', async (t) => {
  const { gateway, byBrowser, byToken } = await house(t)
  const open = [await byBrowser(), await byToken()]
  await gateway.change(({ users }) =>
    users.changeUser(gateway.known('diego').id, { disabled: true }),
  )
  for (const { ended } of open) t.equal(await ended, true)
})
