// Enrolling, the account page and letting a new device in, in Chromium with a virtual authenticator, on phone and desk.

import { randomBytes } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { newSecret, secretHash } from '../../src/auth/secret-text.ts'
import { totpCode } from '../fixtures/authenticator.ts'
import { hasChromium, startBrowser } from '../fixtures/browser.ts'
import {
  type BrowserPerson,
  complaintsOf,
  going,
  openBrowserPerson,
  photograph,
  seriousViolations,
} from '../fixtures/browser-person.ts'
import { loginOrigin, startGateway, type TestGateway } from '../fixtures/gateway.ts'
import { accountCookie, sessionCookie } from '../fixtures/people.ts'

const looks = {
  phone: { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
  desk: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
} as const
const limit = { timeout: 120_000 }
const password = 'four random words here'

async function start(t: Test) {
  const gateway = await startGateway({
    routes: `
      - { service: Calendar, host: cal, to: 'http://127.0.0.1:9' }`,
    people: [
      { id: 'ada', displayName: 'Ada Lovelace', email: 'ada@gate.test', session: false },
      { id: 'bob', displayName: 'Bob', password, totp: true },
    ],
  })
  t.teardown(() => gateway.close())
  return { gateway, browser: await startBrowser(t, gateway) }
}

async function linkFor(gateway: TestGateway, id: string): Promise<string> {
  const secret = newSecret(randomBytes)
  const now = Date.now()
  const user = gateway.known(id).id
  const times = { createdAt: now, expiresAt: now + 3_600_000 }
  await gateway.change((store) => store.users.addLink({ hash: secretHash(secret), user, ...times }))
  return `${loginOrigin}/enrol/${secret}`
}

/** Signs bob in without a page, by the session he has. */
async function enterAs(person: BrowserPerson, gateway: TestGateway, id: string): Promise<void> {
  const { session } = gateway.known(id)
  const common = { path: '/', secure: true, httpOnly: true, sameSite: 'Lax' } as const
  await person.context.addCookies([
    { ...common, name: sessionCookie, value: session.token, domain: '.gate.test' },
    { ...common, name: accountCookie, value: session.accountToken, domain: 'auth.gate.test' },
  ])
}

/** What holds for every page: it fits, it is accessible, and the keyboard gets everywhere. */
async function isWell(t: Test, page: Page, name: string): Promise<void> {
  await photograph(page, name)
  const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
  t.ok(overflow <= 0, `${name} fits: ${overflow}`)
  t.strictSame(await seriousViolations(page), [], `${name}: nothing serious`)
  const small = await page.evaluate<string[]>(
    `[...document.querySelectorAll('main :is(button,input:not([type=hidden]),select,.button)')]
      .filter((e) => e.checkVisibility() && !e.closest('.hidden') && e.className !== 'hidden')
      .filter((e) => { const { width, height } = (e.closest('label') ?? e).getBoundingClientRect(); return width < 24 || height < 40 })
      .map((e) => e.outerHTML)`,
  )
  t.strictSame(small, [], `${name}: nothing is too small for a finger`)
}

function words(page: Page): Promise<string> {
  return page.locator('main').innerText()
}

t.setTimeout(240_000)

for (const [look, { viewport, colorScheme }] of Object.entries(looks)) {
  t.test(`a passkey from the link to the account page, ${look}`, limit, async (t) => {
    if (!hasChromium(t)) return
    const { gateway, browser } = await start(t)
    const person = await openBrowserPerson(browser, { viewport, colorScheme })
    const { page } = person
    const complaints = complaintsOf(page)

    await page.goto(await linkFor(gateway, 'ada'))
    t.match(await words(page), 'Welcome, Ada Lovelace')
    await isWell(t, page, `enrol-link-${look}`)
    await going(page, () => page.getByRole('button', { name: 'Begin' }).click())
    await isWell(t, page, `enrol-choice-${look}`)
    await going(page, () => page.getByRole('button', { name: 'Create a passkey' }).click())
    t.match(await words(page), 'Your recovery codes')
    t.equal(await page.locator('.codes li').count(), 10)
    await isWell(t, page, `recovery-codes-${look}`)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ])
    t.match(download.suggestedFilename(), /^recovery-codes-auth\.gate\.test\.txt$/)
    t.equal((await person.authenticator.credentials()).length, 1)

    await going(page, () => page.getByRole('link', { name: 'I have kept them' }).click())
    t.match(await words(page), 'Ada Lovelace')
    t.match(await words(page), 'Chrome on Linux')
    await isWell(t, page, `account-${look}`)

    await going(page, () => page.getByRole('link', { name: 'Change Chrome on Linux' }).click())
    await isWell(t, page, `credential-${look}`)
    await page.getByLabel('Name').fill('The laptop')
    await going(page, () => page.getByRole('button', { name: 'Save the name' }).click())
    t.match(await words(page), 'The laptop')

    await going(page, () => page.getByRole('link', { name: 'Devices' }).click())
    t.match(await words(page), 'this device')
    await isWell(t, page, `devices-${look}`)
    t.strictSame(complaints.list, [])

    // Signed out, and back by the passkey that the browser offers in the name field.
    await person.context.clearCookies({ name: sessionCookie })
    await page.goto(`${loginOrigin}/account/devices`)
    await page.waitForURL(`${loginOrigin}/account/devices`)

    // The same by the button, in a browser that offers nothing by itself.
    await person.context.clearCookies({ name: sessionCookie })
    await page.addInitScript(
      'PublicKeyCredential.isConditionalMediationAvailable = async () => false',
    )
    await page.goto(`${loginOrigin}/account/tokens`)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.waitForURL(`${loginOrigin}/account/tokens`)
    await going(page, () => page.getByRole('link', { name: 'Make a token' }).click())
    await isWell(t, page, `token-new-${look}`)
    await page.getByLabel('Name').fill('Calendar on the phone')
    await page.getByLabel('Hosts').fill('nowhere.example')
    await going(page, () => page.getByRole('button', { name: 'Make the token' }).click())
    t.match(await words(page), 'is not a host of this gateway')
    await isWell(t, page, `token-fault-${look}`)
    await page.getByLabel('Hosts').fill('cal.gate.test')
    await page.getByLabel('May wake them').check()
    await going(page, () => page.getByRole('button', { name: 'Make the token' }).click())
    t.match(await page.locator('#token').innerText(), /^gth_[\w-]{43}$/)
    await isWell(t, page, `token-shown-${look}`)
    await going(page, () => page.getByRole('link', { name: 'Done' }).click())
    t.match(await words(page), /Calendar on the phone[\s\S]*cal\.gate\.test/)
    await isWell(t, page, `tokens-${look}`)
    await going(page, () => page.getByRole('button', { name: 'Revoke' }).click())
    t.match(await words(page), 'None yet')
  })

  t.test(`password and authenticator app without JavaScript, ${look}`, limit, async (t) => {
    if (!hasChromium(t)) return
    const { gateway, browser } = await start(t)
    const person = await openBrowserPerson(browser, {
      viewport,
      colorScheme,
      javaScriptEnabled: false,
    })
    const { page } = person
    await page.goto(await linkFor(gateway, 'ada'))
    await going(page, () => page.getByRole('button', { name: 'Begin' }).click())
    t.notOk(await page.getByRole('button', { name: 'Create a passkey' }).isVisible())
    await photograph(page, `enrol-choice-plain-${look}`)
    await going(page, () => page.getByRole('button', { name: 'Choose a password' }).click())
    await photograph(page, `enrol-password-${look}`)
    const secret = ((await page.locator('code.secret').textContent()) ?? '').replaceAll(' ', '')
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByLabel('The same again').fill('something else')
    await page.getByLabel('Code from the app').fill(totpCode(secret, Date.now()))
    await going(page, () => page.getByRole('button', { name: 'Finish' }).click())
    t.match(await words(page), 'The two are not the same')
    await photograph(page, `enrol-password-fault-${look}`)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByLabel('The same again').fill(password)
    await page.getByLabel('Code from the app').fill(totpCode(secret, Date.now()))
    await going(page, () => page.getByRole('button', { name: 'Finish' }).click())
    t.equal(await page.locator('.codes li').count(), 10)
    await going(page, () => page.getByRole('link', { name: 'I have kept them' }).click())
    t.match(await words(page), 'Authenticator app')
  })

  t.test(`a signed-in device lets a new one in, ${look}`, limit, async (t) => {
    if (!hasChromium(t)) return
    const { gateway, browser } = await start(t)
    const owner = await openBrowserPerson(browser, { viewport, colorScheme })
    await enterAs(owner, gateway, 'bob')
    const lastSignInAt = Date.now() - 86_400_000
    const { id } = gateway.known('bob')
    await gateway.change((store) => store.users.changeUser(id, { lastSignInAt }))
    const stranger = await openBrowserPerson(browser, { viewport, colorScheme })
    const complaints = complaintsOf(stranger.page)
    await stranger.page.goto(`${loginOrigin}/`)
    const other = stranger.page.getByRole('link', { name: 'Use another device' })
    await going(stranger.page, () => other.click())
    await isWell(t, stranger.page, `approve-new-${look}`)
    const show = stranger.page.getByRole('button', { name: 'Show me the code' })
    await going(stranger.page, () => show.click())
    await isWell(t, stranger.page, `approve-wait-${look}`)
    const code = await stranger.page.locator('.big-code').innerText()
    t.match(code, /^[0-9A-Z]{4}-[0-9A-Z]{4}$/)

    await owner.page.goto(`${loginOrigin}/approve`)
    await isWell(t, owner.page, `approve-code-${look}`)
    await owner.page.getByLabel('Code').fill(code.toLowerCase().replace('-', ' '))
    await going(owner.page, () => owner.page.getByRole('button', { name: 'Go on' }).click())
    t.match(
      await words(owner.page),
      /Let this device in\?[\s\S]*Chrome on Linux[\s\S]*127\.0\.0\.1/,
    )
    await isWell(t, owner.page, `approve-confirm-${look}`)
    await going(owner.page, () =>
      owner.page.getByRole('button', { name: 'Yes, let it in' }).click(),
    )
    t.match(await words(owner.page), 'The new device signs in now')
    await stranger.page.waitForURL((url) => url.pathname === '/')
    t.match(await words(stranger.page), 'Bob')
    t.strictSame(complaints.list, [])
    await stranger.page.goto(`${loginOrigin}/account`)
    await isWell(t, stranger.page, `account-news-${look}`)
    t.match(await words(stranger.page), 'Signed in on a new device')
  })
}

