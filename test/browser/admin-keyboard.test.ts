// The admin by keyboard alone, and by ear: every step of an edit without a mouse; focus that is seen; a page that is small.

import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { adminOrigin, looks, openAdminPerson, words } from '../fixtures/admin-person.ts'
import { hasChromium, startBrowser } from '../fixtures/browser.ts'
import { complaintsOf, going } from '../fixtures/browser-person.ts'
import { startGateway } from '../fixtures/gateway.ts'

const limit = { timeout: 120_000 }
t.setTimeout(240_000)

async function start(t: Test, routes: string) {
  const people = [{ id: 'ada', displayName: 'Ada Lovelace', groups: ['admin'] }]
  const gateway = await startGateway({ routes, people })
  t.teardown(() => gateway.close())
  return { gateway, browser: await startBrowser(t, gateway) }
}

/** What has the focus, as a screen reader says it, roughly. */
function focused(page: Page): Promise<string> {
  return page.evaluate<string>(
    `(() => { const e = document.activeElement; return (e.labels?.[0]?.textContent ?? e.getAttribute('aria-label') ?? e.textContent ?? '').trim() })()`,
  )
}

/** Presses Tab until something of this name has the focus. */
async function tabTo(t: Test, page: Page, name: RegExp, most = 80): Promise<void> {
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab')
    const ring = await page.evaluate<string>(
      `(() => { const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement.closest('.code') ?? document.activeElement); return outlineStyle === 'none' ? 'none' : outlineWidth })()`,
    )
    if (ring === 'none' || ring === '0px') t.fail(`no ring around ${await focused(page)}`)
    if (name.test(await focused(page))) return
  }
  t.fail(`no way to ${name}`)
}

for (const [look, options] of Object.entries(looks)) {
  t.test(`a route is found, changed and saved by keyboard alone, ${look}`, limit, async (t) => {
    if (!hasChromium(t)) return
    const { gateway, browser } = await start(
      t,
      `
      - { service: Calendar, host: cal, to: 'http://127.0.0.1:9' }
      - { service: Photos, host: photos, to: 'http://127.0.0.1:9' }`,
    )
    const { page } = await openAdminPerson(browser, gateway, options)
    const complaints = complaintsOf(page)
    await page.goto(`${adminOrigin}/`)
    await page.keyboard.press('Tab')
    t.equal(await focused(page), 'Skip to the content')
    await page.keyboard.press('Enter')
    t.equal(await page.evaluate<string>('document.activeElement.id'), 'main')

    await page.keyboard.press('/')
    await page.keyboard.type('photos')
    t.equal(await page.locator('[data-count]').innerText(), '1 of 4')
    await page.keyboard.press('ArrowDown')
    t.equal(await focused(page), 'Photos')
    await going(page, () => page.keyboard.press('Enter'))

    await tabTo(t, page, /^Everyone who signed in/)
    await page.keyboard.press('ArrowDown')
    t.match(await focused(page), /^These people/)
    await tabTo(t, page, /^Groups/)
    await page.keyboard.type('family')
    await tabTo(t, page, /^Look at what it does/)
    await going(page, () => page.keyboard.press('Enter'))
    t.match(await words(page), /photos\/: login → groups family/)
    await tabTo(t, page, /^Save and use it/)
    await going(page, () => page.keyboard.press('Enter'))
    t.match(await words(page), /Saved/)
    t.match(await readFile(gateway.routesFile, 'utf8'), /access: \{ groups: \[family\] \}/)

    // The editor lets the keyboard out again.
    await page.goto(`${adminOrigin}/file`)
    await tabTo(t, page, /^routes\.yaml/)
    await page.keyboard.press('Control+Home')
    await page.keyboard.press('Tab')
    t.match(await page.getByLabel('routes.yaml').inputValue(), /^ {2}version/)
    await page.keyboard.press('Escape')
    await page.keyboard.press('Tab')
    t.not(await page.evaluate<string>('document.activeElement.id'), 'text')
    t.strictSame(complaints.list, [])
  })
}

t.test(
  'the first page is below 60 kB with all it needs, whatever the size of the table',
  limit,
  async (t) => {
    if (!hasChromium(t)) return
    const own = await readFile(new URL('../../src/routes.yaml', import.meta.url), 'utf8')
    const rows = own
      .slice(own.indexOf('\nroutes:\n') + '\nroutes:\n'.length)
      .split('\n')
      .filter((line) => !/to: (?:login|admin)\b/.test(line))
      .join('\n')
    const vms = /\nvms:\n[\s\S]*?\n\n/.exec(own)?.[0].replaceAll(/^ +#.*\n/gm, '') ?? ''
    const gateway = await startGateway({
      routes: rows,
      settings: vms,
      people: [{ id: 'ada', groups: ['admin'] }],
    })
    t.teardown(() => gateway.close())
    const browser = await startBrowser(t, gateway)
    const { page } = await openAdminPerson(browser, gateway)
    const sizes = new Map<string, number>()
    page.on('response', async (response) => {
      const { pathname } = new URL(response.url())
      if (pathname === '/api/v1/events' || response.status() !== 200) return
      sizes.set(pathname, (await response.body().catch(() => Buffer.alloc(0))).length)
    })
    await page.goto(`${adminOrigin}/`, { waitUntil: 'load' })
    t.ok((await page.locator('tr[data-id]').count()) > 35, 'the whole table of the owner')
    await page.waitForTimeout(300)
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
    t.comment([...sizes].map(([path, size]) => `${path} ${size}`).join('\n'))
    t.ok(total > 20_000 && total < 60_000, `${total} bytes`)
  },
)
