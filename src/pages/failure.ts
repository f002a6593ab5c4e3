// The answer to a request that fails: a page, problem details (RFC 9457) or a gRPC status. Hot path.
//
// Strangers' refusals are most of the traffic: all bytes that do not depend on the request are encoded once.

import { jsonString } from '../access-line.ts'
import { type FailureCode, failures, offeredMethods } from '../errors.ts'
import { advice } from './advice.ts'
import type { Answer, FailureExtra, PageRequest } from './answer.ts'
import { escapeHtml, pageHead, pageHeaders, pageStart } from './html.ts'
import { grpcAnswerType, prefersHtml } from './negotiate.ts'

export interface FailureSettings {
  /** Port in links to other hosts of ours. */
  readonly publicPort: number
}

/**
 * The whole answer for a failure. Host and detail are escaped; of a request nothing else is repeated.
 *
 * @returns for gRPC the status is 200 and the failure stands in `grpc-status`: "Trailers-Only" of gRPC over HTTP/2.
 */
export function renderFailure(
  code: FailureCode,
  request: PageRequest,
  options: FailureExtra & FailureSettings,
): Answer {
  const grpc = grpcAnswerType(request.contentType)
  if (grpc !== null) return grpcAnswer(code, grpc)
  const ready = prepared(code)
  const html = prefersHtml(request.accept)
  const { status } = ready
  const signIn = status === 401 ? (options.signIn ?? signInUrl(request, options)) : null
  const headers = html ? pageHeaders.slice() : problemHeaders.slice()
  const retryAfter = retryAfterOf(ready, options.retryAfterSeconds)
  if (retryAfter !== null) headers.push('retry-after', retryAfter)
  if (status === 401) headers.push(...(options.basic === true ? programChallenge : challenge))
  if (signIn !== null) headers.push('x-gatehouse-sign-in', signIn)
  if (code === 'method-not-allowed') headers.push('allow', options.allow ?? offeredMethods)
  if (code === 'upgrade-required')
    headers.push('upgrade', 'websocket', 'sec-websocket-version', '13')
  const id = isPlainId(request.id) ? request.id : 'unknown'
  const body = html
    ? page(ready, { id, host: request.host, detail: options.detail ?? null, signIn })
    : problem(ready, id, options.detail ?? null)
  headers.push('content-length', String(body.length))
  return { status: ready.status, headers, body: request.method === 'HEAD' ? nothing : body }
}

interface Prepared {
  readonly status: number
  readonly retryAfter: string | null
  readonly title: string
  /** From `<title>` to the place of the host. */
  readonly start: Buffer
  /** From there to the place of detail and sign-in link. */
  readonly middle: Buffer
  /** From there to the id. */
  readonly end: Buffer
  /** Problem details up to the id. */
  readonly problem: Buffer
}

/** Longest sentence of the owner's that is repeated, characters. */
const maxDetailLength = 4096
const nothing = Buffer.alloc(0)
const problemHeaders: readonly string[] = [
  'content-type',
  'application/problem+json',
  'cache-control',
  'no-store',
]
/** RFC 9110 §15.5.2: a 401 names a scheme. Not Basic, which makes browsers ask for a password on their own. */
const challenge = ['www-authenticate', 'Bearer realm="Gatehouse"'] as const
/** What git, calendars and mounts know: they ask their owner for a password, and a token is one. */
const programChallenge = [
  'www-authenticate',
  'Basic realm="Gatehouse", charset="UTF-8"',
  'www-authenticate',
  'Bearer realm="Gatehouse"',
] as const
const pageEnd = Buffer.from('</dd></div></dl></footer></body></html>\n')
const problemEnd = Buffer.from('"}\n')
const preparedByCode = new Map<FailureCode, Prepared>()

function prepared(code: FailureCode): Prepared {
  let ready = preparedByCode.get(code)
  if (ready === undefined) {
    ready = prepare(code)
    preparedByCode.set(code, ready)
  }
  return ready
}

function prepare(code: FailureCode): Prepared {
  const { status, title } = failures[code]
  const { text, again, retryAfterSeconds } = advice[code]
  const stop = title.indexOf('. ')
  const heading = title.slice(0, stop === -1 ? -1 : stop)
  const rest = stop === -1 ? '' : `${title.slice(stop + 2)} `
  const lead = `<h1>${escapeHtml(heading)}</h1><p class="lead">${escapeHtml(rest + text)}</p>`
  // An empty reference is the page itself (RFC 3986 §4.4): nothing of the address needs repeating.
  const link = again ? '<p class="go"><a class="button quiet" href="">Try again</a></p>' : ''
  return {
    status,
    retryAfter: retryAfterSeconds === null ? null : String(retryAfterSeconds),
    title,
    start: Buffer.from(pageStart(heading)),
    middle: Buffer.from(lead),
    end: Buffer.from(
      `${link}</main><footer><dl><div><dt>Status</dt><dd>${status} ${code}</dd></div><div><dt>Request</dt><dd>`,
    ),
    problem: Buffer.from(
      `{"type":"urn:gatehouse:failure:${code}","title":${quoted(title)},"status":${status},"code":"${code}"`,
    ),
  }
}

function page(
  ready: Prepared,
  parts: { id: string; host: string | null; detail: string | null; signIn: string | null },
): Buffer {
  const { id, host, detail, signIn } = parts
  const eyebrow = host === null ? '' : `<p class="eyebrow">${escapeHtml(host)}</p>`
  let more = detail === null ? '' : `<p class="note">${escapeHtml(detail)}</p>`
  if (signIn !== null) {
    more += `<p class="go"><a class="button" href="${escapeHtml(signIn)}">Sign in</a></p>`
  }
  return joined([pageHead, ready.start, eyebrow, ready.middle, more, ready.end, id, pageEnd])
}

function problem(ready: Prepared, id: string, detail: string | null): Buffer {
  const more = detail === null ? '' : `,"detail":${quoted(detail)}`
  return joined([ready.problem, `${more},"requestId":"${id}`, problemEnd])
}

function joined(parts: readonly (Buffer | string)[]): Buffer {
  let length = 0
  for (const part of parts) {
    length += typeof part === 'string' ? Buffer.byteLength(part) : part.length
  }
  const body = Buffer.allocUnsafe(length)
  let at = 0
  for (const part of parts) {
    if (typeof part === 'string') at += part === '' ? 0 : body.write(part, at)
    else at += part.copy(body, at)
  }
  return body
}

function grpcAnswer(code: FailureCode, contentType: string): Answer {
  return {
    status: 200,
    headers: [
      'content-type',
      contentType,
      'cache-control',
      'no-store',
      'grpc-status',
      String(advice[code].grpcStatus),
      'grpc-message',
      // Percent-encoding beyond this is not needed: titles are printable ASCII without a percent sign; a test looks.
      failures[code].title,
      'content-length',
      '0',
    ],
    body: nothing,
  }
}

function signInUrl(request: PageRequest, settings: FailureSettings): string | null {
  if (request.host === request.loginHost) return null
  const port = settings.publicPort === 443 ? '' : `:${settings.publicPort}`
  return `https://${request.loginHost}${port}/`
}

function retryAfterOf(ready: Prepared, seconds: number | undefined): string | null {
  if (seconds === undefined || !(seconds >= 0 && seconds < 1e9)) return ready.retryAfter
  return String(Math.ceil(seconds))
}

/** Ours are; but what is written into a page unescaped is looked at. */
function isPlainId(id: string): boolean {
  return id.length <= 128 && /^[\w-]+$/.test(id)
}

function quoted(text: string): string {
  return jsonString(text, maxDetailLength)
}
