// The answers of routes that Gatehouse serves itself: landing page, fixed status, redirect.

import { STATUS_CODES } from 'node:http'
import { jsonString } from '../access-line.ts'
import type { Target } from '../model.ts'
import type { Answer, PageRequest } from './answer.ts'
import { escapeHtml, pageHead, pageHeaders, pageStart } from './html.ts'
import { prefersHtml } from './negotiate.ts'

type Landing = Extract<Target, { kind: 'landing' }>
type Fixed = Extract<Target, { kind: 'status' }>
type Redirect = Extract<Target, { kind: 'redirect' }>

/**
 * A service's front door: what it is, and the way in. The same for everybody, whatever `Accept` says, and answered from here for
 * ever without anything being woken.
 */
export function renderLanding(landing: Landing, request: PageRequest, asleep = false): Answer {
  const { service } = landing
  const way = landing.continueTo === null ? null : pathOnThisHost(landing.continueTo)
  const text =
    way === null
      ? 'This is the front door of a private service. There is nothing to open here.'
      : asleep
        ? 'This is a private service, and its machine is asleep. Sign in to wake it; that takes a minute or two.'
        : 'This is a private service. Sign in, and you go straight on to it.'
  const link =
    way === null
      ? ''
      : `<p class="go"><a class="button" href="${escapeHtml(way)}">Sign in and continue</a></p>`
  return page(
    {
      status: 200,
      title: service,
      host: request.host,
      content: `<h1>${escapeHtml(service)}</h1><p class="lead">${text}</p>${link}`,
    },
    request,
  )
}

/** A fixed answer of the table: a page, problem details for a failure, plain text for anything else. */
export function renderStatus(fixed: Fixed, request: PageRequest): Answer {
  const { status, message } = fixed
  // RFC 9110 §6.4.1: these have no content, and §8.6 no length.
  if (status === 204 || status === 304) return { status, headers: [], body: nothing }
  const title = STATUS_CODES[status] ?? 'Answer'
  if (prefersHtml(request.accept)) {
    const lead = message === '' ? '' : `<p class="lead">${escapeHtml(message)}</p>`
    const content = `<h1>${escapeHtml(title)}</h1>${lead}`
    return page({ status, title, host: request.host, content }, request)
  }
  if (status < 400) {
    return answer({ status, type: 'text/plain; charset=utf-8', body: `${message}\n` }, request)
  }
  const detail = message === '' ? '' : `,"detail":${jsonString(message, maxMessageLength)}`
  return answer(
    {
      status,
      type: 'application/problem+json',
      // RFC 9457 §4.2.1: `about:blank` means no more than the status says.
      body: `{"type":"about:blank","title":${jsonString(title)},"status":${status}${detail},"requestId":${jsonString(request.id)}}\n`,
    },
    request,
  )
}

/** RFC 9110 §15.4. `location` is the table's; only with `keepPath` does the request add to it. */
export function renderRedirect(redirect: Redirect, below: string): Answer {
  const { status, location, keepPath } = redirect
  const target = keepPath ? joinedLocation(location, below) : location
  const headers = ['location', target, 'content-length', '0']
  // A permanent redirect may be kept by caches (RFC 9110 §15.4.2); the others may change with the next edit.
  if (status !== 301 && status !== 308) headers.push('cache-control', 'no-store')
  return { status, headers, body: nothing }
}

const nothing = Buffer.alloc(0)
const maxMessageLength = 4096
const pageEnd = '</main></body></html>\n'

/** @returns the path, or `null` for what a browser could read as another host or as a script. */
function pathOnThisHost(path: string): string | null {
  // WHATWG URL: a backslash counts as a slash, tabs and newlines as nothing.
  return /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path) ? path : null
}

/** `location` with the rest of the request's path and query below it. */
function joinedLocation(location: string, below: string): string {
  const query = below.indexOf('?')
  const path = query === -1 ? below : below.slice(0, query)
  const base = location.endsWith('/') ? location.slice(0, -1) : location
  // One slash exactly: none would extend the host name, two would begin another one (`//evil.example`).
  const joined = /^\/*$/.test(path) ? location : `${base}/${path.replace(/^\/+/, '')}`
  return query === -1 ? joined : joined + below.slice(query)
}

function page(
  parts: { status: number; title: string; host: string | null; content: string },
  request: PageRequest,
): Answer {
  const { status, title, host, content } = parts
  const eyebrow = host === null ? '' : `<p class="eyebrow">${escapeHtml(host)}</p>`
  const text = Buffer.from(`${pageStart(title)}${eyebrow}${content}${pageEnd}`)
  const body = Buffer.concat([pageHead, text])
  const headers = [...pageHeaders, 'content-length', String(body.length)]
  return { status, headers, body: request.method === 'HEAD' ? nothing : body }
}

function answer(
  parts: { status: number; type: string; body: string },
  request: PageRequest,
): Answer {
  const body = Buffer.from(parts.body)
  return {
    status: parts.status,
    headers: [
      'content-type',
      parts.type,
      'cache-control',
      'no-store',
      'content-length',
      String(body.length),
    ],
    body: request.method === 'HEAD' ? nothing : body,
  }
}
