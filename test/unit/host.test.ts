// One way to make a Host: what counts as the same name, and what is no name at all.

import t from 'tap'
import { parseAuthority, parseHost } from '../../src/host.ts'
import { random } from '../fixtures/random.ts'

t.test('spellings of one host are one Host (RFC 3986 §3.2.2, RFC 9110 §4.2.3)', async (t) => {
  for (const text of [
    'app.example.com',
    'APP.Example.Com',
    'app.example.com.',
    'APP.Example.com.:443',
    'app.example.com:443',
    'app.example.com:8443',
    'app.example.com:',
    'app.example.com:0443',
  ]) {
    t.equal(parseAuthority(text), 'app.example.com', text)
  }
  t.equal(parseAuthority('127.0.0.1:8443'), '127.0.0.1')
  t.equal(parseAuthority('_acme.example.com'), '_acme.example.com', 'an underscore is let through')
  t.equal(parseAuthority('xn--bcher-kva.example'), 'xn--bcher-kva.example')
})

t.test('what is no host name makes no Host (RFC 9112 §3.2)', async (t) => {
  for (const text of [
    '',
    '.',
    '..',
    ':',
    ':443',
    '.example.com',
    'example..com',
    'example.com..',
    ' example.com',
    'example.com ',
    'exa mple.com',
    'example.com\t',
    'example.com\r\n',
    'example.com\0',
    'app.example.com@evil',
    'user@app.example.com',
    'user:pw@app.example.com',
    'app.example.com:443@evil.tld',
    'app.example.com:44a',
    'app.example.com:-1',
    'app.example.com:+443',
    'app.example.com:65536',
    'app.example.com:000443',
    'app.example.com:443:443',
    'app.example.com,evil.tld',
    'app.example.com, app.example.com',
    'app.example.com/',
    'app.example.com?x',
    'app.example.com#x',
    'app.example.com\\evil',
    'app.example.com%00',
    '%61pp.example.com',
    '[::1]',
    '[::1]:443',
    '::1',
    'http://app.example.com',
    '-app.example.com',
    'app-.example.com',
    'app.example-',
    '*.example.com',
    'ａpp.example.com',
    'bücher.example',
    '\u212aelvin.example',
    'app。example。com',
    `${'a'.repeat(64)}.example.com`,
    `${'abcdefg.'.repeat(32)}com`,
  ]) {
    t.equal(parseAuthority(text), null, JSON.stringify(text))
  }
})

t.test('the limits of RFC 1035 §2.3.4 are exact', async (t) => {
  const label = 'a'.repeat(63)
  t.ok(parseHost(`${label}.example`))
  t.equal(parseHost(`${label}a.example`), null)
  const longest = `${label}.${label}.${label}.${'b'.repeat(61)}`
  t.equal(longest.length, 253)
  t.ok(parseHost(longest))
  t.ok(parseHost(`${longest}.`), 'the trailing dot does not count')
  t.equal(parseHost(`${longest}b`), null)
})

t.test('a TLS server name has no port', async (t) => {
  t.equal(parseHost('app.example.com:443'), null)
})

t.test(
  'whatever is accepted is lower-case, idempotent and free of anything but a name',
  async (t) => {
    const pick = random(1)
    const alphabet = 'aAzZ09-_..::@/%[]#?\\ \t\0\u00fc\u212a'
    let accepted = 0
    for (let i = 0; i < 20_000; i++) {
      let text = ''
      for (let n = pick(14); n >= 0; n--) text += alphabet[pick(alphabet.length)]
      const host = parseAuthority(text)
      if (host === null) continue
      accepted += 1
      if (!/^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(host)) {
        t.fail(`${JSON.stringify(text)} became ${host}`)
      }
      if (parseAuthority(host) !== host || parseAuthority(`${host.toUpperCase()}.:1`) !== host) {
        t.fail(`${host} has two readings`)
      }
    }
    t.ok(accepted > 200, `${accepted} texts were accepted`)
  },
)
