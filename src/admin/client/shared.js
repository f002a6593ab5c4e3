// What the scripts of the admin have in common: asking the server, hearing what is new, taking over a part of a page.
// Browser module.

/** @returns {string} */
function csrf() {
  return document.querySelector('meta[name=csrf-token]')?.getAttribute('content') ?? ''
}

/**
 * Posts JSON, or the fields of a form, to our own origin.
 *
 * @param {string} path
 * @param {unknown} body  a FormData, or what becomes JSON
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}  `null`: refused, or not reached; the page works without
 */
export async function post(path, body, signal) {
  const isForm = body instanceof FormData
  const fields = isForm ? [...body].map(([name, value]) => [name, String(value)]) : []
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
        'x-csrf-token': csrf(),
      },
      body: isForm ? new URLSearchParams(fields).toString() : JSON.stringify(body),
      credentials: 'same-origin',
      redirect: 'error',
      ...(signal === undefined ? {} : { signal }),
    })
    return response.ok ? await response.json() : null
  } catch {
    return null
  }
}

/**
 * Fetches a page of ours.
 *
 * @param {string} url
 * @returns {Promise<Document | null>}
 */
export async function fetchPage(url) {
  try {
    const headers = { accept: 'text/html' }
    const response = await fetch(url, { headers, credentials: 'same-origin', redirect: 'error' })
    if (!response.ok) return null
    return new DOMParser().parseFromString(await response.text(), 'text/html')
  } catch {
    return null
  }
}

/**
 * Hears of changes while somebody looks at the page.
 *
 * @param {Record<string, (data: any) => void>} handlers  by topic
 */
export function listen(handlers) {
  /** @type {EventSource | null} */
  let source = null
  const follow = () => {
    if (document.visibilityState === 'hidden') {
      source?.close()
      source = null
      return
    }
    if (source !== null) return
    source = new EventSource('/api/v1/events')
    for (const [topic, handler] of Object.entries(handlers)) {
      source.addEventListener(topic, (event) => handler(JSON.parse(event.data)))
    }
  }
  document.addEventListener('visibilitychange', follow)
  follow()
}

/**
 * Runs something when nothing was asked for a while.
 *
 * @param {number} ms
 * @param {() => void} run
 * @returns {() => void}
 */
export function later(ms, run) {
  let timer = 0
  return () => {
    clearTimeout(timer)
    timer = setTimeout(run, ms)
  }
}

/**
 * @param {string} name
 * @param {string} [text]
 * @param {string} [className]
 * @returns {HTMLElement}
 */
export function element(name, text = '', className = '') {
  const made = document.createElement(name)
  made.textContent = text
  if (className !== '') made.className = className
  return made
}
