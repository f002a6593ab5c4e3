// A machine that sleeps, in Chromium, through a whole gateway: from asleep over the waiting page to the service and back to sleep.

import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { askGateway } from '../../src/cli/control-client.ts'
import { controlPath } from '../../src/control.ts'
import { hasChromium, startBrowser } from '../fixtures/browser.ts'
import {
  type BrowserPerson,
  type BrowserPersonOptions,
  complaintsOf,
  openBrowserPerson,
  photograph,
} from '../fixtures/browser-person.ts'
import { loginOrigin, testDomain } from '../fixtures/gateway.ts'
import { ociErrors } from '../fixtures/oci.ts'
import { sessionCookie } from '../fixtures/people.ts'
import {
  appHost,
  eventually,
  startWakeHouse,
  statesIn,
  type WakeHouse,
  type WakeHouseOptions,
} from '../fixtures/wake-house.ts'

const app = `https://${appHost}`
const phone = { width: 360, height: 740 }

async function startHouse(t: Test, options: WakeHouseOptions = {}) {
  const house = await startWakeHouse(t, {
    serve: (server) =>
      server.on('request', (request, response) => {
        response.setHeader('content-type', 'text/html')
        response.end(`<!doctype html><title>Albums</title><h1>Albums at ${request.url}</h1>`)
      }),
    ...options,
  })
  const { gateway } = house
  const browser = await startBrowser(t, gateway)
  await eventually(() => statesIn(gateway).length > 0)
  return {
    ...house,
    /** `null`: a stranger. */
    async open(id: string | null, options: BrowserPersonOptions = {}): Promise<BrowserPerson> {
      const person = await openBrowserPerson(browser, options)
      t.teardown(() => person.close())
      if (id !== null) await signIn(person, gateway.known(id).session.token)
      return person
    },
  }
}

const signIn = (person: BrowserPerson, value: string) =>
  person.context.addCookies([
    {
      name: sessionCookie,
      value,
      domain: `.${testDomain}`,
      path: '/',
      secure: true,
      httpOnly: true,
    },
  ])

const heading = (page: Page, text: string) =>
  page.getByRole('heading', { name: text }).waitFor({ timeout: 15_000 })

const step = (page: Page) => page.locator('li[aria-current=step]').textContent()

function sleep({ gateway }: Pick<WakeHouse, 'gateway'>) {
  return askGateway(controlPath(`${gateway.directory}/data`), { do: 'vm-sleep', vm: 'flex' })
}

t.setTimeout(150_000)

t.test('from asleep through the waiting page to the service', async (t) => {
  if (!hasChromium(t)) return
  const house = await startHouse(t, { startMs: 1_500, serviceMs: 1_500 })
  const { open, oci, gateway } = house
  const diego = await open('diego')
  const { page } = diego
  const complaints = complaintsOf(page, [503])
  const navigations: string[] = []
  page.on('framenavigated', (frame) => navigations.push(frame.url()))
  const answer = await page.goto(`${app}/albums?page=2`)
  t.equal(answer?.status(), 503)
  t.equal(answer?.headers()['cache-control'], 'no-store')
  await heading(page, 'App is waking up')
  t.match(await step(page), /cloud is asked|machine starts/)
  await photograph(page, 'wake-starting')
  await page.locator('li[aria-current=step]', { hasText: /boots|answers/ }).waitFor()
  await photograph(page, 'wake-booting')
  await heading(page, 'Albums at /albums?page=2')
  await photograph(page, 'wake-there')
  t.equal(page.url(), `${app}/albums?page=2`)
  t.strictSame(new Set(navigations), new Set([`${app}/albums?page=2`]))
  t.equal(navigations.length, 2, 'loaded once more, and not in circles')
  t.equal(oci.count('START'), 1)
  t.strictSame(complaints.list, [])

  await t.test('and once it has slept again, a reload is enough', async (t) => {
    await sleep(house)
    await eventually(() => statesIn(gateway).at(-1) === 'asleep')
    await page.reload()
    await heading(page, 'App is waking up')
    const { max } = await page.locator('progress').evaluate((bar) => ({
      max: Number(bar.getAttribute('max')),
    }))
    t.ok(max >= 1_500 && max < 15_000, `as long as last time: ${max} ms`)
    await photograph(page, 'wake-again')
    await heading(page, 'Albums at /albums?page=2')
    t.equal(oci.count('START'), 2)
  })
})

