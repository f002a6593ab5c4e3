// Forms, JSON and queries, read strictly; and HTML that escapes by itself.

import t from 'tap'
import { alert, checkbox, field, hidden } from '../../src/auth/app/controls.ts'
import { csrfFault, csrfToken } from '../../src/auth/app/csrf.ts'
import { fieldOf, isTicked, parseForm, parseJson, textOf } from '../../src/auth/app/forms.ts'
import { html, htmlText, trustedHtml } from '../../src/auth/app/html.ts'
import { appOrigin, loginOrigin, startLogin } from '../fixtures/login-app.ts'

const parse = (text: string) => [...parseForm(Buffer.from(text, 'latin1'))]

t.test('a form is read as browsers write it', async (t) => {
  t.strictSame(parse(''), [])
  t.strictSame(parse('a=1&b=&c'), [
    ['a', '1'],
    ['b', ''],
    ['c', ''],
  ])
  t.strictSame(parse('a+b=c+d%2Be%26%3D%25'), [['a b', 'c d+e&=%']])
  t.strictSame(parse('%C3%A4=%F0%9F%97%9D'), [['ä', '🗝']])
  t.strictSame(parse('a=b=c'), [['a', 'b=c']])
  t.strictSame(parse('text=one%0D%0Atwo%09'), [['text', 'one\r\ntwo\t']])
  t.strictSame(parse('__proto__=x&constructor=y'), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
})

t.test('what a lenient reader would mend is refused', async (t) => {
  for (const text of [
    'a=1&a=2',
    'a=1&%61=2',
    'a=%',
    'a=%4',
    'a=%zz',
    'a=%ff',
    'a=%c0%af',
    'a=%ed%a0%80',
    'a=%00',
    'a=%1b',
    'a=%7f',
    'a=\u00e4',
    'a=\n',
    'a=1&&b=2&',
    `a=${'x'.repeat(8193)}`,
    Array.from({ length: 51 }, (_, i) => `a${i}=`).join('&'),
  ])
    t.throws(() => parse(text), { code: 'bad-form' }, text.slice(0, 40))
})

t.test('JSON is an object in UTF-8, or nothing', async (t) => {
  t.equal(textOf(parseJson(Buffer.from('{"a":"b"}')), 'a'), 'b')
  for (const text of ['', '[]', '"a"', 'null', '1', '{', '{"a":1}x', '{a:1}', '\ufeff'])
    t.throws(() => parseJson(Buffer.from(text)), { code: 'bad-form' }, text)
  t.throws(() => parseJson(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), { code: 'bad-form' })
})

t.test('a member that is inherited, or no text, is not there', async (t) => {
  const object = parseJson(Buffer.from('{"a":1,"b":null,"c":["x"],"__proto__":{"d":"x"}}'))
  for (const name of ['a', 'b', 'c', 'd', 'toString', '__proto__', 'constructor'])
    t.equal(textOf(object, name), null, name)
})

t.test('a field that is longer than it may be is empty', async (t) => {
  const form = parseForm(Buffer.from('name=abc&on=yes&off='))
  t.equal(fieldOf(form, 'name', 3), 'abc')
  t.equal(fieldOf(form, 'name', 2), '')
  t.equal(fieldOf(form, 'missing'), '')
  t.ok(isTicked(form, 'on'))
  t.notOk(isTicked(form, 'off'))
})

t.test('text is escaped wherever it stands, markup is not', async (t) => {
  const nasty = `"><script>alert('1')</script>&`
  const escaped = '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;'
  t.equal(htmlText(html`<a title="${nasty}">${nasty}</a>`), `<a title="${escaped}">${escaped}</a>`)
  t.equal(htmlText(html`${html`<b>${nasty}</b>`}`), `<b>${escaped}</b>`)
  t.equal(htmlText(html`${[html`<i>`, 'a<b', 7, null, false]}`), '<i>a&lt;b7')
  t.equal(htmlText(html`${trustedHtml('<hr>')}`), '<hr>')
})

t.test('a field has its label, and its fault and hint are read out with it', async (t) => {
  const text = htmlText(
    field({ name: 'code', label: 'The <code>', value: '"x"', hint: 'six', error: 'no' }),
  )
  t.match(text, '<label for="code">The &lt;code&gt;</label>')
  t.match(text, 'id="code" name="code" type="text" value="&quot;x&quot;"')
  t.match(text, 'aria-describedby="code-error code-hint" aria-invalid="true"')
  t.match(text, '<p class="error" id="code-error">no</p>')
  t.match(text, '<p class="hint" id="code-hint">six</p>')
  t.notMatch(htmlText(field({ name: 'a', label: 'b' })), 'aria-')
  t.match(htmlText(checkbox('a', 'b', true)), ' checked>')
  t.notMatch(htmlText(checkbox('a', 'b', false)), 'checked')
  t.equal(htmlText(hidden({ a: '1"', b: null })), '<input type="hidden" name="a" value="1&quot;">')
  t.match(htmlText(alert('<oh>') ?? trustedHtml('')), 'role="alert"><p>&lt;oh&gt;</p>')
})

t.test('a POST is ours by Origin, Sec-Fetch-Site and token together', async (t) => {
  const key = Buffer.alloc(32, 1)
  const token = csrfToken(key, 'browser')
  const expected = { tokens: [csrfToken(key, 'first'), token], browserKnown: true }
  const from = (headers: Record<string, string>) => ({ headers, origin: loginOrigin })
  const good = { origin: loginOrigin, 'sec-fetch-site': 'same-origin' }
  t.equal(csrfFault(from(good), token, expected), null)
  t.equal(csrfFault(from({}), token, expected), null, 'an old browser sends neither')
  for (const origin of [
    appOrigin,
    'null',
    '',
    'https://evil.example',
    `${loginOrigin}:8443`,
    loginOrigin.replace('https', 'http'),
  ])
    t.equal(csrfFault(from({ ...good, origin }), token, expected), 'cross-origin', origin)
  for (const site of ['same-site', 'cross-site', 'none', ''])
    t.equal(
      csrfFault(from({ ...good, 'sec-fetch-site': site }), token, expected),
      'cross-origin',
      site,
    )
  for (const other of [
    null,
    '',
    'x',
    csrfToken(key, 'other'),
    csrfToken(Buffer.alloc(32), 'browser'),
  ])
    t.equal(csrfFault(from(good), other, expected), 'stale', `${other}`)
  t.equal(csrfFault(from(good), token, { ...expected, browserKnown: false }), 'no-cookie')
})

t.test('of several tabs that a new browser opens at once, all sign in', async (t) => {
  const people = [{ id: 'ada', password: 'pw', totp: true, session: false }] as const
  const login = await startLogin(t, { people })
  const one = login.visitor()
  const two = login.visitor()
  const first = await one.ask('/')
  const second = await two.ask('/')
  // One browser: of the cookies with one name, the one that came last is kept.
  for (const cookie of two.jar.all()) one.jar.put(cookie)
  for (const page of [first, second]) {
    const answer = await one.submit(page, '/password', { name: 'ada', password: 'pw' })
    t.equal(answer.status, 303)
    t.match(answer.headers.location, '/second-factor')
    t.match((await one.follow(answer)).words, 'Enter your code')
  }
  const stranger = await login.visitor().ask('/')
  const stolen = await one.submit(stranger, '/password', { name: 'ada', password: 'pw' })
  t.equal(stolen.status, 403)
  t.match(stolen.words, 'nothing is lost')
})
