// The page of a machine that sleeps or wakes: its words, what it offers to whom, and the stream that keeps it current.

import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { build } from '../../scripts/build.ts'
import type { Host, RequestId } from '../../src/model.ts'
import type { Answer, PageRequest } from '../../src/pages/answer.ts'
import { renderWaiting, startedAnswer, type WaitingView } from '../../src/pages/waiting.ts'
import { waitingScript } from '../../src/pages/waiting-script.ts'
import { spanOf, type WaitingStatus, waitingWords } from '../../src/pages/waiting-words.ts'
import { heartbeatFrame, machineStream, statusFrame, waitingStatus } from '../../src/wake/events.ts'
import { waitingViewOf } from '../../src/wake/view.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'
import {
  arrivalOf,
  awake,
  fakeMachine,
  resting,
  starting,
  stopping,
  strangerOf,
} from '../fixtures/wake-machine.ts'

const root = dirname(dirname(import.meta.dirname))
const nasty = `<script>alert("1")</script> & 'co'\n\ndata: x`

const request: PageRequest = {
  accept: 'text/html',
  contentType: null,
  method: 'GET',
  id: 'abc-1' as RequestId,
  host: 'photos.example.com' as Host,
  loginHost: 'auth.example.com' as Host,
}

function viewOf(changes: Partial<WaitingView> = {}): WaitingView {
  return {
    path: '/albums?page=2',
    service: 'Photos',
    status: { kind: 'waking', step: 'starting', elapsedMs: 12_000, expectedMs: 55_000 },
    waking: true,
    mayStart: true,
    signIn: null,
    live: true,
    retryAfterSeconds: 43,
    publicPort: 443,
    ...changes,
  }
}

const statuses: readonly WaitingStatus[] = [
  { kind: 'ready' },
  ...(['stopping-first', 'asking', 'starting', 'booting', 'waiting-for-service'] as const).map(
    (step) => ({ kind: 'waking', step, elapsedMs: 1_000, expectedMs: null }) as const,
  ),
  { kind: 'looking' },
  { kind: 'asleep' },
  { kind: 'falling-asleep' },
  ...(
    ['capacity', 'throttled', 'conflict', 'denied', 'clock', 'unavailable', 'invalid'] as const
  ).map(
    (fault) =>
      ({
        kind: 'resting',
        fault,
        cloud: 'Oracle',
        retryAt: Date.UTC(2026, 10, 21, 11, 34),
        timeZone: 'Europe/Berlin',
      }) as const,
  ),
  { kind: 'refused', why: 'budget' },
  { kind: 'refused', why: 'too-many-starts' },
  { kind: 'gone' },
]

const text = (answer: Answer) => answer.body.toString()
const render = (changes: Partial<WaitingView> = {}) => text(renderWaiting(viewOf(changes), request))

function header(answer: Answer, name: string): string | null {
  const at = answer.headers.findIndex((value, i) => i % 2 === 0 && value === name)
  return answer.headers[at + 1] ?? null
}

/** The tags of that name that are shown, whole. */
function shown(page: string, pattern: RegExp): string[] {
  return [...page.matchAll(pattern)].map(([tag]) => tag).filter((tag) => !/ hidden[> ]/.test(tag))
}

t.test('503 on the same address, kept by nobody, with when to come again', async (t) => {
  const answer = renderWaiting(viewOf(), request)
  t.equal(answer.status, 503)
  t.equal(header(answer, 'retry-after'), '43')
  t.equal(header(answer, 'cache-control'), 'no-store')
  t.equal(header(answer, 'content-type'), 'text/html; charset=utf-8')
  t.equal(header(answer, 'content-length'), String(answer.body.length))
  const head = renderWaiting(viewOf(), { ...request, method: 'HEAD' })
  t.equal(head.body.length, 0)
  t.equal(header(head, 'content-length'), String(answer.body.length))
  const still = renderWaiting(viewOf({ retryAfterSeconds: null }), request)
  t.notOk(still.headers.includes('retry-after'))
})

