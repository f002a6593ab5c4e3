// The small words of the account pages: devices, times, labels, names of keys, recovery codes, and the form for a token.

import t from 'tap'
import { describeDevice } from '../../src/auth/app/account-device.ts'
import { inWords, timeElement } from '../../src/auth/app/account-time.ts'
import {
  emptyTokenFields,
  readTokenFields,
  type TokenFields,
} from '../../src/auth/app/account-token-form.ts'
import { htmlText } from '../../src/auth/app/html.ts'
import { authenticatorName } from '../../src/auth/app/key-names.ts'
import { readLabel } from '../../src/auth/app/label.ts'
import { newRecoveryCodes, recoveryCodeHash } from '../../src/auth/recovery-code.ts'
import { secretHash } from '../../src/auth/secret-text.ts'
import { random } from '../fixtures/random.ts'

t.test('a device in two words', async (t) => {
  const devices = {
    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0': 'Firefox on Linux',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0':
      'Edge on Windows',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15':
      'Safari on Mac',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1':
      'Safari on iPhone',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1':
      'Chrome on iPhone',
    'Mozilla/5.0 (Linux; Android 16; SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36':
      'Samsung Internet on Android',
    'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36':
      'Chrome on ChromeOS',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)': 'Browser on Linux',
    'curl/8.9.1': 'curl',
    'git/2.51': 'git',
    Mozilla: 'Unknown device',
    '<script>': 'Unknown device',
    '': 'Unknown device',
  }
  for (const [text, device] of Object.entries(devices)) t.equal(describeDevice(text), device)
  const long = performance.now()
  describeDevice(`Version/1 ${'a '.repeat(100_000)}`)
  t.ok(performance.now() - long < 1000, 'no text keeps it busy')
})

t.test('times as a person says them', async (t) => {
  const now = Date.UTC(2026, 10, 21, 12)
  const second = 1000
  const ago = {
    'just now': 0,
    '1 minute ago': 60 * second,
    '59 minutes ago': 3_599 * second,
    '1 hour ago': 3_600 * second,
    '2 days ago': 48 * 3_600 * second,
    '2026-10-02': 50 * 86_400 * second,
  }
  for (const [words, ms] of Object.entries(ago)) t.equal(inWords(now - ms, now), words)
  t.equal(inWords(now + 7_200_000, now), 'in 2 hours')
  const element = htmlText(timeElement(now - 60_000, now))
  t.match(element, '<time datetime="2026-11-21T11:59:00.000Z" title="2026-11-21 11:59 UTC">')
  t.equal(htmlText(timeElement(null, now)), 'never')
})

t.test('labels lose what is not text', async (t) => {
  t.equal(readLabel('  My \t\n phone\u0000 '), 'My phone')
  t.equal(readLabel(' \u0007 '), null)
  t.equal(readLabel('x'.repeat(100))?.length, 60)
})

t.test('well-known authenticators have a name', async (t) => {
  t.equal(authenticatorName('FBFC3007-154e-4ecc-8c0b-6e020557d7bd'), 'Apple Passwords')
  t.equal(authenticatorName('00000000-0000-0000-0000-000000000000'), null)
})

t.test('recovery codes have 100 bits and survive being written by hand', async (t) => {
  const below = random(7)
  const codes = newRecoveryCodes((size) =>
    Buffer.from(Array.from({ length: size }, () => below(256))),
  )
  t.equal(codes.length, 10)
  t.equal(new Set(codes).size, 10)
  for (const code of codes) {
    t.match(code, /^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){3}$/)
    const hash = recoveryCodeHash(code)
    t.equal(hash, secretHash(code.replaceAll('-', '')))
    const byHand = code
      .toLowerCase()
      .replaceAll('-', ' – ')
      .replaceAll('1', 'l')
      .replaceAll('0', 'o')
    t.equal(recoveryCodeHash(byHand), hash, byHand)
  }
  for (const typed of [
    '',
    'ABCDE',
    `${codes[0]}0`,
    codes[0]?.replace(/./, 'U'),
    'x'.repeat(9999),
  ]) {
    t.equal(recoveryCodeHash(typed ?? ''), null)
  }
})

function read(fields: Partial<TokenFields>, administer = true) {
  return readTokenFields(
    { ...emptyTokenFields, label: 'x', ...fields },
    { isRouted: (host) => ['cal.example.com', 'git.example.com'].includes(host), administer },
  )
}

t.test('a token is as narrow as it is written', async (t) => {
  t.strictSame(read({}), {
    wishes: {
      label: 'x',
      hosts: null,
      methods: null,
      paths: null,
      wake: null,
      scopes: [],
      lifeMs: 90 * 86_400_000,
    },
  })
  const narrow = read({
    hosts: 'CAL.example.com, git.example.com cal.example.com',
    methods: 'get,propfind',
    paths: '/radicale/** /x/*',
    expires: 'never',
    wake: true,
    from: '22:00',
    to: '7:30',
    perDay: '5',
    scopes: 'vms:read, vm:wake vms:read',
  })
  t.strictSame(narrow, {
    wishes: {
      label: 'x',
      hosts: ['cal.example.com', 'git.example.com'],
      methods: ['GET', 'PROPFIND'],
      paths: ['/radicale/**', '/x/*'],
      wake: { hours: { from: 1320, to: 450 }, perDay: 5 },
      scopes: ['vms:read', 'vm:wake'],
      lifeMs: null,
    },
  })
})

t.test('whatever cannot be read is said, and never taken for "all"', async (t) => {
  const faults: readonly (readonly [keyof TokenFields, Partial<TokenFields>])[] = [
    ['label', { label: '  ' }],
    ['hosts', { hosts: 'evil.example.com' }],
    ['hosts', { hosts: 'cal.example.com https://git.example.com' }],
    ['hosts', { hosts: '*' }],
    ['methods', { methods: 'GET <x>' }],
    ['methods', { methods: Array.from({ length: 21 }, (_, i) => `M${'A'.repeat(i)}`).join(' ') }],
    ['paths', { paths: 'radicale/**' }],
    ['paths', { paths: '/a?x=1' }],
    ['paths', { paths: '/a/**b' }],
    ['expires', { expires: '1e9' }],
    ['expires', { expires: '' }],
    ['perDay', { wake: true, perDay: '0' }],
    ['perDay', { wake: true, perDay: '1.5' }],
    ['perDay', { wake: true, perDay: '9999' }],
    ['from', { wake: true, from: '25:00', to: '07:00' }],
    ['from', { wake: true, from: '07:00' }],
    ['from', { wake: true, from: '07:00', to: '07:00' }],
    ['scopes', { scopes: 'admin' }],
    ['scopes', { scopes: 'vms:read constructor' }],
  ]
  for (const [name, fields] of faults) {
    const result = read(fields)
    t.strictSame('faults' in result && Object.keys(result.faults), [name], JSON.stringify(fields))
  }
  const stranger = read({ scopes: 'vms:read' }, false)
  t.match(stranger, { faults: { scopes: 'You do not administer this gateway.' } })
})