t.test('in two tabs, one of them out of sight', async (t) => {
  if (!hasChromium(t)) return
  const { open, oci } = await startHouse(t, { startMs: 1_000 })
  const diego = await open('diego')
  const { page: behind } = await diego.tab()
  // Chromium without a window shows every tab.
  await behind.addInitScript(
    "Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })",
  )
  await Promise.all([diego.page.goto(`${app}/one`), behind.goto(`${app}/two`)])
  await heading(diego.page, 'Albums at /one')
  await heading(behind, 'App is ready')
  t.equal(await behind.title(), 'App is ready')
  t.equal(oci.count('START'), 1)
})

t.test('without scripts the page looks again by itself', async (t) => {
  if (!hasChromium(t)) return
  const { open, oci, gateway } = await startHouse(t, {
    startMs: 500,
    power: 'sleepAfter: 1h',
    route: 'access: login',
  })
  const diego = await open('diego', { javaScriptEnabled: false })
  const { page } = diego
  const answer = await page.goto(app)
  await heading(page, 'App is waking up')
  const refresh = /http-equiv="refresh" content="(\d+)"/.exec((await answer?.text()) ?? '')?.[1]
  t.equal(refresh, answer?.headers()['retry-after'])
  await eventually(() => statesIn(gateway).at(-1) === 'awake')
  await page.reload()
  await heading(page, 'Albums at /')
  t.equal(oci.count('START'), 1)
})

t.test('the session ends meanwhile: the page ends at the login', async (t) => {
  if (!hasChromium(t)) return
  const { open, gateway } = await startHouse(t, { startMs: 60_000 })
  const diego = await open('diego')
  const { page } = diego
  await page.goto(`${app}/albums`)
  await heading(page, 'App is waking up')
  await gateway.change(({ sessions }) => sessions.removeAll())
  await page.waitForURL(`${loginOrigin}/**`, { timeout: 15_000 })
  t.equal(new URL(page.url()).searchParams.get('rd'), `${app}/albums`)
})

t.test('trouble is told on the page, and passes', async (t) => {
  if (!hasChromium(t)) return
  const { open, oci } = await startHouse(t)
  oci.trick('START', ociErrors.outOfCapacity)
  const diego = await open('diego')
  const { page } = diego
  await page.goto(app)
  await heading(page, 'App could not be woken yet')
  t.match(await page.textContent('.note'), /Oracle has no free host.*Next try at/)
  await photograph(page, 'wake-capacity')
})

t.test('the button, for a page that starts nothing', async (t) => {
  if (!hasChromium(t)) return
  const { open, oci } = await startHouse(t, { route: 'access: login, wake: manual' })
  const diego = await open('diego')
  const { page } = diego
  const complaints = complaintsOf(page, [503])
  await page.goto(`${app}/albums?page=2`)
  await heading(page, 'App is asleep')
  t.equal(oci.count('START'), 0)
  await photograph(page, 'wake-button')
  await page.getByRole('button', { name: 'Wake it up' }).click()
  await heading(page, 'Albums at /albums?page=2')
  t.equal(page.url(), `${app}/albums?page=2`)
  t.equal(oci.count('START'), 1)
  t.strictSame(complaints.list, [])
})

t.test('what strangers see of it, by day and night, at a desk and on a phone', async (t) => {
  if (!hasChromium(t)) return
  const { open, oci } = await startHouse(t, {
    route: 'access: public, prefix: true',
    rows: "- { host: photos, service: Photos, to: { landing: /library }, access: public }\n      - { host: photos, service: Photos, path: /library, to: 'http://flex:9', access: login }",
  })
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [device, viewport] of [
      ['desk', { width: 1280, height: 800 }],
      ['phone', phone],
    ] as const) {
      const stranger = await open(null, { colorScheme, viewport })
      const { page } = stranger
      const complaints = complaintsOf(page, [503])
      t.equal((await page.goto(app))?.status(), 503)
      await heading(page, 'App is asleep')
      await page.getByRole('link', { name: 'Sign in' }).waitFor()
      t.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0)
      await photograph(page, `wake-stranger-${device}-${colorScheme}`)
      t.equal((await page.goto(`https://photos.${testDomain}/`))?.status(), 200)
      await heading(page, 'Photos')
      t.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0)
      await photograph(page, `wake-landing-${device}-${colorScheme}`)
      t.strictSame(complaints.list, [])
    }
    const diego = await open('diego', { colorScheme, viewport: phone })
    await diego.page.goto(app)
    await heading(diego.page, 'App is asleep')
    await photograph(diego.page, `wake-known-phone-${colorScheme}`)
  }
  t.equal(oci.count('START'), 0)
})