/** The pages to add things, looked at; what they do is tested without a browser. */
t.test('the other pages of an account', limit, async (t) => {
  if (!hasChromium(t)) return
  const { gateway, browser } = await start(t)
  for (const [look, { viewport, colorScheme }] of Object.entries(looks)) {
    await lookAround(t, { gateway, browser }, { look, viewport, colorScheme })
  }
})

async function lookAround(
  t: Test,
  { gateway, browser }: { gateway: TestGateway; browser: Browser },
  size: {
    look: string
    viewport: { width: number; height: number }
    colorScheme: 'light' | 'dark'
  },
): Promise<void> {
  const { look, viewport, colorScheme } = size
  const person = await openBrowserPerson(browser, { viewport, colorScheme })
  await enterAs(person, gateway, 'bob')
  const complaints = complaintsOf(person.page)
  for (const path of [
    'passkeys',
    'security-keys',
    'password',
    'authenticators',
    'recovery-codes',
    'tokens',
  ]) {
    const response = await person.page.goto(`${loginOrigin}/account/${path}`)
    t.equal(response?.status(), 200, path)
    await isWell(t, person.page, `account-${path}-${look}`)
  }
  const { page } = person
  await page.goto(`${loginOrigin}/account/security-keys`)
  await page.getByLabel('Name').fill('Blue key')
  await going(page, () => page.getByRole('button', { name: 'Register the key' }).click())
  t.match(await words(page), 'Blue key')
  t.strictSame(complaints.list, [])
  await person.close()
}
