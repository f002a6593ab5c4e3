// The attack: a link to the real login page that ends at the attacker's, who shows the same page once more and is told the
// password. OAuth2-Proxy CVE-2020-5233 (`/\`), CVE-2020-11053 (encoded white space), CVE-2020-4037, CVE-2021-21291 (suffix
// without a dot); Authelia CVE-2021-29456; Pocket ID CVE-2026-28512. Whatever two readers of an address read differently.

import t from 'tap'
import { readReturnTo } from '../../src/auth/app/return-to.ts'
import {
  appOrigin,
  landingOrigin,
  loginHost,
  loginOrigin,
  startLogin,
} from '../fixtures/login-app.ts'

const good = appOrigin.slice('https://'.length)
const domain = good.slice(good.indexOf('.') + 1)

/** Nothing here may lead anywhere. */
const hostile: readonly string[] = [
  // Another host, plainly.
  'https://evil.example',
  'https://evil.example/',
  `https://evil.example/${good}`,
  `https://evil.example/?${good}`,
  `https://evil.example/#${good}`,
  `https://evil.example?https://${good}/`,
  `https://evil.example#https://${good}/`,
  'https://xn--vil-9na.example/',
  // Looks like one of ours.
  `https://evil${good}/`,
  `https://${good}evil/`,
  `https://${good}.evil.example/`,
  `https://${good}-evil.example/`,
  `https://evil-${good}/`,
  `https://evil.example.${domain}.evil.example/`,
  `https://${domain}.evil.example/`,
  `https://not-routed.${domain}/`,
  `https://sub.${good}/`,
  `https://.${good}/`,
  `https://${good}./`,
  `https://${good}../`,
  `https://${domain}./`,
  // User information.
  `https://${good}@evil.example/`,
  `https://${good}:443@evil.example/`,
  `https://${good}%40evil.example/`,
  `https://user@${good}/`,
  `https://user:secret@${good}/`,
  `https://@${good}/`,
  `https://:@${good}/`,
  `https://evil.example@${good}/`,
  `https://evil.example%2f@${good}/`,
  `https://evil.example/@${good}/`,
  `https://${good}@evil.example@${good}/`,
  `https://evil.example:80\\@${good}/`,
  // Backslashes, which browsers take for slashes.
  `https:\\\\evil.example\\`,
  `https:\\\\${good}\\`,
  `https:/\\${good}/`,
  `https:\\/${good}/`,
  `https://evil.example\\@${good}/`,
  `https://${good}\\@evil.example/`,
  `https://${good}\\.evil.example/`,
  `https://${good}/\\evil.example`,
  `https://${good}\\evil.example`,
  '\\\\evil.example',
  '/\\evil.example',
  '\\/evil.example',
  '/\\/evil.example',
  // Relative to a scheme, a host or a path.
  '//evil.example',
  '//evil.example/%2f..',
  '///evil.example',
  '////evil.example',
  `//${good}/`,
  '/',
  '/account',
  '/https://evil.example',
  './/evil.example',
  '../evil.example',
  '/%2f%2fevil.example',
  '/%5cevil.example',
  '%2f%2fevil.example',
  '%68ttps://evil.example',
  '?https://evil.example',
  '#https://evil.example',
  '',
  '.',
  '*',
  'null',
  'undefined',
  good,
  `${good}/`,
  'evil.example',
  // Schemes.
  `http://${good}/`,
  `HTTP://${good}/`,
  `https:${good}/`,
  `https:/${good}/`,
  `https:///${good}/`,
  `https:////${good}/`,
  `https:evil.example`,
  `https:/evil.example`,
  `https:///evil.example`,
  `https:?evil.example`,
  'javascript:alert(1)',
  'JavaScript:alert(1)',
  'java\tscript:alert(1)',
  `javascript://${good}/%0aalert(1)`,
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  `blob:https://${good}/x`,
  `filesystem:https://${good}/x`,
  `view-source:https://${good}/`,
  `ftp://${good}/`,
  `ws://${good}/`,
  `wss://${good}/`,
  `file://${good}/etc/passwd`,
  `httpss://${good}/`,
  `h ttps://${good}/`,
  `x-https://${good}/`,
  `intent://${good}/#Intent;scheme=https;end`,
  `://${good}/`,
  `:https://${good}/`,
  // White space and control characters, some of which URL parsers drop.
  ` https://${good}/`,
  `https://${good}/ `,
  `https://${good}/a b`,
  `https://${good} .evil.example/`,
  `https://${good}\t.evil.example/`,
  `https://${good}\n.evil.example/`,
  `https://${good}\r\n.evil.example/`,
  `ht\ntps://${good}/`,
  `https:\n//evil.example/`,
  `https:/\t/evil.example/`,
  `\u0000https://${good}/`,
  `https://${good}/\u0000`,
  `https://${good}/\u007f`,
  `https://${good}/\u0085`,
  `\ufeffhttps://${good}/`,
  `https://${good}/\r\nSet-Cookie: a=b`,
  `https://${good}/%0d%0aSet-Cookie:%20a=b\r\n`,
  '\t//evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  // Other writings of dots, slashes and letters, which IDNA maps.
  `https://${good.replace('.', '\u3002')}/`,
  `https://${good.replace('.', '\uff0e')}/`,
  `https://${good.replace('a', '\uff41')}/`,
  `https://${good.replace('a', '\u0430')}/`,
  `https://${good.replace('s', '\u017f')}/`,
  `https://evil.example\uff0f${good}/`,
  `https://evil.example\u2044${good}/`,
  `https://evil.example\u2100${good}/`,
  `https://evil.example\uff03${good}/`,
  `https://evil.example\uff1f${good}/`,
  `https\uff1a//${good}/`,
  `https://${good.replace('.', '%2e')}/`,
  `https://${good}%2eevil.example/`,
  `https://${good}%00.evil.example/`,
  `https://${good}%0d%0a.evil.example/`,
  `https://evil.example%23.${good}/`,
  `https://evil.example%2f.${good}/`,
  `https://%61pp.${domain}/`,
  `https://${good}\u00ad/`,
  `https://${good}\u200b/`,
  // Ports.
  `https://${good}:8443/`,
  `https://${good}:80/`,
  `https://${good}:0443/`,
  `https://${good}:00443/`,
  `https://${good}:443443/`,
  `https://${good}:65536/`,
  `https://${good}:-1/`,
  `https://${good}:+443/`,
  `https://${good}:443:443/`,
  `https://${good}:44 3/`,
  `https://${good}:\uff14\uff14\uff13/`,
  `https://${good}:0/`,
  // Addresses instead of names.
  'https://127.0.0.1/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://[::1]/',
  `https://[::ffff:127.0.0.1]/`,
  `https://[${good}]/`,
  'https://localhost/',
  // Brackets, quotes and what is left of other syntaxes.
  `https://evil.example[${good}]/`,
  `https://${good}[evil.example]/`,
  `<https://${good}/>`,
  `"https://${good}/"`,
  `https://"${good}"/`,
  `https://${good},evil.example/`,
  `https://evil.example,${good}/`,
  `https://evil.example;${good}/`,
  `https://evil.example&${good}/`,
  `https://evil.example|${good}/`,
  `https://{${good}}/`,
  `https://*.${domain}/`,
  `https://$${good}/`,
  `https://_/`,
  // The login page itself: round and round.
  `https://${loginHost}`,
  `https://${loginHost}/`,
  `https://${loginHost}/?rd=https://evil.example/`,
  `https://${loginHost}/#x`,
  // Too long to be looked at.
  `https://${good}/${'a'.repeat(5000)}`,
  `https://${'a.'.repeat(200)}${good}/`,
]

