// Our own pages in Chromium: on a phone and a desk, in light and dark, with the keyboard, for WCAG's machine-checked part.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { closedPort } from '../fixtures/backends.ts'
import { hasChromium, startBrowser } from '../fixtures/browser.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const longWord = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'
const sizes = {
  phone: { width: 320, height: 640 },
  desk: { width: 1440, height: 900 },
} as const
const pages = [
  { name: 'failure', host: 'down', status: 502, controls: 1 },
  { name: 'landing', host: 'photos', status: 200, controls: 1 },
  { name: 'maintenance', host: 'closed', status: 503, controls: 1 },
  { name: 'unknown', host: `${longWord.slice(0, 20)}-${'x'.repeat(40)}`, status: 404, controls: 0 },
] as const

t.test('every page of ours, as a visitor meets it', { timeout: 100_000 }, async (t) => {
  if (!hasChromium(t)) return
  const port = await closedPort()
  const gateway = await startGateway({
    routes: `
      - { service: Down, host: down, to: 'http://127.0.0.1:${port}', access: public, prefix: true }
      - { service: Photos, host: photos, to: { landing: /albums }, access: public }
      - { service: Closed, host: closed, to: 'http://127.0.0.1:${port}', access: public, prefix: true, maintenance: 'The painters of the ${longWord} are in.' }`,
  })
  t.teardown(() => gateway.close())
  const browser = await startBrowser(t, gateway)

  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ viewport, colorScheme })
      for (const { name, host, status, controls } of pages) {
        await t.test(`${name}, ${size}, ${colorScheme}`, async (t) => {
          const page = await context.newPage()
          const errors: string[] = []
          page.on('pageerror', (error) => errors.push(String(error)))
          page.on('requestfailed', (request) => errors.push(`failed: ${request.url()}`))
          page.on('console', (message) => {
            // Chromium writes one about every page with such a status.
            const ofStatus = `the server responded with a status of ${status}`
            if (!message.text().includes(ofStatus)) errors.push(message.text())
          })
          const url = `https://${host}.${testDomain}:${gateway.https}/`
          const response = await page.goto(url)
          t.equal(response?.status(), status)
          t.match(response?.headers()['content-security-policy'], "default-src 'none'")
          t.strictSame(await look(page), { lang: 'en', main: 1, h1: 1, titled: true, overflow: 0 })
          t.equal((await brightness(page)) > 127, colorScheme === 'light')
          t.strictSame(await reachedByKeyboard(page), { reached: controls, of: controls })
          t.strictSame(await violations(page), [])
          t.strictSame(errors, [])
          const folder = process.env.GATEHOUSE_TEST_SCREENSHOTS
          if (folder !== undefined) {
            await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`) })
          }
          await page.close()
        })
      }
      await context.close()
    }
  }
})

// Scripts for the page are text: the type checker knows Node's world here, not the browser's.

function look(page: Page): Promise<unknown> {
  return page.evaluate(`({
    lang: document.documentElement.lang,
    main: document.querySelectorAll('main').length,
    h1: document.querySelectorAll('main h1').length,
    titled: document.title.trim() !== '',
    overflow: Math.max(0, document.documentElement.scrollWidth - innerWidth),
  })`)
}

/** Brightness of the paper's red, 0 to 255. */
function brightness(page: Page): Promise<number> {
  return page.evaluate<number>(
    'Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])',
  )
}

/** Presses Tab; each control must get the focus and show it. */
async function reachedByKeyboard(page: Page): Promise<{ reached: number; of: number }> {
  const of = await page.locator('a[href], button, input, select, textarea').count()
  const reached = new Set<string>()
  for (let i = 0; i < of; i++) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate<string>(
      "getComputedStyle(document.activeElement).outlineStyle === 'none' ? '' : document.activeElement.outerHTML",
    )
    if (focused !== '') reached.add(focused)
  }
  return { reached: reached.size, of }
}

async function violations(page: Page): Promise<unknown> {
  await page.evaluate(axe)
  return page.evaluate(
    "axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => impact + ' ' + id + ' ' + nodes.map((n) => n.html).join(' ')))",
  )
}
