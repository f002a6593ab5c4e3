// The rest of the house in Chromium as the owner does it: people, sessions, tokens, machines, protection, the audit log.

import { chromium } from 'playwright-core'
import t, { type Test } from 'tap'
import { adminOrigin, isWell, looks, openAdminPerson, words } from '../fixtures/admin-person.ts'
import { type AdminWindow, openAdminWindow } from '../fixtures/admin-window.ts'
import { chromiumPath, hasChromium, startBrowser } from '../fixtures/browser.ts'
import { complaintsOf, going, openBrowserPerson } from '../fixtures/browser-person.ts'
import { loginOrigin, startGateway } from '../fixtures/gateway.ts'

const limit = { timeout: 120_000 }
t.setTimeout(240_000)

async function start(t: Test) {
  const gateway = await startGateway({
    routes: `
      - { service: Calendar, host: cal, to: 'http://127.0.0.1:9' }
      - { service: Diary, host: diary, to: 'http://127.0.0.1:9', access: { users: [bob] } }
      - { service: Blog, host: blog, to: 'http://127.0.0.2:9', access: public }`,
    people: [
      { id: 'ada', displayName: 'Ada Lovelace', groups: ['admin'], password: 'x y z', totp: true },
      {
        id: 'bob',
        displayName: 'Bob',
        password: 'q w e',
        totp: true,
        recoveryCodes: true,
        tokens: [{ label: 'phone calendar', hosts: ['cal.gate.test'] }],
      },
    ],
  })
  t.teardown(() => gateway.close())
  return { gateway, browser: await startBrowser(t, gateway) }
}

/** The admin with machines, bans and states as a test sets them. */
async function startWindow(t: Test, look: (typeof looks)[keyof typeof looks]) {
  const admin: AdminWindow = await openAdminWindow()
  t.teardown(() => admin.close())
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] })
  t.teardown(() => browser.close())
  return { admin, person: await openBrowserPerson(browser, look) }
}