/** Where a person may want to go, and where he gets to. */
const friendly: readonly (readonly [from: string, to: string])[] = [
  [`${appOrigin}`, `${appOrigin}/`],
  [`${appOrigin}/`, `${appOrigin}/`],
  [`${appOrigin}:443/x`, `${appOrigin}/x`],
  [`HTTPS://${good.toUpperCase()}/X`, `${appOrigin}/X`],
  [`${appOrigin}/a/b?c=d&e=f#g`, `${appOrigin}/a/b?c=d&e=f#g`],
  [`${appOrigin}?q`, `${appOrigin}/?q`],
  [`${appOrigin}/a%20b%2Fc`, `${appOrigin}/a%20b%2Fc`],
  [`${appOrigin}/?next=https://evil.example/`, `${appOrigin}/?next=https://evil.example/`],
  [`${appOrigin}/?path=C:\\x`, `${appOrigin}/?path=C:\\x`],
  [`${appOrigin}//evil.example`, `${appOrigin}//evil.example`],
  [`${appOrigin}/@evil.example`, `${appOrigin}/@evil.example`],
  [`${landingOrigin}/`, `${landingOrigin}/inside`],
  [`${landingOrigin}/inside/7`, `${landingOrigin}/inside/7`],
  [`${loginOrigin}/account`, `${loginOrigin}/account`],
]

