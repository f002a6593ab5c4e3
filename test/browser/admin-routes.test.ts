// Routes edited in Chromium as the owner does it: by form and as text, on a phone and at a desk, seen before it is saved.

import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { adminOrigin, isWell, looks, openAdminPerson, words } from '../fixtures/admin-person.ts'
import { hasChromium, startBrowser } from '../fixtures/browser.ts'
import { complaintsOf, going } from '../fixtures/browser-person.ts'
import { startGateway } from '../fixtures/gateway.ts'

const limit = { timeout: 120_000 }

async function start(t: Test) {
  const gateway = await startGateway({
    routes: `
      # The calendar, for all of us.
      - { service: Calendar, host: cal, to: 'http://127.0.0.1:9' }   # do not move
      - service: Photos
        host: photos
        path: /album   # the old name
        to: http://127.0.0.1:9
        maxBody: 1GB`,
    people: [
      { id: 'ada', displayName: 'Ada Lovelace', groups: ['admin'] },
      { id: 'bob', displayName: 'Bob' },
    ],
  })
  t.teardown(() => gateway.close())
  return { gateway, browser: await startBrowser(t, gateway) }
}

t.setTimeout(240_000)

for (const [look, options] of Object.entries(looks)) {
  t.test(`a route is added, changed, switched off and deleted, ${look}`, limit, async (t) => {
    if (!hasChromium(t)) return
    const { gateway, browser } = await start(t)
    const person = await openAdminPerson(browser, gateway, options)
    const { page } = person
    const complaints = complaintsOf(page, [422])
    const before = await readFile(gateway.routesFile, 'utf8')

    await page.goto(`${adminOrigin}/`)
    t.match(await words(page), /cal\.gate\.test[\s\S]*Calendar/)
    await isWell(t, page, `admin-routes-${look}`)

    await going(page, () => page.getByRole('link', { name: 'Add a route', exact: true }).click())
    await isWell(t, page, `admin-route-new-${look}`)
    await page.getByLabel('Name', { exact: true }).fill('Notes')
    await page.getByLabel('Host', { exact: true }).fill('notes')
    await page.getByRole('textbox', { name: 'Address' }).fill('127.0.0.1:9')
    await going(page, () => page.getByRole('button', { name: 'Look at what it does' }).click())
    t.match(await words(page), /Nothing was saved yet/)
    t.equal(
      await page.getByRole('textbox', { name: 'Address' }).getAttribute('aria-invalid'),
      'true',
    )
    await isWell(t, page, `admin-route-fault-${look}`)
    await page.getByRole('textbox', { name: 'Address' }).fill('http://127.0.0.1:9')
    await page.getByRole('radio', { name: 'These people' }).check()
    await page.getByLabel('People', { exact: true }).fill('bob')
    await going(page, () => page.getByRole('button', { name: 'Look at what it does' }).click())
    t.match(await words(page), /users bob/)
    await isWell(t, page, `admin-review-${look}`)
    t.equal(await readFile(gateway.routesFile, 'utf8'), before, 'nothing is written unseen')
    await page.getByLabel('Why').fill('a place for notes')
    await going(page, () => page.getByRole('button', { name: 'Save and use it' }).click())
    t.match(await words(page), /Saved\. The new table is in use\.[\s\S]*Notes/)
    const added = await readFile(gateway.routesFile, 'utf8')
    t.ok(added.startsWith(before.trimEnd()), 'what was there has every byte')
    t.match(
      added,
      /service: Notes, host: notes, to: http:\/\/127\.0\.0\.1:9, access: \{ users: \[bob\] \}/,
    )

    await going(page, () => page.getByRole('link', { name: 'Photos', exact: true }).click())
    await page.getByLabel('Largest upload').fill('2GB')
    await page.getByRole('radio', { name: 'Everyone strangers too' }).check()
    await going(page, () => page.getByRole('button', { name: 'Look at what it does' }).click())
    t.match(await words(page), /lets in more[\s\S]*photos\/album: login → public/)
    await going(page, () => page.getByRole('button', { name: 'Save and use it' }).click())
    t.equal(
      await readFile(gateway.routesFile, 'utf8'),
      added.replace('maxBody: 1GB', 'access: public\n    maxBody: 2GB'),
      'the comment and the order stay',
    )

    await going(page, () => page.getByRole('link', { name: 'Calendar', exact: true }).click())
    await going(page, () => page.getByRole('button', { name: 'Switch off' }).click())
    await going(page, () => page.getByRole('button', { name: 'Save and use it' }).click())
    t.match(await page.locator('tr', { hasText: 'Calendar' }).innerText(), /off/)
    await going(page, () => page.getByRole('link', { name: 'Notes', exact: true }).click())
    await going(page, () => page.getByRole('button', { name: 'Delete' }).click())
    t.match(await words(page), /goes away/)
    await going(page, () => page.getByRole('button', { name: 'Save and use it' }).click())
    t.notMatch(await words(page), /Notes/)

    await going(page, () => page.getByRole('link', { name: 'History', exact: true }).click())
    t.match(await words(page), /a place for notes/)
    await isWell(t, page, `admin-history-${look}`)
    const oldest = page.locator('tbody tr').last().getByRole('link')
    await going(page, () => oldest.click())
    await isWell(t, page, `admin-version-${look}`)
    await going(page, () => page.getByRole('button', { name: 'Go back to it' }).click())
    await going(page, () => page.getByRole('button', { name: 'Save and use it' }).click())
    t.equal(await readFile(gateway.routesFile, 'utf8'), before, 'one click back')
    t.strictSame(complaints.list, [])
  })

  t.test(`the file is edited as text, with mistakes at their lines, ${look}`, limit, async (t) => {
    if (!hasChromium(t)) return
    const { gateway, browser } = await start(t)
    const person = await openAdminPerson(browser, gateway, options)
    const { page } = person
    const complaints = complaintsOf(page, [422])
    const before = await readFile(gateway.routesFile, 'utf8')
    await page.goto(`${adminOrigin}/file`)
    const area = page.getByLabel('routes.yaml')
    t.equal(await area.inputValue(), before)
    await isWell(t, page, `admin-file-${look}`)

    await area.fill(before.replace('host: cal', 'hots: cal'))
    await page.getByText('to mend.').waitFor()
    t.match(await words(page), /unknown key|hots/)
    await going(page, () => page.getByRole('button', { name: 'Look at what it does' }).click())
    const line = before.split('\n').findIndex((text) => text.includes('host: cal')) + 1
    t.match(await words(page), new RegExp(`Nothing was saved[\\s\\S]*line ${line}\\b`))
    await isWell(t, page, `admin-file-fault-${look}`)
    await page
      .getByRole('button', { name: `line ${line}` })
      .first()
      .click()
    const at = await page.evaluate<number>("document.getElementById('text').selectionStart")
    t.equal(before.slice(0, at).split('\n').length, line, 'a click leads to the line')

    await page.getByLabel('routes.yaml').fill(before.replace('service: Calendar', 'service: Diary'))
    await going(page, () => page.getByRole('button', { name: 'Look at what it does' }).click())
    t.match(await words(page), /Nothing changes for who may enter/)

    // Meanwhile somebody edits the file by hand.
    await gateway.writeRoutes(`
      - { service: By hand, host: hand, to: 'http://127.0.0.1:9' }`)
    await page.reload()
    t.match(await words(page), /The file has changed meanwhile[\s\S]*By hand/)
    t.equal(await page.getByRole('button', { name: 'Save and use it' }).count(), 0)
    await isWell(t, page, `admin-conflict-${look}`)
    await going(page, () => page.getByRole('button', { name: 'I have seen it' }).click())
    t.match(await words(page), /hand\/: login → nothing/, 'what of it would be lost is said')
    await going(page, () => page.getByRole('link', { name: 'Leave it' }).click())
    t.match(await words(page), /By hand/)
    t.strictSame(
      complaints.list.filter((text) => !text.includes('409')),
      [],
    )
  })

  t.test(`an address is tried for somebody, and a target, ${look}`, limit, async (t) => {
    if (!hasChromium(t)) return
    const { gateway, browser } = await start(t)
    const { page } = await openAdminPerson(browser, gateway, options)
    const complaints = complaintsOf(page)
    await page.goto(`${adminOrigin}/explain`)
    await page.getByRole('textbox', { name: 'Address' }).fill('cal.gate.test/x')
    await going(page, () => page.getByRole('button', { name: 'Try it' }).click())
    t.match(await words(page), /Sent to sign in[\s\S]*cal\//)
    await page.getByLabel('For', { exact: true }).selectOption('bob')
    await going(page, () => page.getByRole('button', { name: 'Try it' }).click())
    t.match(await words(page), /Let in/)
    await isWell(t, page, `admin-explain-${look}`)
    await page.getByRole('textbox', { name: 'Target' }).fill('http://127.0.0.1:9')
    await going(page, () => page.getByRole('button', { name: 'Ask it' }).click())
    t.match(await words(page), /It does not answer/)
    await isWell(t, page, `admin-probe-${look}`)
    t.strictSame(complaints.list, [])
  })
}

t.test(
  'whoever would lose the admin types its name, and keeps the change or loses it',
  limit,
  async (t) => {
    if (!hasChromium(t)) return
    const { gateway, browser } = await start(t)
    const { page } = await openAdminPerson(browser, gateway, looks.desk)
    await page.goto(`${adminOrigin}/route?id=proxy%2F`)
    await page.getByLabel('Host', { exact: true }).fill('desk')
    await going(page, () => page.getByRole('button', { name: 'Look at what it does' }).click())
    t.match(await words(page), /Take care/)
    await isWell(t, page, 'admin-danger')
    const field = page.getByLabel('To do it all the same, type')
    await field.fill('something')
    await going(page, () => page.getByRole('button', { name: 'Save and use it' }).click())
    t.match(await words(page), /That is not/)
    const label = await page.locator('label[for=confirm]').innerText()
    await field.fill(label.split(' ').at(-1) ?? '')
    await page.getByRole('button', { name: 'Save and use it' }).click()
    await page.waitForLoadState()
    // It has moved: here there is nothing any more. The new place asks whether all is well.
    await page.goto('https://desk.gate.test/')
    t.match(await words(page), /Is everything still there\?[\s\S]*in \d+ s/)
    await isWell(t, page, 'admin-pending')
    await going(page, () => page.getByRole('button', { name: 'Keep it' }).click())
    t.match(await words(page), /The change stays/)
    t.notMatch(await words(page), /Is everything still there/)
  },
)

t.test('without JavaScript everything works', limit, async (t) => {
  if (!hasChromium(t)) return
  const { gateway, browser } = await start(t)
  const { page } = await openAdminPerson(browser, gateway, {
    ...looks.phone,
    javaScriptEnabled: false,
  })
  await page.goto(`${adminOrigin}/`)
  await page.getByLabel('Search').fill('calendar')
  await going(page, () => page.getByRole('button', { name: 'Search' }).click())
  t.match(await words(page), /1 of 4/)
  t.notMatch(await words(page), /Photos/)
  await going(page, () => page.getByRole('link', { name: 'Calendar', exact: true }).click())
  await page.getByRole('radio', { name: 'It depends on method and path' }).check()
  await page
    .getByRole('textbox', { name: 'Rules' })
    .fill('{ methods: [GET], paths: [/share/**], access: public }\n{ access: login }')
  await going(page, () => page.getByRole('button', { name: 'Look at what it does' }).click())
  t.match(await words(page), /share/)
  await going(page, () => page.getByRole('button', { name: 'Save and use it' }).click())
  t.match(await words(page), /Saved/)
  t.match(await readFile(gateway.routesFile, 'utf8'), /paths: \[\/share\/\*\*\]/)
})
