// The waiting page in Chromium, before a server that plays the gateway: it follows the steps, goes on, and goes in no circles.

import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import type { Host, RequestId } from '../../src/model.ts'
import { renderWaiting, startedAnswer } from '../../src/pages/waiting.ts'
import { waitingScript } from '../../src/pages/waiting-script.ts'
import type { WaitingStatus } from '../../src/pages/waiting-words.ts'
import { heartbeatFrame, openingFrame, statusFrame } from '../../src/wake/events.ts'
import { chromiumPath, hasChromium } from '../fixtures/browser.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const asleep: WaitingStatus = { kind: 'asleep' }
const capacity: WaitingStatus = {
  kind: 'resting',
  fault: 'capacity',
  cloud: 'Oracle',
  retryAt: Date.UTC(2026, 10, 21, 11, 34),
  timeZone: 'Europe/Berlin',
}
const waking = (step: Extract<WaitingStatus, { kind: 'waking' }>['step']): WaitingStatus => ({
  kind: 'waking',
  step,
  elapsedMs: 20_000,
  expectedMs: 55_000,
})

/** Answers as the gateway would while `status` holds. */
async function serve(t: Test, initial: WaitingStatus = waking('asking')) {
  let status = initial
  const streams = new Set<ServerResponse>()
  const counts = { pages: 0, streams: 0, posts: [] as string[] }
  const answers = { stream: 200, retryAfterSeconds: 40 }
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    if (path === waitingScript().url) {
      const { headers, body } = waitingScript().answer
      response.writeHead(200, [...headers]).end(body)
    } else if (path === '/.gatehouse/wake/events/albums') {
      counts.streams += 1
      if (answers.stream !== 200) {
        response.writeHead(answers.stream).end()
        return
      }
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      response.write(openingFrame + statusFrame(status, 'Photos') + heartbeatFrame)
      streams.add(response)
      response.on('close', () => streams.delete(response))
    } else if (path.startsWith('/.gatehouse/wake/start/')) {
      counts.posts.push(path)
      status = waking('asking')
      const { headers } = startedAnswer(path.slice('/.gatehouse/wake/start'.length))
      response.writeHead(303, [...headers]).end()
    } else if (path !== '/favicon.ico' && status.kind !== 'ready') {
      counts.pages += 1
      const answer = renderWaiting(
        {
          path,
          service: 'Photos',
          status,
          waking: true,
          mayStart: true,
          signIn: null,
          live: true,
          retryAfterSeconds: answers.retryAfterSeconds,
          publicPort: 443,
        },
        {
          accept: 'text/html',
          contentType: null,
          method: 'GET',
          id: '9f86d081884c1' as RequestId,
          host: 'photos.example.com' as Host,
          loginHost: 'auth.example.com' as Host,
        },
      )
      response.writeHead(answer.status, [...answer.headers]).end(answer.body)
    } else {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Albums</h1>')
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/albums?page=2`,
    counts,
    answers,
    become(next: WaitingStatus) {
      status = next
      for (const stream of streams) stream.write(statusFrame(next, 'Photos'))
    },
    /** The streams break, as when the gateway restarts. */
    cut() {
      for (const stream of streams) stream.destroy()
    },
  }
}

async function openPage(
  t: Test,
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext(options)
  t.teardown(() => context.close())
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (!message.text().includes('the server responded with a status of')) {
      errors.push(message.text())
    }
  })
  return { page, errors }
}

t.setTimeout(150_000)

t.test('the waiting page in a browser', { timeout: 120_000 }, async (t) => {
  if (!hasChromium(t)) return
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  t.teardown(() => browser.close())
  const heading = (page: Page, text: string) =>
    page.getByRole('heading', { name: text }).waitFor({ timeout: 10_000 })

  await t.test('from asleep to the service, step by step, on one address', async (t) => {
    const gateway = await serve(t)
    const { page, errors } = await openPage(t, browser)
    await page.goto(gateway.url)
    await heading(page, 'Photos is waking up')
    for (const [step, name] of [
      ['asking', 'The cloud is asked'],
      ['starting', 'The machine starts'],
      ['booting', 'Its system boots'],
      ['waiting-for-service', 'The service answers'],
    ] as const) {
      gateway.become(waking(step))
      await page.locator('li[aria-current=step]', { hasText: name }).waitFor({ timeout: 5_000 })
    }
    gateway.become({ kind: 'ready' })
    await heading(page, 'Albums')
    t.equal(page.url(), gateway.url)
    t.equal(gateway.counts.pages, 1)
    t.strictSame(errors, [])
  })

  await t.test('a stream that breaks comes back', async (t) => {
    const gateway = await serve(t)
    const { page } = await openPage(t, browser)
    await page.goto(gateway.url)
    gateway.become(waking('booting'))
    await page.locator('li[aria-current=step]', { hasText: 'system' }).waitFor({ timeout: 5_000 })
    gateway.cut()
    gateway.become({ kind: 'ready' })
    await heading(page, 'Albums')
    t.equal(gateway.counts.streams, 2)
  })

  await t.test('a session that ended: the page is loaded anew, once', async (t) => {
    const gateway = await serve(t)
    gateway.answers.stream = 401
    const { page } = await openPage(t, browser)
    await page.goto(gateway.url)
    await page.getByRole('link', { name: 'Try again' }).waitFor({ timeout: 10_000 })
    t.equal(gateway.counts.pages, 2, 'not in circles')
  })

  await t.test('a tab that nobody looks at says it is ready, and waits', async (t) => {
    const gateway = await serve(t)
    const { page } = await openPage(t, browser)
    const hide = `
      let state = 'hidden'
      Object.defineProperty(document, 'visibilityState', { get: () => state })
      globalThis.lookAt = () => { state = 'visible'; document.dispatchEvent(new Event('visibilitychange')) }`
    await page.addInitScript(hide)
    await page.goto(gateway.url)
    gateway.become({ kind: 'ready' })
    await page.waitForFunction('document.title === "Photos is ready"')
    t.match(await page.textContent('h1'), 'Photos is ready')
    await page.evaluate('lookAt()')
    await heading(page, 'Albums')
  })

  for (const javaScriptEnabled of [true, false]) {
    await t.test(`the button, ${javaScriptEnabled ? 'with' : 'without'} a script`, async (t) => {
      const gateway = await serve(t, asleep)
      gateway.answers.retryAfterSeconds = 2
      const { page } = await openPage(t, browser, { javaScriptEnabled })
      await page.goto(gateway.url)
      await page.getByRole('button', { name: 'Wake it up' }).click()
      await heading(page, 'Photos is waking up')
      t.strictSame(gateway.counts.posts, ['/.gatehouse/wake/start/albums?page=2'])
      t.equal(page.url(), gateway.url)
      t.equal(await page.getByRole('button', { name: 'Wake it up' }).isVisible(), false)
      gateway.become({ kind: 'ready' })
      await heading(page, 'Albums')
    })
  }

  await t.test('it fits, reads and is accessible, in light and dark', async (t) => {
    const folder = process.env.GATEHOUSE_TEST_SCREENSHOTS
    const gateway = await serve(t)
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, errors } = await openPage(t, browser, { colorScheme })
      // Our policy lets no other script in; this page is looked at in a context that does not mind.
      const inspected = await openPage(t, browser, { colorScheme, bypassCSP: true })
      for (const [name, status] of [
        ['waking', waking('booting')],
        ['asleep', asleep],
        ['capacity', capacity],
      ] as const) {
        gateway.become(status)
        for (const width of [320, 1_280]) {
          await page.setViewportSize({ width, height: 720 })
          await page.goto(gateway.url)
          const beyond = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
          t.equal(beyond, 0, `${name}, ${width}`)
          if (folder === undefined) continue
          await page.screenshot({ path: join(folder, `wait-${name}-${width}-${colorScheme}.png`) })
        }
        await inspected.page.goto(gateway.url)
        await inspected.page.evaluate(axe)
        const violations = await inspected.page.evaluate(
          'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + nodes[0].html))',
        )
        t.strictSame(violations, [], `${name}, ${colorScheme}`)
      }
      t.strictSame(errors, [])
    }
  })
})