t.test('no hostile return target leads anywhere', async (t) => {
  t.ok(hostile.length >= 100, `${hostile.length} targets`)
  const { context } = await startLogin(t)
  for (const target of hostile) t.equal(readReturnTo(target, context), null, JSON.stringify(target))
})

t.test('a wanted one leads exactly there', async (t) => {
  const { context } = await startLogin(t)
  for (const [from, to] of friendly) t.equal(readReturnTo(from, context), to, from)
})

t.test('on another public port only that port is ours', async (t) => {
  const { context } = await startLogin(t)
  const other = { ...context, publicPort: () => 8443 }
  t.equal(readReturnTo(`${appOrigin}:8443/x`, other), `${appOrigin}:8443/x`)
  t.equal(readReturnTo(`${appOrigin}/x`, other), null)
})

t.test('a host of the table that our cookie does not reach is no place to go on to', async (t) => {
  const { context } = await startLogin(t)
  const other = { ...context, routeOf: () => ({ landing: null, isPublic: false }) }
  t.equal(readReturnTo('https://other.example/', other), null)
  t.equal(readReturnTo(`https://evil${domain}/`, other), null)
  t.equal(readReturnTo(`https://${domain}/`, other), `https://${domain}/`)
})

t.test('whoever is signed in is not sent on by a hostile link either', async (t) => {
  const login = await startLogin(t, { people: [{ id: 'ada' }] })
  const visitor = login.visitor()
  const { token } = login.known('ada').session
  visitor.jar.put({ name: '__Secure-gatehouse', value: token, domain, hostOnly: false })
  const wanted = await visitor.ask(`/?rd=${encodeURIComponent(`${appOrigin}/x`)}`)
  t.equal(wanted.headers.location, `${appOrigin}/x`, 'a friendly one is followed')
  for (const target of hostile) {
    // The clock goes on, or asking so often would be taken for a circle.
    login.advance(11_000)
    for (const rd of [encodeURIComponent(target), asTyped(target)]) {
      // Written into a link without care, this one says what it may say.
      if (rd.startsWith('https://app%2e') || rd.startsWith('https://%61pp.')) continue
      const page = await visitor.ask(`/?rd=${rd}`)
      t.equal(page.status, 200, rd)
      t.equal(page.headers.location, undefined, rd)
    }
  }
  const twice = await visitor.ask(`/?rd=${appOrigin}/x&rd=https://evil.example/`)
  t.equal(twice.headers.location, undefined, 'two targets are none')
})

t.test('the landing page of the table cannot lead away either', async (t) => {
  const { context } = await startLogin(t)
  for (const landing of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example/',
    '/a\nb',
    '',
  ]) {
    const other = { ...context, routeOf: () => ({ landing, isPublic: true }) }
    t.equal(readReturnTo(`${landingOrigin}/`, other), `${landingOrigin}/`, landing)
  }
})

/** As an attacker would write it into a link by hand: only what cannot stand in a request line is encoded. */
function asTyped(target: string): string {
  return target.replace(/[^\x21-\x7e]|[#&]/g, (c) => encodeURIComponent(c))
}
