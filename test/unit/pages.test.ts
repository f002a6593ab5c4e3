// Answers that Gatehouse makes itself: which form, which headers, and nothing a stranger wrote without escaping.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { type FailureCode, failures } from '../../src/errors.ts'
import type { Host, RequestId } from '../../src/model.ts'
import { advice } from '../../src/pages/advice.ts'
import { grpcAnswerType, prefersHtml } from '../../src/pages/negotiate.ts'
import { type Palette, tokens } from '../../src/pages/style.ts'
import { type Answer, createPages, type PageRequest } from '../../src/pages.ts'

const codes = Object.keys(failures) as FailureCode[]
const chrome =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7'
const firefox = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

function asked(changes: Partial<PageRequest> = {}): PageRequest {
  return {
    accept: chrome,
    contentType: null,
    method: 'GET',
    id: '9f86d081884c1' as RequestId,
    host: 'photos.example.com' as Host,
    loginHost: 'auth.example.com' as Host,
    ...changes,
  }
}

const pages = createPages()
const text = (answer: Answer) => answer.body.toString()

function header(answer: Answer, name: string): string | null {
  const values = answer.headers.filter((_, i) => i % 2 === 1 && answer.headers[i - 1] === name)
  if (values.length > 1) throw new Error(`${name} stands there ${values.length} times`)
  return values[0] ?? null
}

t.test('the form of a failure follows Accept', async (t) => {
  for (const [accept, html] of [
    [null, false],
    ['', false],
    ['*/*', false],
    ['text/html', true],
    [chrome, true],
    [firefox, true],
    ['text/*', true],
    ['TEXT/HTML', true],
    ['text/html;level=1', true],
    [' text/html ; q=0.5 , application/json;q=0.4', true],
    ['text/html;q=0.4, application/json;q=0.5', false],
    ['text/html;q=0.5, application/problem+json;q=0.5', false],
    ['text/html, application/json', false],
    ['application/json, text/html;q=0.9', false],
    ['application/json', false],
    ['application/*, text/html;q=0.9', false],
    ['text/html;q=0', false],
    ['text/html;q=0, */*', false],
    ['text/html;q=0.000, text/*;q=1', false],
    ['*/*, text/html;q=0.1', false],
    ['text/*, */*', true],
    ['text/*;q=0.9, */*;q=0.8', true],
    ['image/avif,image/webp,*/*;q=0.8', false],
    ['image/png', false],
    ['text/htmlx', false],
    ['text/htm', false],
    ['xtext/html', false],
    ['text/html;q=2', false],
    ['text/html;q=1.001', false],
    ['text/html;q=abc', false],
    ['text/html;q=', false],
    ['text/html;q', true],
    ['text/html;q=0.1234', false],
    ['text/html;q=1.000', true],
    ['text/html;Q=0', false],
    ['text/html;version="a;q=0"', false],
    ['text/html;a=b;q=0.7,application/json;q=0.6', true],
    [',,,text/html', true],
    [`${'x/y,'.repeat(31)}text/html`, true],
    [`${'x/y,'.repeat(32)}text/html`, false],
    [`${'a'.repeat(1100)},text/html`, false],
  ] as const) {
    t.equal(prefersHtml(accept), html, String(accept).slice(0, 80))
    const type = header(pages.failure('not-found', asked({ accept })), 'content-type')
    t.equal(type, html ? 'text/html; charset=utf-8' : 'application/problem+json')
  }
})

t.test('any Accept is read in bounded time and never throws', async (t) => {
  for (const piece of [',', ';', ';q=', ' ', '*/*;', 'text/html;q=0.', '\0', '\u{1f600}']) {
    prefersHtml(piece.repeat(200_000))
  }
  const began = performance.now()
  for (let i = 0; i < 1000; i++) prefersHtml(`${';'.repeat(500)},${';'.repeat(200_000)}`)
  const ms = performance.now() - began
  t.ok(ms < 1000, `1000 readings of 200 kB in ${ms.toFixed(0)} ms`)
})

