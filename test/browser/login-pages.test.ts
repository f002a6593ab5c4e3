// Every page of signing in as it looks: phone and desk, light and dark, with the keyboard, for WCAG's machine-checked part.

import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { totpCode } from '../fixtures/authenticator.ts'
import { hasChromium, startBrowser } from '../fixtures/browser.ts'
import {
  complaintsOf,
  going,
  openBrowserPerson,
  photograph,
  seriousViolations,
} from '../fixtures/browser-person.ts'
import { loginOrigin, startGateway, type TestGateway, testDomain } from '../fixtures/gateway.ts'

const looks = {
  phone: { viewport: { width: 320, height: 640 }, colorScheme: 'dark' },
  desk: { viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
} as const
const app = `https://a-service-with-a-rather-long-name.${testDomain}/deep`
const limit = { timeout: 110_000 }
const faults = [401, 403, 404, 409, 422, 429]

for (const [look, { viewport, colorScheme }] of Object.entries(looks)) {
  t.test(`the pages of signing in, ${look}`, limit, async (t) => {
    if (!hasChromium(t)) return
    let now = Date.now()
    // One for each look: what is guessed wrong in all of them would be too much from one network.
    const gateway = await start(t, () => now)
    const browser = await startBrowser(t, gateway)
    const person = await openBrowserPerson(browser, { viewport, colorScheme })
    const { page } = person
    // The list of passkeys in the field would sign in by itself with a virtual authenticator.
    await person.authenticator.isTouched(false)
    const complaints = complaintsOf(page, faults)
    const well = (name: string) => isWell(t, page, `${name}-${look}`)
    const withPassword = async (text: string) => {
      await page.fill('#name', 'max')
      await page.fill('#password', text)
      await going(page, () => page.press('#password', 'Enter'))
    }
    const withCode = async (text: string) => {
      await page.fill('#code', text)
      await going(page, () => page.press('#code', 'Enter'))
    }
    const login = `${loginOrigin}/?rd=${encodeURIComponent(app)}`

    await page.goto(login)
    await well('login')
    t.equal(await brightness(page), colorScheme)
    await withPassword('wrong')
    await well('login-wrong')
    t.equal(await focused(page), 'password', 'typing goes on where something is wrong')
    await withPassword('correct horse')
    await well('code')
    t.equal(await focused(page), 'code')
    await withCode('000000')
    await well('code-wrong')
    now += 30_000
    await page.goto(`${loginOrigin}/recovery`)
    await well('recovery')
    await page.goto(`${login}&reason=passkey`)
    await well('passkey-only')
    await page.goto(`${login}&reason=second-factor`)
    await well('second-factor-asked')
    await page.goto(`${loginOrigin}/nothing-here`)
    await well('nothing-here')
    await page.goto(login)
    await withPassword('correct horse')
    await person.context.clearCookies()
    await withCode('000000')
    await well('cookies-off')
    t.match(await page.locator('main').innerText(), 'Cookies are switched off')

    await page.goto(`${loginOrigin}/`)
    await withPassword('correct horse')
    await withCode(totpCode(gateway.known('max').totpSecret, now))
    await well('signed-in')
    await page.goto(`${loginOrigin}/sign-out`)
    await well('sign-out')
    await going(page, () => page.getByRole('button', { name: 'on this device' }).click())
    await well('signed-out')
    const refusal = page.locator('.alert')
    for (let i = 0; i < 8 && !(await refusal.isVisible()); i++) {
      await page.goto(login)
      await withPassword('wrong')
    }
    await well('throttled')
    t.match(await refusal.innerText(), 'Too many attempts')
    // Chromium tells about the storage that signing out has cleared.
    const told = complaints.list.filter((text) => !text.includes('Clear-Site-Data'))
    t.strictSame(told, [])
  })
}

t.test('without JavaScript only what works is there', limit, async (t) => {
  if (!hasChromium(t)) return
  const browser = await startBrowser(t, await start(t, Date.now))
  const { page } = await openBrowserPerson(browser, { javaScriptEnabled: false })
  await page.goto(`${loginOrigin}/`)
  t.notOk(await page.getByRole('button', { name: 'passkey' }).isVisible())
  t.ok(await page.getByRole('button', { name: 'Continue' }).isVisible())
  await photograph(page, 'login-without-javascript')
  await page.emulateMedia({ colorScheme: 'dark' })
  await photograph(page, 'login-without-javascript-dark')
})

async function start(t: Test, now: () => number): Promise<TestGateway> {
  const gateway = await startGateway({
    routes: `
      - { service: App, host: a-service-with-a-rather-long-name, to: 'http://127.0.0.1:9', prefix: true }`,
    now,
    people: [
      {
        id: 'max',
        displayName: 'Maximiliane von und zu Hohenzollern-Sigmaringen',
        password: 'correct horse',
        totp: true,
        session: false,
      },
    ],
  })
  t.teardown(() => gateway.close())
  return gateway
}

/** It fits, it is accessible, it has a name, and the keyboard gets to everything and shows where it is. */
async function isWell(t: Test, page: Page, name: string): Promise<void> {
  await photograph(page, name)
  t.strictSame(
    await page.evaluate(`({
      lang: document.documentElement.lang,
      h1: document.querySelectorAll('main h1').length,
      titled: document.title.trim() !== '',
      overflow: Math.max(0, document.documentElement.scrollWidth - innerWidth),
    })`),
    { lang: 'en', h1: 1, titled: true, overflow: 0 },
    name,
  )
  t.strictSame(await seriousViolations(page), [], name)
  if (!name.endsWith('phone')) return
  t.strictSame(await missedByKeyboard(page), [], `${name}: everything is reached by the keyboard`)
}

async function missedByKeyboard(page: Page): Promise<readonly string[]> {
  const controls = `[...document.querySelectorAll('a[href],button,input:not([type=hidden])')].filter((e) => e.checkVisibility({ visibilityProperty: true }))`
  const here = await page.evaluate<string>('document.activeElement.id')
  const names = await page.evaluate<string[]>(`${controls}.map((e) => e.outerHTML)`)
  const reached = new Set<string>()
  for (let i = 0; i < names.length + 1; i++) {
    await page.keyboard.press('Tab')
    reached.add(
      await page.evaluate<string>(
        "getComputedStyle(document.activeElement).outlineStyle === 'none' ? '' : document.activeElement.outerHTML",
      ),
    )
  }
  if (here !== '') await page.focus(`#${here}`)
  return names.filter((name) => !reached.has(name))
}

function focused(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement.id')
}

async function brightness(page: Page): Promise<'light' | 'dark'> {
  const red = await page.evaluate<number>(
    'Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])',
  )
  return red > 127 ? 'light' : 'dark'
}
