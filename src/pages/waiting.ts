// The page of a service whose machine sleeps or wakes: what happens, how long it takes, and the button that starts it.

import { createHash } from 'node:crypto'
import { originOf } from '../sign-in-url.ts'
import type { Answer, PageRequest } from './answer.ts'
import { escapeHtml, icon, mark } from './html.ts'
import { waitingScript } from './waiting-script.ts'
import { waitingStyle } from './waiting-style.ts'
import { stepNames, type WaitingStatus, type WaitingWords, waitingWords } from './waiting-words.ts'

/** Where the page's button posts to; the path of the page follows. */
const startPath = '/.gatehouse/wake/start'
/** Where the page's script listens; the path of the page follows. */
const eventsPath = '/.gatehouse/wake/events'

export interface WaitingView {
  /** Path and query of the page, as they were sent. */
  readonly path: string
  /** Display name of the route. */
  readonly service: string
  readonly status: WaitingStatus
  /** This visit started the machine, or wished for it. */
  readonly waking: boolean
  /** Whoever looks may press the button. */
  readonly mayStart: boolean
  /** Where to sign in, for strangers; `null`: they are known, or it would not help. */
  readonly signIn: string | null
  /** The page follows what happens: for people who are known, and whoever woke it. */
  readonly live: boolean
  /** `null`: waiting alone does not help. */
  readonly retryAfterSeconds: number | null
  /** The port visitors use. */
  readonly publicPort: number
}

/** 503 on the page's own address (RFC 9110 §15.6.4); kept by nobody. */
export function renderWaiting(view: WaitingView, request: PageRequest): Answer {
  const body = Buffer.from(pageOf(view, request))
  const headers = [
    'content-type',
    'text/html; charset=utf-8',
    'cache-control',
    'no-store',
    'content-security-policy',
    contentSecurityPolicy(view, request),
  ]
  if (view.retryAfterSeconds !== null) headers.push('retry-after', String(view.retryAfterSeconds))
  headers.push('content-length', String(body.length))
  return { status: 503, headers, body: request.method === 'HEAD' ? nothing : body }
}

/**
 * The answer to the button: back to the page, as a new visit (RFC 9110 §15.4.4).
 *
 * @param path of the page and its query. One that browsers take for another host leads to the front page.
 */
export function startedAnswer(path: string): Answer {
  const location = isPathHere(path) ? path : '/'
  const headers = ['location', location, 'content-length', '0', 'cache-control', 'no-store']
  return { status: 303, headers, body: nothing }
}

const nothing = Buffer.alloc(0)
const styleSource = `'sha256-${createHash('sha256').update(waitingStyle).digest('base64')}'`

function contentSecurityPolicy(view: WaitingView, request: PageRequest): string {
  const login = originOf(request.loginHost, view.publicPort)
  const script = view.live ? "script-src 'self'; connect-src 'self'; " : ''
  // A session that ended in the meantime turns the form's answer into a redirect to the login, and browsers look at that too.
  const form = view.mayStart ? `form-action 'self' ${login}` : "form-action 'none'"
  return `default-src 'none'; ${script}style-src ${styleSource}; img-src data:; base-uri 'none'; ${form}; frame-ancestors 'none'`
}

/** A path on this host for every reader: browsers take a backslash for a slash, and tabs and newlines for nothing. */
function isPathHere(path: string): boolean {
  return /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path)
}