t.test('problem details name type, title, status, code and request id (RFC 9457)', async (t) => {
  for (const code of codes) {
    const answer = pages.failure(code, asked({ accept: '*/*' }))
    t.strictSame(
      JSON.parse(text(answer)),
      {
        type: `urn:gatehouse:failure:${code}`,
        title: failures[code].title,
        status: failures[code].status,
        code,
        requestId: '9f86d081884c1',
      },
      code,
    )
    t.equal(answer.status, failures[code].status)
  }
  const detail = 'a"b\n\u2028ü'
  const answer = pages.failure('maintenance', asked({ accept: null }), { detail })
  t.match(JSON.parse(text(answer)), { detail })
})

t.test('a page has what a person and a screen reader need', async (t) => {
  for (const code of codes) {
    const page = text(pages.failure(code, asked()))
    t.match(page, /^<!doctype html><html lang="en"><head><meta charset="utf-8">/)
    t.match(page, '<meta name="viewport" content="width=device-width,initial-scale=1">')
    t.match(page, /<title>[^<]+<\/title>/)
    t.equal(page.match(/<h1>[^<.]+<\/h1>/g)?.length, 1, `one heading: ${code}`)
    t.match(page, '<dd>9f86d081884c1</dd>')
    t.match(page, `<dd>${failures[code].status} ${code}</dd>`)
    t.notMatch(page, /<script|\son\w+=|\sstyle=|https?:\/\/(?!www\.w3\.org|auth\.)/)
  }
})

t.test(
  'every answer is whole: its length is right, it is not kept, and HEAD has no body',
  async (t) => {
    for (const code of codes) {
      for (const accept of [chrome, '*/*']) {
        const get = pages.failure(code, asked({ accept }))
        const head = pages.failure(code, asked({ accept, method: 'HEAD' }))
        t.equal(header(get, 'content-length'), String(get.body.length))
        t.equal(header(get, 'cache-control'), 'no-store')
        t.strictSame(head.headers, get.headers)
        t.equal(head.body.length, 0)
      }
    }
  },
)

