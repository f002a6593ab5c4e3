// The waiting page follows its machine: steps as they happen, on to the service when it answers. Browser module.

const main = document.querySelector('main')
const events = main?.dataset.events ?? ''

/**
 * @typedef {{
 *   kind: string, heading: string, lead: string, expectation: string | null, note: string | null,
 *   step: number | null, retryAt: number | null, elapsedMs?: number, expectedMs?: number | null,
 * }} Status
 */

/** @type {Status | null} */
let current = null
let currentAt = 0
let wantsToHear = false
let leaving = false
/** Until the next attempt after the stream was refused, milliseconds. */
let pauseMs = 1_000

/**
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
const find = (selector) => document.querySelector(selector)

/**
 * @param {string} selector
 * @param {string | null} text
 */
function write(selector, text) {
  const place = find(selector)
  if (place !== null && place.textContent !== (text ?? '')) place.textContent = text ?? ''
}

/**
 * @param {string} selector
 * @param {boolean} shown
 */
function show(selector, shown) {
  const place = find(selector)
  if (place !== null) place.hidden = !shown
}

/** Goes to the service: the same address, now answered by it. */
function goOn() {
  if (leaving) return
  leaving = true
  // Whoever waits elsewhere goes on now too; a fresh machine need not meet all at once.
  setTimeout(() => location.reload(), Math.random() * 300)
}

/** @param {Status} status */
function render(status) {
  current = status
  currentAt = performance.now()
  if (main !== null) main.dataset.kind = status.kind
  document.title = status.heading
  write('h1', status.heading)
  write('.lead', status.lead)
  show('.steps', status.step !== null)
  document.querySelectorAll('.steps li').forEach((item, i) => {
    if (!(item instanceof HTMLElement)) return
    const step = status.step ?? -1
    item.dataset.state = i > step ? 'todo' : i === step ? 'now' : 'done'
    if (i === step) item.setAttribute('aria-current', 'step')
    else item.removeAttribute('aria-current')
  })
  write('.expectation', status.expectation)
  show('.pace', status.expectation !== null)
  write('.trouble', status.note)
  show('.note', status.note !== null)
  renderRetry(status.retryAt)
  const asleep = status.kind === 'asleep' || status.kind === 'falling-asleep'
  show('form', asleep)
  show('[data-again]', status.kind === 'refused' || (asleep && find('form') === null))
  showNotify()
  tick()
}

/** @param {number | null} at */
function renderRetry(at) {
  if (at === null) write('.retry', '')
  else write('.retry', `Next try at ${timeOfDay(at)}.`)
}

/** @param {number} at */
function timeOfDay(at) {
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
}

function tick() {
  const bar = document.querySelector('progress')
  if (bar === null || current === null) return
  const { elapsedMs, expectedMs } = current
  if (current.kind !== 'waking' || elapsedMs === undefined || typeof expectedMs !== 'number') {
    bar.hidden = true
    return
  }
  bar.hidden = false
  bar.max = Math.max(1, expectedMs)
  // Never full before it is: a bar that is full and goes nowhere says that something hangs.
  bar.value = Math.min(expectedMs * 0.97, elapsedMs + performance.now() - currentAt)
}

/** It answers: on, but not in a tab that nobody looks at, for that would count as use. */
function ready() {
  if (document.visibilityState === 'visible') {
    goOn()
    return
  }
  if (!wantsToHear) return
  wantsToHear = false
  try {
    const notice = new Notification(document.title, { tag: location.href })
    notice.onclick = () => {
      window.focus()
      notice.close()
    }
  } catch {
    // Phones allow this to service workers alone; the title says it too.
  }
}

function showNotify() {
  const possible = 'Notification' in window && Notification.permission !== 'denied'
  const coming = current?.kind === 'waking' || current?.kind === 'resting'
  show('[data-notify]', possible && coming && !wantsToHear)
}

function listen() {
  const stream = new EventSource(events)
  stream.addEventListener('status', (event) => {
    pauseMs = 1_000
    render(JSON.parse(event.data))
    if (current?.kind === 'ready') ready()
  })
  stream.addEventListener('error', () => {
    // Going on ends it too.
    if (leaving) return
    // A stream that broke reconnects by itself; one that was refused does not (WHATWG HTML §9.2.3), nor does it say why.
    if (stream.readyState === EventSource.CLOSED) askWhy()
  })
  addEventListener('pagehide', () => stream.close(), { once: true })
}

/** The session may have ended: then this very page leads to the login. Once, or it would go in circles. */
async function askWhy() {
  const abort = new AbortController()
  try {
    const answer = await fetch(events, {
      signal: abort.signal,
      redirect: 'manual',
      cache: 'no-store',
    })
    const { status, type } = answer
    abort.abort()
    if (status === 401 || status === 403 || type === 'opaqueredirect') {
      if (firstTime()) location.reload()
      else show('[data-again]', true)
      return
    }
  } catch {
    // No network: try again, like everything else.
  }
  pauseMs = Math.min(pauseMs * 2, 30_000)
  setTimeout(listen, pauseMs * (0.5 + Math.random() / 2))
}

/** Whether the page has not been loaded anew for this within the last minute. */
function firstTime() {
  const key = 'gatehouse-reloaded'
  try {
    const last = Number(sessionStorage.getItem(key) ?? 0)
    sessionStorage.setItem(key, String(Date.now()))
    return Math.abs(Date.now() - last) > 60_000
  } catch {
    return false
  }
}

for (const time of document.querySelectorAll('time')) {
  time.textContent = timeOfDay(Date.parse(time.dateTime))
}
find('[data-notify] button')?.addEventListener('click', async () => {
  wantsToHear = (await Notification.requestPermission()) === 'granted'
  showNotify()
})
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && current?.kind === 'ready') goOn()
})
// Back from the service: the browser shows this page as it was left, with its stream closed.
addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return
  leaving = false
  listen()
})
setInterval(tick, 1_000)
if (events !== '') listen()