function pageOf(view: WaitingView, request: PageRequest): string {
  const { status, service } = view
  const words = waitingWords(status, service)
  const host = request.host === null ? '' : `<p class="eyebrow">${escapeHtml(request.host)}</p>`
  const script = view.live ? `<script type="module" src="${waitingScript().url}"></script>` : ''
  const events = view.live
    ? ` data-events="${escapeHtml(eventsPath + withoutQuery(view.path))}"`
    : ''
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><link rel="icon" href="${icon()}"><style>${waitingStyle}</style>`,
    refresh(view),
    `<title>${escapeHtml(words.heading)}</title>${script}</head><body><main data-kind="${status.kind}"${events}>${mark}${host}`,
    `<div role="status"><h1>${escapeHtml(words.heading)}</h1><p class="lead">${escapeHtml(words.lead)}</p></div>`,
    stepList(words),
    progress(status, words),
    note(status, words),
    ways(view),
    `</main><footer><dl><div><dt>Status</dt><dd>503</dd></div><div><dt>Request</dt><dd>${escapeHtml(request.id)}</dd></div></dl></footer></body></html>\n`,
  ].join('')
}

function withoutQuery(path: string): string {
  const query = path.indexOf('?')
  return query === -1 ? path : path.slice(0, query)
}

/** Where no script runs, the page looks again by itself; but not for a machine that nobody has started. */
function refresh({ retryAfterSeconds, live }: WaitingView): string {
  if (retryAfterSeconds === null) return ''
  const tag = `<meta http-equiv="refresh" content="${Math.max(2, retryAfterSeconds)}">`
  return live ? `<noscript>${tag}</noscript>` : tag
}

function stepList({ step }: WaitingWords): string {
  const items = stepNames.map((name, i) => {
    const state = step === null || i > step ? 'todo' : i === step ? 'now' : 'done'
    const current = state === 'now' ? ' aria-current="step"' : ''
    return `<li data-state="${state}"${current}>${name}</li>`
  })
  return `<ol class="steps"${step === null ? ' hidden' : ''}>${items.join('')}</ol>`
}

function progress(status: WaitingStatus, { expectation }: WaitingWords): string {
  const hidden = expectation === null ? ' hidden' : ''
  let bar = '<progress aria-label="How far it is" hidden></progress>'
  if (status.kind === 'waking' && status.expectedMs !== null) {
    const max = Math.max(1, Math.round(status.expectedMs))
    const value = Math.min(max, Math.round(status.elapsedMs))
    bar = `<progress aria-label="How far it is" max="${max}" value="${value}"></progress>`
  }
  return `<div class="pace"${hidden}>${bar}<p class="expectation">${escapeHtml(expectation ?? '')}</p></div>`
}

function note(status: WaitingStatus, words: WaitingWords): string {
  const retry =
    status.kind === 'resting' && status.retryAt !== null
      ? `Next try at ${timeTag(status.retryAt, status.timeZone)}.`
      : ''
  const hidden = words.note === null ? ' hidden' : ''
  return `<p class="note"${hidden}><span class="trouble">${escapeHtml(words.note ?? '')}</span> <span class="retry">${retry}</span></p>`
}

/** The script shows the reader's own time of day; without it there is that of the machine's owner. */
function timeTag(at: number, timeZone: string): string {
  const date = new Date(at)
  const format = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone } as const
  const text = new Intl.DateTimeFormat('en-GB', format).format(date)
  return `<time datetime="${date.toISOString()}">${text} (${escapeHtml(timeZone)})</time>`
}

function ways(view: WaitingView): string {
  const { status, mayStart, signIn, waking, live } = view
  const asleep = status.kind === 'asleep' || status.kind === 'falling-asleep'
  let text = ''
  if (mayStart) {
    const action = escapeHtml(startPath + view.path)
    text += `<form class="go" method="post" action="${action}"${asleep ? '' : ' hidden'}><p class="hint">This page alone does not start it.</p><button class="button">Wake it up</button></form>`
  } else if (signIn !== null) {
    text += `<p class="go"><a class="button" href="${escapeHtml(signIn)}">Sign in</a></p>`
  } else if (!waking && asleep) {
    text += '<p class="hint">It starts when somebody who may opens it.</p>'
  }
  if (live) {
    text +=
      '<p class="go" data-notify hidden><button class="button quiet" type="button">Tell me when it is ready</button></p>'
  }
  // An empty reference is the page itself (RFC 3986 §4.4): the visit is repeated, and with it the wish.
  const again = status.kind === 'refused' || (!live && signIn === null && !(mayStart && asleep))
  return `${text}<p class="go" data-again${again ? '' : ' hidden'}><a class="button quiet" href="">Try again</a></p>`
}
