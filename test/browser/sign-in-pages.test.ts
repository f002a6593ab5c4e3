// The pages of the login host as pages: on a phone and a desk, in light and dark, by keyboard, and what their headers forbid.

import type { Page } from 'playwright-core'
import t from 'tap'
import { hasChromium, startBrowser } from '../fixtures/browser.ts'
import {
  complaintsOf,
  going,
  openBrowserPerson,
  photograph,
  seriousViolations,
} from '../fixtures/browser-person.ts'
import { privateRow } from '../fixtures/edge.ts'
import { loginOrigin, startGateway, testDomain } from '../fixtures/gateway.ts'
import { accountCookie, sessionCookie } from '../fixtures/people.ts'
import { enrolmentLink } from '../fixtures/sign-in.ts'

const sizes = {
  phone: { width: 320, height: 640 },
  desk: { width: 1440, height: 900 },
} as const
const back = encodeURIComponent(
  `https://a-service-with-a-very-long-name-that-nobody-would-choose.${testDomain}/`,
)

t.test('every page of the login host', { timeout: 110_000 }, async (t) => {
  if (!hasChromium(t)) return
  const gateway = await startGateway({
    routes: privateRow('a-service-with-a-very-long-name-that-nobody-would-choose', 9),
    login: '{ github: { clientId: some-client, users: [octocat] } }',
    secrets: { GITHUB_CLIENT_SECRET: 'x' },
    people: [
      {
        id: 'diego',
        displayName: 'Diego Nepomuk Donaudampfschifffahrtselektrizitätenhauptbetriebswerk',
        password: 'correct horse battery',
        totp: true,
        recoveryCodes: true,
        tokens: [{ label: 'calendar on the phone', hosts: [`app.${testDomain}`] }],
      },
    ],
  })
  t.teardown(() => gateway.close())
  const browser = await startBrowser(t, gateway)
  const link = await enrolmentLink(gateway, 'diego')
  const { token, accountToken } = gateway.known('diego').session

  const strangers: Readonly<Record<string, string>> = {
    login: `${loginOrigin}/?rd=${back}`,
    'login-passkey-only': `${loginOrigin}/?rd=${back}&reason=passkey`,
    recovery: `${loginOrigin}/recovery`,
    'security-key': `${loginOrigin}/passkey`,
    'another-device': `${loginOrigin}/approve/new`,
    enrol: link,
    'signed-out': `${loginOrigin}/sign-out`,
    unknown: `${loginOrigin}/no/such/page`,
  }
  const owners: Readonly<Record<string, string>> = {
    home: `${loginOrigin}/`,
    account: `${loginOrigin}/account`,
    devices: `${loginOrigin}/account/devices`,
    tokens: `${loginOrigin}/account/tokens`,
    'sign-out': `${loginOrigin}/sign-out`,
  }

  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const stranger = await openBrowserPerson(browser, { viewport, colorScheme })
      const owner = await openBrowserPerson(browser, { viewport, colorScheme })
      const common = { path: '/', secure: true, httpOnly: true, sameSite: 'Lax' as const }
      await owner.context.addCookies([
        { ...common, name: sessionCookie, value: token, domain: `.${testDomain}` },
        {
          ...common,
          name: accountCookie,
          value: accountToken,
          domain: new URL(loginOrigin).hostname,
        },
      ])
      for (const [who, pages] of [
        [stranger, strangers],
        [owner, owners],
      ] as const) {
        const { page } = who
        const complaints = complaintsOf(page, [404])
        for (const [name, url] of Object.entries(pages)) {
          await t.test(`${name}, ${size}, ${colorScheme}`, async (t) => {
            complaints.list.length = 0
            const response = await page.goto(url)
            const headers = response?.headers() ?? {}
            t.match(
              headers['content-security-policy'],
              /default-src 'none'.*frame-ancestors 'none'/,
            )
            t.equal(headers['cache-control'], 'no-store')
            t.match(headers['x-frame-options'] ?? 'none', /./)
            t.strictSame(await look(page), {
              lang: 'en',
              main: 1,
              h1: 1,
              titled: true,
              overflow: 0,
            })
            t.equal((await brightness(page)) > 127, colorScheme === 'light')
            t.strictSame(await smallTargets(page), [])
            t.strictSame(await seriousViolations(page), [])
            await photograph(page, `page-${name}-${size}-${colorScheme}`)
            t.strictSame(await unreachable(page), [])
            t.strictSame(complaints.list, [])
          })
        }
      }
      await stranger.close()
      await owner.close()
    }
  }

  await t.test('the whole way by keyboard', async (t) => {
    const { page, close } = await openBrowserPerson(browser)
    await page.goto(`${loginOrigin}/`)
    await page.focus('input[autocomplete~=username]')
    await page.keyboard.type('diego')
    await page.keyboard.press('Tab')
    await page.keyboard.type('correct horse battery')
    await going(page, () => page.keyboard.press('Enter'))
    const focused = await page.evaluate<string>('document.activeElement.autocomplete')
    t.equal(focused, 'one-time-code', 'the cursor stands where the code goes')
    await close()
  })

  await t.test(
    'no page of ours can be put into a frame, or opened with a handle on it',
    async (t) => {
      const { page, close } = await openBrowserPerson(browser)
      await page.goto(`${loginOrigin}/sign-out`)
      const framed = await page.evaluate<string>(`new Promise((resolve) => {
      const frame = document.createElement('iframe')
      frame.onload = () => {
        try { resolve(frame.contentDocument?.querySelector('form') ? 'framed' : 'refused') } catch { resolve('refused') }
      }
      frame.src = '/'
      document.body.append(frame)
      setTimeout(() => resolve('refused'), 2000)
    })`)
      t.equal(framed, 'refused')
      await close()
    },
  )
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

/** Buttons and fields that a finger would miss: lower than 44 pixels (WCAG 2.5.5). Links in a line of text may be. */
function smallTargets(page: Page): Promise<unknown> {
  return page.evaluate(`[...document.querySelectorAll('button, input:not([type=hidden]):not([type=checkbox]), select, a.button')]
    .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 43.5 && !each.classList.contains('link'))
    .map((each) => each.outerHTML.slice(0, 100) + ' ' + each.getBoundingClientRect().height)`)
}

/** Controls that Tab does not come to, or that do not show it. */
function unreachable(page: Page): Promise<unknown> {
  return (async () => {
    await page.evaluate(`document.activeElement?.blur()`)
    const controls = await page
      .locator('a[href]:visible, button:visible, input:visible, select:visible, summary:visible')
      .count()
    const seen = new Set<string>()
    for (let i = 0; i < controls + 3; i++) {
      await page.keyboard.press('Tab')
      seen.add(
        await page.evaluate<string>(
          "(() => { const e = document.activeElement; return getComputedStyle(e).outlineStyle === 'none' ? '' : e.outerHTML })()",
        ),
      )
    }
    const all = await page.evaluate<string[]>(
      "[...document.querySelectorAll('a[href], button, input, select, summary')].filter((e) => e.checkVisibility() && e.type !== 'hidden' && !e.disabled).map((e) => e.outerHTML)",
    )
    return all.filter((each) => !seen.has(each)).map((each) => each.slice(0, 120))
  })()
}