for (const [look, options] of Object.entries(looks)) {
  t.test(`people are added, invited, changed and removed, ${look}`, limit, async (t) => {
    if (!hasChromium(t)) return
    const { gateway, browser } = await start(t)
    const { page } = await openAdminPerson(browser, gateway, options)
    const complaints = complaintsOf(page, [409, 422])
    await page.goto(`${adminOrigin}/people`)
    t.match(await words(page), /Ada Lovelace[\s\S]*administers[\s\S]*Bob/)
    await isWell(t, page, `admin-people-${look}`)

    await going(page, () => page.getByRole('link', { name: 'Add a person' }).click())
    await page.getByLabel('User name').fill('Bob Smith')
    await going(page, () => page.getByRole('button', { name: 'Add' }).click())
    t.match(await words(page), /Nothing was done yet/)
    await isWell(t, page, `admin-person-fault-${look}`)
    await page.getByLabel('User name').fill('cleo')
    await page.getByLabel('Name', { exact: true }).fill('Cleo')
    await page.getByLabel('Groups').fill('family')
    await going(page, () => page.getByRole('button', { name: 'Add' }).click())
    t.match(await words(page), /nothing yet: invite/)
    await going(page, () => page.getByRole('button', { name: 'Make an invitation' }).click())
    const link = await page.locator('#link').innerText()
    t.match(link, new RegExp(`^${loginOrigin}/enrol/[\\w-]{43}$`))
    await isWell(t, page, `admin-invitation-${look}`)
    const cleo = await (await browser.newContext()).newPage()
    await cleo.goto(link)
    t.match(await words(cleo), /Welcome, Cleo/, 'the invitation works')

    await page.goto(`${adminOrigin}/people/bob`)
    await isWell(t, page, `admin-person-${look}`)
    await page.getByRole('textbox', { name: 'Groups' }).fill('family admin')
    await going(page, () => page.getByRole('button', { name: 'Save', exact: true }).click())
    t.match(await words(page), /administers/)
    await going(page, () => page.getByRole('button', { name: 'Take away phone' }).click())
    t.match(await words(page), /Nothing would be left to sign in with/)
    await going(page, () => page.getByRole('button', { name: 'Revoke phone calendar' }).click())
    t.match(await words(page), /The token opens nothing any more/)
    await going(page, () => page.getByRole('button', { name: 'Switch off' }).click())
    t.match(await words(page), /switched off[\s\S]*Sessions\s+None/)
    await page.getByLabel('Type bob to remove').fill('bob')
    await going(page, () => page.getByRole('button', { name: 'Remove', exact: true }).click())
    t.notMatch(await words(page), /Bob/)
    t.strictSame(complaints.list, [])
  })

  t.test(`sessions and tokens end, and what was done can be read, ${look}`, limit, async (t) => {
    if (!hasChromium(t)) return
    const { gateway, browser } = await start(t)
    const { page } = await openAdminPerson(browser, gateway, options)
    const bob = await openAdminPerson(browser, gateway, { id: 'bob' })
    const complaints = complaintsOf(page, [422])
    await page.goto(`${adminOrigin}/sessions`)
    await isWell(t, page, `admin-sessions-${look}`)
    await going(page, () => page.getByRole('button', { name: /^End .* of bob$/ }).click())
    t.match(await words(page), /The session has ended/)
    await bob.page.goto(`${loginOrigin}/account`)
    t.match(await words(bob.page), /Sign in/, 'he is out')
    t.equal(await page.locator('tbody tr').count(), 1, 'the own one stays')

    await page.goto(`${adminOrigin}/tokens`)
    await isWell(t, page, `admin-tokens-${look}`)
    await going(page, () => page.getByRole('link', { name: 'Make a token' }).click())
    await page.getByLabel('Name', { exact: true }).fill('backup script')
    await page.getByLabel('Hosts').fill('nowhere.example')
    await going(page, () => page.getByRole('button', { name: 'Make the token' }).click())
    t.match(await words(page), /No route takes this host/)
    await page.getByLabel('Hosts').fill('')
    await page.getByLabel('routes:read').check()
    await isWell(t, page, `admin-token-new-${look}`)
    await going(page, () => page.getByRole('button', { name: 'Make the token' }).click())
    const token = await page.locator('#token').innerText()
    const headers = { authorization: `Bearer ${token}` }
    const program = await browser.newContext({ extraHTTPHeaders: headers })
    const answer = await (await program.newPage()).goto(`${adminOrigin}/api/v1/routes`)
    t.equal(answer?.status(), 200, 'the token drives the API')

    await page.goto(`${adminOrigin}/audit`)
    t.match(await words(page), /token-added[\s\S]*session-revoked/)
    t.notMatch(await words(page), token)
    await isWell(t, page, `admin-audit-${look}`)
    await page.getByLabel('Event').fill('session-revoked')
    await going(page, () => page.getByRole('button', { name: 'Show' }).click())
    t.notMatch(await words(page), /token-added/)
    await page.getByLabel('From day').fill('next week')
    await going(page, () => page.getByRole('button', { name: 'Show' }).click())
    t.equal(await page.getByLabel('From day').getAttribute('aria-invalid'), 'true')
    await page.goto(`${adminOrigin}/audit?event=session-revoked`)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Take it away' }).click(),
    ])
    t.equal(download.suggestedFilename(), 'audit.ndjson')
    t.strictSame(complaints.list, [])
  })

  t.test(
    `machines wake and sleep, bans are lifted, the house is locked, ${look}`,
    limit,
    async (t) => {
      if (!hasChromium(t)) return
      const { admin, person } = await startWindow(t, options)
      const { page } = person
      const complaints = complaintsOf(page)
      await page.goto(`${admin.origin}/machines`)
      t.match(await words(page), /awake[\s\S]*4\.21 USD of 6\.50 USD/)
      t.match(
        await page.locator('.days').getAttribute('aria-label'),
        /^Awake for .* in the last 7 days/,
      )
      await isWell(t, page, `admin-machines-${look}`)
      await going(page, () => page.getByRole('button', { name: 'Wake it lab' }).click())
      t.match(await words(page), /It is being started/)
      await page.getByLabel('Keep it awake for').first().selectOption('4')
      await going(page, () => page.getByRole('button', { name: 'Keep oci-p-flex_1 awake' }).click())
      await going(page, () =>
        page.getByRole('button', { name: 'Let it sleep oci-p-flex_1' }).click(),
      )
      t.strictSame(
        admin.house.machines.done.map((text) => text.replace(/\d{4}-.*/, 'then')),
        ['wake lab', 'keep oci-p-flex_1 then', 'sleep oci-p-flex_1'],
      )
      // What happens elsewhere is seen without a new page.
      await page.waitForTimeout(2_500)
      admin.house.machines.machines = admin.house.machines.machines.map((each) =>
        each.id === 'lab' ? { ...each, state: 'awake' } : each,
      )
      await page.locator('[data-vm=lab]', { hasText: 'awake' }).getByText('Let it sleep').waitFor()

      await page.goto(`${admin.origin}/protection`)
      await isWell(t, page, `admin-protection-${look}`)
      await going(page, () =>
        page.getByRole('button', { name: 'Lift the ban of 2001:db8:1:2::/64' }).click(),
      )
      t.match(await words(page), /This network may try again/)
      t.equal(admin.house.bans.length, 1)
      await going(page, () => page.getByRole('button', { name: 'Lock down' }).click())
      await page.goto(`${admin.origin}/`)
      t.match(await words(page), /Lockdown is on/)
      await going(page, () => page.getByRole('link', { name: 'See it' }).click())
      await going(page, () => page.getByRole('button', { name: 'Open up again' }).click())
      t.equal(admin.house.lockdown.on, false)

      for (const name of ['certificates', 'house']) {
        await page.goto(`${admin.origin}/${name}`)
        await isWell(t, page, `admin-${name}-${look}`)
      }
      t.match(await words(page), /certificates\s+look here[\s\S]*of 27\.9 GB free/)
      t.strictSame(complaints.list, [])
    },
  )

  t.test(
    `whoever signed in a while ago looks, and shows himself before a change, ${look}`,
    limit,
    async (t) => {
      if (!hasChromium(t)) return
      const { admin, person } = await startWindow(t, options)
      const { page } = person
      await page.goto(`${admin.origin}/route?id=cal%2Fradicale`)
      await page.getByLabel('Largest upload').fill('3GB')
      admin.later(11 * 60_000)
      await going(page, () => page.getByRole('button', { name: 'Look at what it does' }).click())
      t.match(await words(page), /Show once more who you are; this page is kept/)
      await isWell(t, page, `admin-review-old-${look}`)
      const href = await page.getByRole('link', { name: 'Sign in again' }).getAttribute('href')
      t.match(href, /^https:\/\/auth\.example\.com\/\?rd=http.*%2Freview%2F.*&reason=not-recent$/)
      await page.goto(`${admin.origin}/people`)
      const { status } = await page.evaluate<{ status: number }>(
        `fetch('/sessions/end-all', { method: 'POST', headers: { 'x-csrf-token': document.querySelector('meta[name=csrf-token]').content } }).then(({ status }) => ({ status }))`,
      )
      t.equal(status, 403)
      await page.goBack()
      await admin.signInAgain()
      await page.reload()
      await going(page, () => page.getByRole('button', { name: 'Save and use it' }).click())
      t.match(admin.routes.text, /maxBody: 3GB/, 'nothing was lost')
    },
  )
}

t.test('whoever is signed in sees what he may open; strangers learn nothing', limit, async (t) => {
  if (!hasChromium(t)) return
  const { gateway, browser } = await start(t)
  for (const [look, options] of Object.entries(looks)) {
    const { page } = await openAdminPerson(browser, gateway, { ...options, id: 'bob' })
    const complaints = complaintsOf(page)
    await page.goto(`${loginOrigin}/`)
    t.match(await words(page), /Hello, Bob[\s\S]*Calendar\s+cal\.gate\.test[\s\S]*Diary/)
    t.notMatch(await words(page), /Admin/, 'what he may not open is not there')
    await isWell(t, page, `services-${look}`)
    t.equal(
      await page.getByRole('link', { name: 'Calendar' }).getAttribute('href'),
      'https://cal.gate.test/',
    )
    t.strictSame(complaints.list, [])
  }
  const stranger = await (await browser.newContext()).newPage()
  for (const path of ['/', '/services']) {
    await stranger.goto(loginOrigin + path)
    t.notMatch(await stranger.content(), /cal\.gate|Diary|Calendar|Blog/, path)
  }
})
