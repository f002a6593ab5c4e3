// What a page does through the gateway, in Chromium: WebSocket on a stream of HTTP/2, events as they happen, a form's upload,
// and what a foreign page may not do.

import type { IncomingMessage } from 'node:http'
import type { Page } from 'playwright-core'
import t from 'tap'
import {
  echoBackend,
  httpBackend,
  sseBackend,
  uploadBackend,
  webSocketBackend,
} from '../fixtures/backends.ts'
import { hasChromium, startBrowser } from '../fixtures/browser.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'

t.test('what pages do through the gateway', { timeout: 100_000 }, async (t) => {
  if (!hasChromium(t)) return
  const asked: IncomingMessage[] = []
  const [site, sockets, events, uploads, secret] = await Promise.all([
    httpBackend((req, res) => {
      asked.push(req)
      res.setHeader('content-type', 'text/html')
      res.end(formPage)
    }),
    webSocketBackend(),
    sseBackend(),
    uploadBackend(),
    echoBackend(),
  ])
  const backends = [site, sockets, events, uploads, secret]
  t.teardown(() => Promise.all(backends.map((backend) => backend.close())))
  const open = 'access: public, prefix: true'
  const gateway = await startGateway({
    routes: `
      - { service: Site, host: site, to: '${site.origin}', ${open} }
      - { service: Socket, host: site, path: /socket, to: '${sockets.origin}', ${open}, webSocket: true }
      - { service: Events, host: site, path: /events, to: '${events.origin}', ${open} }
      - { service: Uploads, host: site, path: /upload, to: '${uploads.origin}', ${open} }
      - { service: Foreign, host: foreign, to: { landing: / }, access: public }
      - { service: Terminal, host: terminal, to: '${secret.origin}', webSocket: true }
      - { service: Files, host: files, to: '${secret.origin}' }`,
  })
  t.teardown(() => gateway.close())
  const browser = await startBrowser(t, gateway)
  const origin = (host: string) => `https://${host}.${testDomain}:${gateway.https}`
  const opened = async (url: string) => {
    const page = await browser.newPage()
    await page.goto(url)
    return page
  }

  await t.test('a WebSocket goes over the page’s own HTTP/2 connection (RFC 8441)', async (t) => {
    const page = await opened(`${origin('site')}/`)
    const got = await evaluate(
      page,
      `new Promise((resolve, reject) => {
      const socket = new WebSocket('wss://' + location.host + '/socket')
      socket.onopen = () => socket.send('through the gateway')
      socket.onmessage = (event) => { resolve(event.data); socket.close(1000) }
      socket.onerror = () => reject(new Error('no WebSocket'))
    })`,
    )
    t.equal(got, 'through the gateway')
    t.equal(asked[0]?.headers['x-forwarded-proto'], 'https')
    await page.close()
    const lines = await gateway.accessLines()
    t.match(
      lines.filter((line) => line.path === '/socket'),
      [{ protocol: 'HTTP/2', status: 200, outcome: 'ok' }],
    )
  })

  await t.test('an event arrives while the answer goes on', async (t) => {
    const page = await opened(`${origin('site')}/`)
    await evaluate(
      page,
      `new Promise((resolve) => {
      window.seen = []
      window.source = new EventSource('/events')
      source.onmessage = (event) => { seen.push(event.data); resolve() }
    })`,
    )
    t.strictSame(await evaluate(page, 'seen'), ['hello'])
    t.equal(events.streams(), 1, 'the answer has not ended')
    events.tick('second')
    await page.waitForFunction('seen.length === 2', undefined, { timeout: 5_000 })
    t.strictSame(await evaluate(page, 'seen'), ['hello', 'second'])
    await page.close()
  })

  await t.test('a form uploads a file', async (t) => {
    const page = await opened(`${origin('site')}/`)
    await page.setInputFiles('input', {
      name: 'a.bin',
      mimeType: 'application/octet-stream',
      buffer: Buffer.alloc(3_000_000, 7),
    })
    await Promise.all([page.waitForURL('**/upload'), page.click('button')])
    t.match(uploads.uploads, [{ complete: true }])
    t.ok((uploads.uploads[0]?.bytes ?? 0) > 3_000_000)
    t.match(await page.textContent('body'), 'sha256')
    await page.close()
  })

  await t.test('a foreign page gets nothing of a private service', async (t) => {
    // Same site, other origin: the neighbour that went bad. Its own page may not even run a script, so the POST comes from `site`.
    const page = await opened(`${origin('site')}/`)
    const socket = await evaluate(
      page,
      `new Promise((resolve) => {
      const socket = new WebSocket('${origin('terminal').replace('https', 'wss')}/')
      socket.onopen = () => resolve('open')
      socket.onerror = () => resolve('refused')
    })`,
    )
    t.equal(socket, 'refused')
    const read = `fetch('${origin('files')}/', { method: 'POST', body: 'x', credentials: 'include' }).then(() => 'read', () => 'refused')`
    t.equal(await evaluate(page, read), 'refused')
    const blind = `fetch('${origin('files')}/', { method: 'POST', body: 'x', mode: 'no-cors', credentials: 'include' }).then((r) => r.type)`
    t.equal(await evaluate(page, blind), 'opaque')
    await page.evaluate(`(() => {
      const form = document.forms[0]
      form.action = '${origin('files')}/form'
      form.submit()
    })()`)
    await page.waitForURL('**/form')
    t.match(await page.title(), 'sign in', 'the form ends at the page for strangers')
    await page.close()
    t.equal(secret.accepted(), 0, 'no connection reached the backend')
    const lines = (await gateway.accessLines()).filter((line) =>
      [`terminal.${testDomain}`, `files.${testDomain}`].includes(String(line.host)),
    )
    // 421: tried on the connection to the neighbour first, which has the same certificate, and then on its own.
    for (const line of lines) {
      t.ok(line.status === 401 || line.status === 421, JSON.stringify(line))
      t.equal(line.upstream, null)
    }
    t.ok(lines.filter(({ status }) => status === 401).length >= 3)
  })
})

const formPage = `<!doctype html><html lang="en"><title>Site</title>
<form method="post" action="/upload" enctype="multipart/form-data"><input type="file" name="file"><button>Send</button></form>`

/** Scripts for the page are text: the type checker knows Node's world here, not the browser's. */
function evaluate(page: Page, script: string): Promise<unknown> {
  return page.evaluate(script)
}
