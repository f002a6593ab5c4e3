// Being signed in, with Chromium: GitHub, asked for more, signed out here and everywhere, and revoked while a page is in use.

import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { totpCode } from '../fixtures/authenticator.ts'
import { httpBackend, webSocketBackend } from '../fixtures/backends.ts'
import { hasChromium, startBrowser } from '../fixtures/browser.ts'
import {
  type BrowserPerson,
  complaintsOf,
  going,
  openBrowserPerson,
  photograph,
  seriousViolations,
} from '../fixtures/browser-person.ts'
import { privateRow } from '../fixtures/edge.ts'
import { loginOrigin, startGateway, testDomain } from '../fixtures/gateway.ts'
import { startGithub } from '../fixtures/github.ts'
import { githubLogin } from '../fixtures/github-person.ts'
import { accountCookie, sessionCookie } from '../fixtures/people.ts'

const app = `https://app.${testDomain}`
const auth = new URL(loginOrigin).hostname

t.test('being signed in with a browser', { timeout: 110_000 }, async (t) => {
  if (!hasChromium(t)) return
  const sockets = await webSocketBackend()
  const site = await httpBackend((req, res) => {
    res.setHeader('content-type', 'text/html')
    res.end(
      `<!doctype html><html lang="en"><title>Site</title><body>Hello ${req.headers['remote-user']}</body></html>`,
    )
  })
  const github = await startGithub()
  t.teardown(() => Promise.all([sockets, site, github].map((each) => each.close())))
  github.addAccount({ id: 583231, login: 'octocat', name: 'The Octocat', twoFactor: true })
  github.visitor = 583231
  let now = Date.now()
  const gateway = await startGateway({
    routes: [
      privateRow('app', site.port),
      privateRow('app', sockets.port, 'path: /socket, access: login, webSocket: true'),
      privateRow('recent', site.port, 'access: { within: 5m }'),
      privateRow('double', site.port, 'access: { with: second-factor }'),
    ].join('\n'),
    login: githubLogin(github, 'users: [octocat]'),
    secrets: { GITHUB_CLIENT_SECRET: github.clientSecret },
    now: () => now,
    people: ['anna', 'ben', 'cleo', 'dora'].map((id) => ({
      id,
      password: 'correct horse battery',
      totp: true,
      session: { authenticatedAt: now, secondFactor: id !== 'ben' },
    })),
  })
  t.teardown(() => gateway.close())
  const browser = await startBrowser(t, gateway)

  /** Somebody who is signed in already, in a browser of his own. */
  async function signedIn(id: string): Promise<BrowserPerson> {
    const person = await openBrowserPerson(browser)
    const { token, accountToken } = gateway.known(id).session
    const common = { path: '/', secure: true, httpOnly: true, sameSite: 'Lax' as const }
    await person.context.addCookies([
      { ...common, name: sessionCookie, value: token, domain: `.${testDomain}` },
      { ...common, name: accountCookie, value: accountToken, domain: auth },
    ])
    return person
  }

  async function signIn(page: Page, id: string): Promise<void> {
    await page.fill('input[autocomplete~=username]', id)
    await page.fill('input[type=password]', 'correct horse battery')
    await going(page, () => page.press('input[type=password]', 'Enter'))
    await page.fill(
      'input[autocomplete=one-time-code]',
      totpCode(gateway.known(id).totpSecret, now),
    )
    await going(page, () => page.press('input[autocomplete=one-time-code]', 'Enter'))
  }

  async function openSocket(page: Page): Promise<void> {
    await page.evaluate(`new Promise((resolve, reject) => {
      window.socket = new WebSocket('wss://' + location.host + '/socket')
      window.ended = null
      socket.onopen = () => socket.send('hello')
      socket.onmessage = () => resolve()
      socket.onerror = () => reject(new Error('no WebSocket'))
      socket.onclose = (event) => { window.ended = event.code }
    })`)
  }

  /** Milliseconds until the page's WebSocket is closed. */
  async function closes(t: Test, page: Page, act: () => Promise<unknown>): Promise<void> {
    const before = performance.now()
    await act()
    await page.waitForFunction('window.ended !== null', undefined, { timeout: 5_000 })
    const ms = performance.now() - before
    t.ok(ms < 1_500, `the page knew after ${Math.round(ms)} ms`)
  }

  async function looks(t: Test, page: Page, name: string): Promise<void> {
    t.strictSame(await seriousViolations(page), [], `axe: ${name}`)
    await photograph(page, name)
  }

  await t.test('with GitHub, there and back to the deep link', async (t) => {
    const person = await openBrowserPerson(browser)
    const { page } = person
    const { list } = complaintsOf(page)
    await page.goto(`${app}/deep?x=1`)
    await looks(t, page, 'login-with-github')
    await going(page, () => page.click('form[action="/provider/github"] button'))
    await page.waitForURL(`${app}/deep?x=1`, { timeout: 5_000 })
    t.match(await page.textContent('body'), 'Hello octocat')
    t.strictSame(list, [])

    await person.context.clearCookies()
    github.consent = 'deny'
    await page.goto(`${app}/deep?x=1`)
    await going(page, () => page.click('form[action="/provider/github"] button'))
    t.match(page.url(), loginOrigin)
    await looks(t, page, 'github-denied')
    t.equal(await person.cookie(`${app}/`, sessionCookie), null)
    github.consent = 'grant'
    await person.close()
  })

  await t.test('asked for a second factor, and for a recent sign-in', async (t) => {
    const ben = await signedIn('ben')
    const { page } = ben
    await page.goto(`${app}/`)
    t.match(await page.textContent('body'), 'Hello ben')
    await page.goto(`https://double.${testDomain}/x?y=1`)
    t.match(page.url(), 'reason=second-factor')
    await looks(t, page, 'step-up-second-factor')
    const before = await ben.cookie(`${app}/`, sessionCookie)
    await signIn(page, 'ben')
    t.equal(page.url(), `https://double.${testDomain}/x?y=1`)
    t.not(await ben.cookie(`${app}/`, sessionCookie), before, 'with new secrets')

    now += 10 * 60_000
    await page.goto(`https://recent.${testDomain}/x`)
    t.match(page.url(), 'reason=not-recent')
    await looks(t, page, 'step-up-recent')
    await signIn(page, 'ben')
    t.equal(page.url(), `https://recent.${testDomain}/x`)
    await ben.close()
    now += 60_000
  })

  await t.test('signing out, and the page that was open knows it', async (t) => {
    const anna = await signedIn('anna')
    const { page } = anna
    await page.goto(`${app}/`)
    await openSocket(page)
    const { page: other } = await anna.tab()
    await other.goto(`${app}/.gatehouse/sign-out`)
    t.equal(other.url(), `${loginOrigin}/sign-out`)
    await looks(t, other, 'sign-out')
    await closes(t, page, () => going(other, () => other.click('form[action="/sign-out"] button')))
    await looks(t, other, 'signed-out')
    t.equal(await anna.cookie(`${app}/`, sessionCookie), null)
    t.equal(await anna.cookie(loginOrigin, accountCookie), null)
    await page.reload()
    t.match(page.url(), `${loginOrigin}/?rd=`)
    await anna.close()
  })

  await t.test('signing out everywhere ends the other devices too', async (t) => {
    const one = await signedIn('cleo')
    const two = await openBrowserPerson(browser)
    await two.page.goto(`${app}/`)
    await signIn(two.page, 'cleo')
    await openSocket(two.page)
    await one.page.goto(`${loginOrigin}/account`)
    await looks(t, one.page, 'account')
    await one.page.goto(`${loginOrigin}/sign-out`)
    await closes(t, two.page, () =>
      going(one.page, () => one.page.click('form[action="/sign-out-everywhere"] button')),
    )
    await two.page.reload()
    t.match(two.page.url(), `${loginOrigin}/?rd=`)
    await one.close()
    await two.close()
    now += 60_000
  })

  await t.test('a device that is ended from another one', async (t) => {
    const here = await openBrowserPerson(browser)
    await here.page.goto(`${app}/`)
    await signIn(here.page, 'dora')
    const there = await signedIn('dora')
    await there.page.goto(`${app}/`)
    await openSocket(there.page)
    await here.page.goto(`${loginOrigin}/account/devices`)
    await looks(t, here.page, 'devices')
    // Of two sessions the button stands at the one that is not this browser's.
    const button = here.page.locator('main form button', { hasText: /end|sign out/i }).first()
    await closes(t, there.page, () => going(here.page, () => button.click()))
    await looks(t, here.page, 'devices-after')
    await there.page.reload()
    t.match(there.page.url(), `${loginOrigin}/?rd=`)
    await here.page.goto(`${app}/`)
    t.match(await here.page.textContent('body'), 'Hello dora', 'this one goes on')

    // And by the owner of the machine, as `gatehouse session revoke` and `panic` do.
    await openSocket(here.page)
    await closes(t, here.page, () => gateway.change(({ sessions }) => sessions.removeAll()))
    await here.close()
    await there.close()
  })
})
