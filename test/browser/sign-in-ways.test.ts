// Signing in with Chromium, as a person does: each way, and each thing that goes wrong on the way. Screenshots on request.

import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { totpCode } from '../fixtures/authenticator.ts'
import { echoBackend } from '../fixtures/backends.ts'
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
import { browserCookie, sessionCookie } from '../fixtures/people.ts'
import { enrolmentLink } from '../fixtures/sign-in.ts'

const app = `https://app.${testDomain}`
const deep = `${app}/deep/er?x=1&y=%20z#the-part`

t.test('signing in with a browser', { timeout: 110_000 }, async (t) => {
  if (!hasChromium(t)) return
  const backend = await echoBackend()
  t.teardown(() => backend.close())
  let now = Date.now()
  const gateway = await startGateway({
    routes: [
      privateRow('app', backend.port),
      privateRow('strong', backend.port, 'access: { with: passkey }'),
    ].join('\n'),
    now: () => now,
    people: [
      { id: 'nina', displayName: 'Nina', session: false },
      ...['anna', 'ben', 'cleo', 'dora', 'emil', 'finn'].map((id) => ({
        id,
        password: 'correct horse battery',
        totp: true,
        recoveryCodes: true,
        session: false as const,
      })),
    ],
  })
  t.teardown(() => gateway.close())
  const browser = await startBrowser(t, gateway)
  const visitor = (options = {}) => openBrowserPerson(browser, options)

  /** Fills in name and password on the page that is open. */
  async function password(page: Page, id: string, text = 'correct horse battery') {
    await page.fill('input[autocomplete~=username]', id)
    await page.fill('input[type=password]', text)
    return going(page, () => page.press('input[type=password]', 'Enter'))
  }

  async function code(page: Page, id: string, text?: string) {
    const { totpSecret } = gateway.known(id)
    await page.fill('input[autocomplete=one-time-code]', text ?? totpCode(totpSecret, now))
    return going(page, () => page.press('input[autocomplete=one-time-code]', 'Enter'))
  }

  async function looks(t: Test, page: Page, name: string): Promise<void> {
    t.strictSame(await seriousViolations(page), [], `axe: ${name}`)
    await photograph(page, name)
  }

  await t.test('enrol with a passkey, by a link, and sign in with it', async (t) => {
    const nina = await visitor()
    const { page } = nina
    const { list } = complaintsOf(page)
    await page.goto(await enrolmentLink(gateway, 'nina'))
    await looks(t, page, 'enrol-1-link')
    await going(page, () => page.click('main button'))
    await looks(t, page, 'enrol-2-choice')
    await going(page, () => page.click('form[data-register] button'))
    t.match(page.url(), `${loginOrigin}/account/recovery-codes`)
    await looks(t, page, 'enrol-3-recovery-codes')
    const codes = (await page.textContent('main'))?.match(/[0-9A-Z]{5}(-[0-9A-Z]{5}){3}/gi) ?? []
    t.equal(codes.length, 10)
    t.equal((await nina.authenticator.credentials()).length, 1)
    await page.goto(`${app}/`)
    t.match(await page.textContent('body'), '"nina"')

    await nina.context.clearCookies()
    await nina.authenticator.isTouched(false)
    await page.goto(deep)
    t.match(page.url(), `${loginOrigin}/?rd=`)
    await looks(t, page, 'login')
    await nina.authenticator.isTouched(true)
    await page.click('form[data-key] button:visible')
    await page.waitForURL(`${app}/**`, { timeout: 5_000 })
    t.equal(page.url(), deep, 'exactly where she was going, with query and fragment')

    await nina.context.clearCookies()
    await page.goto(`${app}/from-the-field`)
    await page.waitForURL(`${app}/from-the-field`, { timeout: 5_000 })
    t.match(await page.textContent('body'), '"nina"', 'the browser offered her key in the field')

    await page.goto(`https://strong.${testDomain}/`)
    t.match(await page.textContent('body'), '"nina"', 'which opens what asks for a passkey')
    t.strictSame(list, [])
    await nina.close()
  })

  await t.test('the link is used up, and says so', async (t) => {
    const nina = await visitor()
    const link = await enrolmentLink(gateway, 'nina')
    await nina.page.goto(link)
    await nina.page.goto(link)
    t.match(await nina.page.title(), /Welcome/, 'looking at it does not use it up')
    await gateway.change(({ users }) => users.removeLinks(gateway.known('nina').id))
    const response = await nina.page.goto(link)
    t.equal(response?.status(), 410)
    await looks(t, nina.page, 'enrol-expired')
    await nina.close()
  })

  await t.test('password and code, and the deep link with query and fragment', async (t) => {
    const anna = await visitor()
    const { page } = anna
    const { list } = complaintsOf(page)
    await page.goto(deep)
    await password(page, 'anna')
    await looks(t, page, 'second-factor')
    await code(page, 'anna')
    t.equal(page.url(), deep)
    t.match(await page.textContent('body'), '"anna"')
    t.strictSame(list, [])
    await anna.close()
    now += 60_000
  })

  await t.test('the same without JavaScript', async (t) => {
    const anna = await visitor({ javaScriptEnabled: false })
    const { page } = anna
    await page.goto(deep)
    await photograph(page, 'login-without-javascript')
    await password(page, 'anna')
    await code(page, 'anna')
    t.equal(page.url().replace(/#.*/, ''), deep.replace(/#.*/, ''))
    await anna.close()
    now += 60_000
  })

  await t.test('a wrong password, a wrong code, a code that was used', async (t) => {
    const ben = await visitor()
    const { page } = ben
    await page.goto(`${app}/`)
    t.equal((await password(page, 'ben', 'wrong'))?.status(), 401)
    await looks(t, page, 'login-wrong-password')
    t.equal(await page.inputValue('input[autocomplete~=username]'), 'ben', 'the name stays')
    await password(page, 'ben')
    t.equal((await code(page, 'ben', '000000'))?.status(), 401)
    await looks(t, page, 'second-factor-wrong')
    await code(page, 'ben')
    t.equal(page.url(), `${app}/`)

    const other = await visitor()
    await other.page.goto(`${app}/`)
    await password(other.page, 'ben')
    t.equal((await code(other.page, 'ben'))?.status(), 401, 'used')
    await looks(t, other.page, 'second-factor-used')
    t.equal(await other.cookie(`${app}/`, sessionCookie), null)
    await ben.close()
    await other.close()
    now += 60_000
  })

  await t.test('a recovery code', async (t) => {
    const cleo = await visitor()
    const { page } = cleo
    await page.goto(`${loginOrigin}/recovery`)
    await looks(t, page, 'recovery')
    const [first = ''] = gateway.known('cleo').recoveryCodes
    const use = async (text: string) => {
      await page.fill('input[autocomplete~=username]', 'cleo')
      await page.fill('input[name=code]', text)
      return going(page, () => page.press('input[name=code]', 'Enter'))
    }
    t.equal((await use('AAAAA-AAAAA-AAAAA-AAAAA'))?.status(), 401)
    await looks(t, page, 'recovery-wrong')
    await use(first.toLowerCase())
    t.equal(page.url(), `${loginOrigin}/account`)
    await looks(t, page, 'account-after-recovery')
    await cleo.context.clearCookies()
    await page.goto(`${loginOrigin}/recovery`)
    t.equal((await use(first))?.status(), 401, 'once')

    await page.goto(deep)
    await going(page, () => page.click('a[href^="/recovery"]'))
    await use(gateway.known('cleo').recoveryCodes[1] ?? '')
    t.equal(page.url(), deep, 'by a link of the login page, fragment and all')
    await cleo.context.clearCookies()
    await page.goto(`${app}/x#${'a'.repeat(5000)}`)
    const kept = await page.inputValue('form[action="/password"] input[name=rd]')
    t.equal(kept, `${app}/x`, 'a fragment that is too long costs itself and no more')
    await cleo.close()
  })

  await t.test('two tabs at once, in a browser that has just been opened', async (t) => {
    const dora = await visitor()
    const one = dora.page
    const { page: two } = await dora.tab()
    await Promise.all([one.goto(`${app}/one`), two.goto(`${app}/two`)])
    await Promise.all([password(one, 'dora'), password(two, 'dora')])
    await code(one, 'dora')
    t.equal(one.url(), `${app}/one`)
    await code(two, 'dora')
    t.equal(two.url(), `${app}/two`)
    await one.reload()
    t.match(await one.textContent('body'), '"dora"', 'the first is still signed in')
    await dora.close()
    now += 60_000
  })

  await t.test('expired while typing: nothing is lost', async (t) => {
    const emil = await visitor()
    const { page } = emil
    await page.goto(deep)
    await password(page, 'emil')
    now += 11 * 60_000
    const late = await code(page, 'emil')
    t.equal(late?.status(), 409)
    await looks(t, page, 'expired-while-typing')
    await password(page, 'emil')
    await code(page, 'emil')
    t.equal(page.url().replace(/#.*/, ''), deep.replace(/#.*/, ''), 'the way back was kept')
    now += 60_000

    // The cookie of the browser is gone (or the gateway's key is another): the form is stale, and says what to do.
    await emil.context.clearCookies()
    await page.goto(`${app}/x`)
    await emil.context.clearCookies({ name: browserCookie })
    await password(page, 'emil')
    await looks(t, page, 'stale-form')
    t.match(await page.textContent('main'), /again/i)
    await emil.close()
  })

  await t.test('throttled, with words for it', async (t) => {
    const finn = await visitor()
    const { page } = finn
    await page.goto(`${app}/`)
    let status = 0
    for (let i = 0; i < 12 && status !== 429; i++) {
      status = (await password(page, 'finn', `guess ${i}`))?.status() ?? 0
    }
    t.equal(status, 429)
    await looks(t, page, 'throttled')
    t.match(await page.textContent('main'), /second|minute|moment/i)
    await finn.close()
  })
})