t.test('nothing runs in it but its script, nothing is fetched from elsewhere', async (t) => {
  const answer = renderWaiting(viewOf(), request)
  const policy = header(answer, 'content-security-policy') ?? ''
  const page = text(answer)
  const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  t.equal(
    policy,
    `default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'self' https://auth.example.com; frame-ancestors 'none'`,
  )
  t.notMatch(page, / (?:style|on[a-z]+)=/)
  t.notMatch(page, /(?:src|href|action)="(?:https?:)?\/\//)
  t.match(page, `<script type="module" src="${waitingScript().url}"></script>`)
  const still = renderWaiting(viewOf({ live: false, mayStart: false }), request)
  t.match(header(still, 'content-security-policy'), /^default-src 'none'; style-src /)
  t.match(header(still, 'content-security-policy'), "form-action 'none'")
  t.notMatch(text(still), /<script|data-events/)
  const port = renderWaiting(viewOf({ publicPort: 8443 }), request)
  t.match(header(port, 'content-security-policy'), 'https://auth.example.com:8443;')
})

t.test('what strangers, tables and clouds say is text', async (t) => {
  for (const status of statuses) {
    const page = text(
      renderWaiting(
        viewOf({
          status: status.kind === 'resting' ? { ...status, cloud: nasty } : status,
          service: nasty,
          path: `/"${nasty}`,
          signIn: `https://auth.example.com/?rd="${nasty}`,
        }),
        { ...request, id: nasty as RequestId, host: nasty as Host },
      ),
    )
    t.notMatch(page, '<script>')
    t.notMatch(page, 'alert("')
  }
})

t.test('each step is shown where it is', async (t) => {
  const states = (page: string) =>
    [...page.matchAll(/<li data-state="(\w+)"/g)].map(([, state]) => state)
  const seen = (['asking', 'starting', 'booting', 'waiting-for-service'] as const).map((step) =>
    states(render({ status: { kind: 'waking', step, elapsedMs: 0, expectedMs: null } })),
  )
  t.strictSame(seen, [
    ['now', 'todo', 'todo', 'todo'],
    ['done', 'now', 'todo', 'todo'],
    ['done', 'done', 'now', 'todo'],
    ['done', 'done', 'done', 'now'],
  ])
  t.strictSame(states(render({ status: { kind: 'ready' } })), ['done', 'done', 'done', 'done'])
  t.match(render(), /<li data-state="now" aria-current="step">The machine starts</)
  t.match(render(), '<progress aria-label="How far it is" max="55000" value="12000">')
  t.match(render({ status: { kind: 'asleep' } }), '<ol class="steps" hidden>')
})

t.test('how long it takes, in words that promise nothing', async (t) => {
  const expectation = (elapsedMs: number, expectedMs: number | null) =>
    waitingWords({ kind: 'waking', step: 'booting', elapsedMs, expectedMs }, 'x').expectation
  t.equal(expectation(0, null), 'It takes a minute or two.')
  t.equal(expectation(0, 57_300), 'It usually takes about 55 seconds.')
  t.equal(expectation(60_000, 57_300), 'It usually takes about 55 seconds.')
  t.equal(expectation(95_000, 57_300), 'It takes longer than usual.')
  t.strictSame([0, 4_000, 97_000, 98_000, 149_000, 200_000].map(spanOf), [
    '5 seconds',
    '5 seconds',
    '95 seconds',
    '2 minutes',
    '2 minutes',
    '3 minutes',
  ])
})

t.test('every state has its words, and no two faults the same', async (t) => {
  const said = statuses.map((status) => waitingWords(status, 'Photos'))
  for (const [i, words] of said.entries()) {
    t.match(words.heading, 'Photos', `state ${i}`)
    t.match(words.lead, /^[A-Z].*\.$/)
  }
  const all = said.map(({ heading, lead, note }) => `${heading} ${lead} ${note}`)
  t.equal(new Set(all).size, all.length)
})

t.test('a cloud that has no room is named, with the next try', async (t) => {
  const status = statuses.find((one) => one.kind === 'resting') ?? { kind: 'gone' }
  const page = render({ status, retryAfterSeconds: 90 })
  t.match(page, 'Oracle has no free host for it now.')
  t.match(
    page,
    'Next try at <time datetime="2026-11-21T11:34:00.000Z">12:34 (Europe/Berlin)</time>.',
  )
  t.match(waitingWords({ ...status, cloud: null } as WaitingStatus, 'x').note, /^The cloud has no/)
  const idle = render({ status: { ...status, retryAt: null } as WaitingStatus })
  t.notMatch(idle, 'Next try')
  t.notMatch(idle, 'tried again by itself')
})

t.test('a budget that is used up is said, and the visit can be repeated', async (t) => {
  const page = render({ status: { kind: 'refused', why: 'budget' }, retryAfterSeconds: null })
  t.match(page, 'What this machine may cost in a month is used up.')
  t.strictSame(shown(page, /<(?:form|p class="go")[^>]*>/g), ['<p class="go" data-again>'])
})

t.test('without a script it looks again by itself, but only at what comes', async (t) => {
  t.match(render(), '<noscript><meta http-equiv="refresh" content="43"></noscript>')
  t.match(render({ retryAfterSeconds: 0 }), 'content="2"')
  t.match(
    render({ live: false, waking: false }),
    /<\/style><meta http-equiv="refresh" content="43">/,
  )
  t.notMatch(render({ status: { kind: 'asleep' }, retryAfterSeconds: null }), 'http-equiv')
})

t.test('asleep: a button for whoever may, a way to sign in for strangers', async (t) => {
  const asleep = {
    status: { kind: 'asleep' },
    waking: false,
    live: false,
    retryAfterSeconds: null,
  } as const
  const controls = (page: string) => shown(page, /<(?:form|p class="go")[^>]*>.*?<\/(?:form|p)>/g)
  const owner = render({ ...asleep, live: true })
  t.equal(controls(owner).length, 1)
  t.match(
    owner,
    '<form class="go" method="post" action="/.gatehouse/wake/start/albums?page=2">',
    'it says what it is about, and with that the way back',
  )
  t.match(owner, 'data-events="/.gatehouse/wake/events/albums"', 'without the query')
  t.match(owner, '<button class="button">Wake it up</button>')

  const stranger = render({
    ...asleep,
    mayStart: false,
    signIn: 'https://auth.example.com/?rd=x&y=z',
  })
  t.strictSame(controls(stranger), [
    '<p class="go"><a class="button" href="https://auth.example.com/?rd=x&amp;y=z">Sign in</a></p>',
  ])
  t.notMatch(stranger, '<form')
  t.match(stranger, 'Photos is asleep')

  const guest = render({ ...asleep, mayStart: false, live: true })
  t.strictSame(controls(guest), [])
  t.match(guest, 'It starts when somebody who may opens it.')

  t.match(render(), /<form [^>]*hidden>/, 'no button while it wakes')
})

t.test('after the button it goes back to the page, and nowhere else', async (t) => {
  const target = (path: string) => header(startedAnswer(path), 'location')
  t.equal(startedAnswer('/').status, 303)
  t.equal(header(startedAnswer('/'), 'cache-control'), 'no-store')
  t.equal(target('/albums?page=2&x=%2F'), '/albums?page=2&x=%2F')
  for (const path of [
    '',
    'x',
    '//evil.example',
    '/\\evil.example',
    '/a\\b',
    '/\t/evil.example',
    '/a\r\nset-cookie: x',
    'https://evil.example/',
    'javascript:alert(1)',
  ]) {
    t.equal(target(path), '/', JSON.stringify(path))
  }
})

t.test('what is said of each state of the machine', async (t) => {
  const clock = createFakeClock()
  const machine = fakeMachine(clock)
  machine.become({ kind: 'asleep' })
  const status = (refusal: 'budget' | null = null) =>
    waitingStatus(machine, { port: 8080, refusal })
  t.strictSame(status(), { kind: 'asleep' })
  t.strictSame(status('budget'), { kind: 'refused', why: 'budget' })
  machine.become(starting(clock))
  await clock.advance(2_000)
  t.strictSame(status('budget'), {
    kind: 'waking',
    step: 'starting',
    elapsedMs: 2_000,
    expectedMs: 60_000,
  })
  machine.become({ kind: 'booting', since: 0, startedBy: null, overdue: false })
  t.match(status(), { kind: 'waking', step: 'booting' })
  machine.become(awake(clock))
  t.match(status(), { kind: 'waking', step: 'waiting-for-service' })
  machine.answers(9000, true)
  t.match(status(), { kind: 'waking' }, 'another port is another service')
  machine.answers(8080, true)
  t.strictSame(status('budget'), { kind: 'ready' })
  machine.letSleep('idle')
  t.strictSame(status(), { kind: 'falling-asleep' })
  machine.become(stopping(clock))
  t.strictSame(status(), { kind: 'falling-asleep' })
  machine.become(stopping(clock, true))
  t.match(status(), { kind: 'waking', step: 'stopping-first' })
  machine.become(resting(clock, 'capacity', 30_000))
  t.strictSame(status(), {
    kind: 'resting',
    fault: 'capacity',
    cloud: 'Oracle',
    retryAt: clock.now() + 30_000,
    timeZone: 'Europe/Berlin',
  })
  machine.become({ kind: 'gone' })
  t.strictSame(status(), { kind: 'gone' })
  const unknown = { kind: 'unknown', since: 0, token: null, startedBy: null } as const
  machine.become({ ...unknown, wanted: null })
  t.strictSame(status(), { kind: 'looking' })
  machine.become({ ...unknown, wanted: { kind: 'schedule' } })
  t.match(status(), { kind: 'waking', step: 'asking' })
})

/** As a browser reads the stream (WHATWG HTML §9.2.6). */
function readFrames(stream: string): { event: string; data: string }[] {
  const events: { event: string; data: string }[] = []
  let event = ''
  let data: string[] = []
  for (const line of stream.split(/\r\n|\r|\n/)) {
    if (line === '') {
      if (data.length > 0) events.push({ event, data: data.join('\n') })
      event = ''
      data = []
    }
    const [, field, value] = /^([^:]*): ?(.*)$/.exec(line) ?? []
    if (field === 'event') event = value ?? ''
    if (field === 'data') data.push(value ?? '')
  }
  return events
}

t.test('a frame is one event, whatever the service is called', async (t) => {
  for (const status of statuses) {
    const [event, ...more] = readFrames(statusFrame(status, nasty))
    t.strictSame(more, [])
    t.equal(event?.event, 'status')
    const data = JSON.parse(event?.data ?? '')
    t.equal(data.kind, status.kind)
    t.strictSame({ ...data, ...waitingWords(status, nasty) }, data)
  }
})

t.test('a stream says the state at once, every change once, and that it is there', async (t) => {
  const clock = createFakeClock()
  const machine = fakeMachine(clock)
  let stream = ''
  const kinds = () => readFrames(stream).map(({ data }) => JSON.parse(data).kind)
  const answer = machineStream(
    { machine, port: 8080, service: 'Photos', refusal: () => null },
    { after: clock.after },
  )
  t.equal(answer.headers[1], 'text/event-stream; charset=utf-8')
  t.equal(machine.listeners, 0)
  const end = answer.open({
    send(frames) {
      stream += frames
    },
    end: () => t.fail('it goes on'),
  })
  t.match(stream, /^retry: 2000\n\nevent: status\n/)
  t.strictSame(kinds(), ['asleep'])
  machine.become(starting(clock))
  await clock.advance(1_000)
  machine.answers(9000, false)
  t.strictSame(kinds(), ['asleep', 'waking'], 'not again for what changed nothing')
  stream = ''
  await clock.advance(29_000)
  t.equal(stream, heartbeatFrame.repeat(2))
  machine.become(awake(clock))
  machine.answers(8080, true)
  t.strictSame(kinds(), ['waking', 'ready'])
  end()
  stream = ''
  machine.become({ kind: 'asleep' })
  await clock.advance(60_000)
  t.equal(stream, '')
  t.equal(machine.listeners, 0)
  t.equal(clock.pending, 0)
})

t.test('who sees what: the page of an arrival', async (t) => {
  const clock = createFakeClock()
  const machine = fakeMachine(clock)
  const facts = {
    machine,
    refusal: null,
    signIn: 'https://auth.example.com/',
    path: '/albums',
    publicPort: 443,
  }
  const asleep = { kind: 'page', waking: false, retryAfterSeconds: null } as const
  t.strictSame(waitingViewOf(strangerOf({ rule: 'never' }), asleep, facts), {
    path: '/albums',
    service: 'Photos',
    status: { kind: 'asleep' },
    waking: false,
    mayStart: false,
    signIn: 'https://auth.example.com/',
    live: false,
    retryAfterSeconds: null,
    publicPort: 443,
  })
  t.match(waitingViewOf(arrivalOf({ rule: 'never' }), asleep, facts), { mayStart: false })
  t.match(waitingViewOf(arrivalOf({ rule: 'manual' }), asleep, facts), {
    mayStart: true,
    signIn: null,
    live: true,
  })
  t.match(waitingViewOf(arrivalOf({ mayWake: false }), asleep, facts), { mayStart: false })
  t.match(waitingViewOf(arrivalOf(), asleep, { ...facts, refusal: 'budget' }), {
    status: { kind: 'refused' },
  })
  t.match(
    waitingViewOf(strangerOf(), asleep, { ...facts, refusal: 'budget' }),
    { status: { kind: 'asleep' } },
    'money is nobody else’s business',
  )
  machine.become(resting(clock, 'denied', 60_000))
  t.match(waitingViewOf(strangerOf(), asleep, facts), { status: { kind: 'asleep' } })
  t.match(waitingViewOf(arrivalOf(), asleep, facts), { status: { kind: 'resting' } })
  const waking = { kind: 'page', waking: true, retryAfterSeconds: 60 } as const
  const atHome = strangerOf({ rule: 'known-client', knownClient: true })
  t.match(waitingViewOf(atHome, waking, facts), { live: true, mayStart: false })
  t.match(waitingViewOf(strangerOf(), waking, facts), { live: false }, 'no stream for strangers')
  t.match(waitingViewOf(arrivalOf(), waking, { ...facts, machine: null }), {
    status: { kind: 'ready' },
  })
})

t.test('the script has the address of its content, and may be kept for ever', async (t) => {
  const { url, answer } = waitingScript()
  const hash = createHash('sha256').update(answer.body).digest('base64url').slice(0, 16)
  t.equal(url, `/.gatehouse/wake/waiting.${hash}.js`)
  t.equal(answer.status, 200)
  t.equal(header(answer, 'content-type'), 'text/javascript; charset=utf-8')
  t.equal(header(answer, 'cache-control'), 'public, max-age=31536000, immutable')
  t.equal(header(answer, 'content-length'), String(answer.body.length))
})

t.test('the built release finds the script too', async (t) => {
  const folder = t.testdir({})
  build(join(root, 'src'), join(folder, 'dist'))
  const module = pathToFileURL(join(folder, 'dist/pages/waiting-script.js')).href
  const program = `import { waitingScript } from '${module}'; process.stdout.write(waitingScript().url)`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  })
  t.equal(output, waitingScript().url)
})

t.test('the script holds to its types, in a browser’s world', async (t) => {
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--allowJs',
    '--checkJs',
    '--strict',
    '--noUncheckedIndexedAccess',
    ...['--target', 'es2024'],
    ...['--lib', 'es2024,dom,dom.iterable'],
    ...['--module', 'nodenext'],
    ...['--types', ''],
  ]
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const file = join(root, 'src/pages/client/waiting.js')
  // The runner puts variables of its own into every child's environment, and would load itself into it.
  const clean = ['-i', process.execPath, tsc, ...options, file]
  const { stdout, status } = spawnSync('/usr/bin/env', clean, { encoding: 'utf8' })
  t.strictSame({ stdout, status }, { stdout: '', status: 0 })
})