t.test('the policy allows the style of the page by its hash, and nothing else', async (t) => {
  const landing = pages.target({ kind: 'landing', service: 'X', continueTo: '/x' }, asked())
  for (const answer of [pages.failure('not-found', asked()), landing]) {
    const style = /<style>([\s\S]*?)<\/style>/.exec(text(answer))?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    t.equal(
      header(answer, 'content-security-policy'),
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
  }
})

const evil = '<script>alert(1)</script>"\'&'

t.test(
  'nothing that came from outside or from the table is written without escaping',
  async (t) => {
    const request = asked({ host: evil as Host })
    const { host } = request
    const all = [
      pages.failure('bad-host', request, { detail: evil }),
      pages.failure('sign-in-required', asked({ host, loginHost: evil as Host })),
      pages.target({ kind: 'landing', service: evil, continueTo: `/${evil}` }, request),
      pages.target({ kind: 'status', status: 410, message: evil }, request),
    ]
    for (const answer of all) {
      t.notMatch(text(answer), /<script/)
      t.match(text(answer), '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;')
    }
  },
)

t.test('an id that is not one of ours is not repeated', async (t) => {
  for (const id of [evil, 'a"b', 'x'.repeat(200), '']) {
    for (const accept of [chrome, null]) {
      const body = text(pages.failure('not-found', asked({ id: id as RequestId, accept })))
      t.match(body, 'unknown')
      if (id !== '') t.notMatch(body, id)
    }
  }
})

t.test('a landing page says that the machine behind it sleeps', async (t) => {
  const landing = { kind: 'landing', service: 'Photoprism', continueTo: '/x' } as const
  t.notMatch(text(pages.target(landing, asked())), 'asleep')
  t.match(text(pages.target(landing, asked(), { asleep: true })), 'its machine is asleep')
})

t.test('Retry-After stands where waiting helps', async (t) => {
  const retryAfter = (code: FailureCode, retryAfterSeconds?: number) =>
    header(
      pages.failure(code, asked(), retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      'retry-after',
    )
  t.equal(retryAfter('upstream-down'), '5')
  t.equal(retryAfter('maintenance'), '300')
  t.equal(retryAfter('not-found'), null)
  t.equal(retryAfter('too-many-requests', 0.2), '1')
  t.equal(retryAfter('upstream-down', 90), '90')
  t.equal(retryAfter('upstream-down', Number.NaN), '5')
  t.equal(retryAfter('upstream-down', -1), '5')
  for (const code of codes.filter((each) => [429, 503].includes(failures[each].status))) {
    // Waiting alone makes that no better.
    if (code !== 'asleep') t.match(retryAfter(code), /^\d+$/, code)
  }
})

t.test('a 401 names a scheme and where to sign in (RFC 9110 §15.5.2)', async (t) => {
  const answer = pages.failure('sign-in-required', asked())
  t.equal(header(answer, 'www-authenticate'), 'Bearer realm="Gatehouse"')
  t.equal(header(answer, 'x-gatehouse-sign-in'), 'https://auth.example.com/')
  t.match(text(answer), '<a class="button" href="https://auth.example.com/">Sign in</a>')
  const other = createPages({ publicPort: 8443 }).failure('sign-in-required', asked())
  t.equal(header(other, 'x-gatehouse-sign-in'), 'https://auth.example.com:8443/')
  const self = pages.failure('sign-in-required', asked({ host: 'auth.example.com' as Host }))
  t.equal(header(self, 'x-gatehouse-sign-in'), null, 'the login host does not point to itself')
  t.equal(header(self, 'www-authenticate'), 'Bearer realm="Gatehouse"')
})

t.test('405 says what is offered, 426 what to upgrade to', async (t) => {
  t.match(header(pages.failure('method-not-allowed', asked()), 'allow'), /^GET, HEAD/)
  const allow = 'GET'
  t.equal(header(pages.failure('method-not-allowed', asked(), { allow }), 'allow'), 'GET')
  const upgrade = pages.failure('upgrade-required', asked())
  t.equal(header(upgrade, 'sec-websocket-version'), '13')
})

t.test('trying again is offered where it can help', async (t) => {
  t.match(text(pages.failure('upstream-reset', asked())), '<a class="button quiet" href="">')
  t.notMatch(text(pages.failure('not-found', asked())), 'href=""')
})

t.test('gRPC gets its status in headers, with HTTP status 200', async (t) => {
  for (const [contentType, type] of [
    ['application/grpc', 'application/grpc'],
    ['application/grpc+proto', 'application/grpc'],
    ['application/grpc;x=y', 'application/grpc'],
    ['application/grpc-web', 'application/grpc-web'],
    ['application/grpc-web+proto', 'application/grpc-web'],
    ['application/grpc-web-text', 'application/grpc-web-text'],
    ['application/grpcx', null],
    ['application/json', null],
    [null, null],
  ] as const) {
    t.equal(grpcAnswerType(contentType), type, String(contentType))
  }
  const contentType = 'application/grpc+proto'
  for (const code of codes) {
    const answer = pages.failure(code, asked({ contentType }))
    t.equal(answer.status, 200)
    t.equal(header(answer, 'grpc-status'), String(advice[code].grpcStatus))
    t.match(header(answer, 'grpc-message'), /^[ -$&-~]+$/, 'nothing in it needs percent-encoding')
    t.equal(answer.body.length, 0)
  }
  const status = (code: FailureCode) =>
    header(pages.failure(code, asked({ contentType })), 'grpc-status')
  t.equal(status('sign-in-required'), '16')
  t.equal(status('forbidden'), '7')
  t.equal(status('not-found'), '12')
  t.equal(status('upstream-down'), '14')
})

t.test('a landing page leads to a path on the same host, and to nowhere else', async (t) => {
  const landing = (continueTo: string | null) =>
    text(pages.target({ kind: 'landing', service: 'Photoprism', continueTo }, asked()))
  t.match(landing('/photoprism'), '<a class="button" href="/photoprism">Sign in and continue</a>')
  t.match(landing('/'), 'href="/"')
  t.match(landing('/photoprism'), '<h1>Photoprism</h1>')
  for (const bad of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '/\t/evil.example',
    '/a\\b',
    '',
    'x',
  ]) {
    t.notMatch(landing(bad), 'class="button"', bad)
  }
  t.notMatch(landing(null), 'class="button"')
})

t.test('a fixed answer is a page, a problem or plain text', async (t) => {
  const fixed = (status: number, accept: string | null, message = 'Moved to the git server.') =>
    pages.target({ kind: 'status', status, message }, asked({ accept }))
  t.equal(fixed(410, chrome).status, 410)
  t.match(text(fixed(410, chrome)), '<h1>Gone</h1><p class="lead">Moved to the git server.</p>')
  t.match(JSON.parse(text(fixed(410, null))), {
    type: 'about:blank',
    title: 'Gone',
    status: 410,
    detail: 'Moved to the git server.',
    requestId: '9f86d081884c1',
  })
  t.equal(text(fixed(200, null, 'ok')), 'ok\n')
  t.equal(header(fixed(200, null, 'ok'), 'content-type'), 'text/plain; charset=utf-8')
  for (const status of [204, 304])
    t.match(fixed(status, chrome), { headers: [], body: { length: 0 } })
  t.match(text(fixed(499, chrome, '')), '<h1>Answer</h1></main>')
})

t.test('a redirect that keeps the path cannot be led to another host', async (t) => {
  const location = (to: string, below: string, keepPath = true) =>
    header(
      pages.target({ kind: 'redirect', status: 302, location: to, keepPath }, asked({}), { below }),
      'location',
    )
  const there = 'https://new.example'
  t.equal(location(there, '/a/b?c=d', false), there)
  t.equal(location(there, ''), there)
  t.equal(location(there, '/'), there)
  t.equal(location(there, '/a/b?c=d'), 'https://new.example/a/b?c=d')
  t.equal(location(`${there}/`, '/a'), 'https://new.example/a')
  t.equal(location(`${there}/x/`, '/a'), 'https://new.example/x/a')
  t.equal(location(there, '?q'), 'https://new.example?q')
  t.equal(location(there, '.evil.example/x'), 'https://new.example/.evil.example/x')
  t.equal(location(there, '@evil.example'), 'https://new.example/@evil.example')
  t.equal(location('/', '//evil.example'), '/evil.example')
  t.equal(location('/x', '//evil.example'), '/x/evil.example')
})

t.test('temporary redirects are not kept by caches', async (t) => {
  for (const status of [301, 302, 303, 307, 308] as const) {
    const location = 'https://new.example/'
    const answer = pages.target({ kind: 'redirect', status, location, keepPath: false }, asked())
    t.equal(answer.status, status)
    const permanent = status === 301 || status === 308
    t.equal(header(answer, 'cache-control'), permanent ? null : 'no-store')
  }
})

/** WCAG 2.2, "contrast ratio". */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (light + 0.05) / (dark + 0.05)
}

t.test('colours have the contrast that WCAG AA asks for, in both schemes', async (t) => {
  for (const [scheme, palette] of Object.entries(tokens) as [string, Palette][]) {
    for (const ground of [palette.paper, palette.raised]) {
      t.ok(contrast(palette.ink, ground) >= 7, `${scheme} ink`)
      t.ok(contrast(palette.soft, ground) >= 4.5, `${scheme} soft`)
      t.ok(contrast(palette.accent, ground) >= 4.5, `${scheme} accent`)
      t.ok(contrast(palette.danger, ground) >= 4.5, `${scheme} danger`)
      t.ok(contrast(palette.warn, ground) >= 4.5, `${scheme} warn`)
      t.ok(contrast(palette.sleep, ground) >= 4.5, `${scheme} sleep`)
      t.ok(contrast(palette.line, ground) >= 3, `${scheme} line`)
    }
    t.ok(contrast(palette.onAccent, palette.accent) >= 4.5, `${scheme} button`)
    for (const behind of [palette.gone, palette.fresh]) {
      t.ok(contrast(palette.ink, behind) >= 7, `${scheme} what differs`)
      t.ok(contrast(palette.soft, behind) >= 4.5, `${scheme} numbers of lines that differ`)
    }
  }
})

t.test('a page stays small: traffic out of this machine costs money', async (t) => {
  for (const code of codes) {
    const { length } = pages.failure(code, asked()).body
    t.ok(length < 4096, `${code}: ${length} bytes`)
  }
})

t.test('docs/errors.md lists exactly the failure codes, with their statuses', async (t) => {
  const root = dirname(dirname(import.meta.dirname))
  const document = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  const rows = [...document.matchAll(/^\| `([\w-]+)` \| (\d+) \| [^|]+ \| [^|]+ \|$/gm)]
  t.strictSame(
    rows.map(([, code, status]) => `${code} ${status}`).sort(),
    codes.map((code) => `${code} ${failures[code].status}`).sort(),
  )
})
