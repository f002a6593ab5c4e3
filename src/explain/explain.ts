// What would happen to a request, and why: it goes through the gateway's own `admit`, and what that did is told.

import { type Admission, admit, type Request } from '../admission.ts'
import { type FailureCode, failures } from '../errors.ts'
import { createLimiter } from '../limits.ts'
import type { Host, Identity, RateLimit, Route, SessionRef, Target } from '../model.ts'
import { clientAddress } from '../proxy/client-address.ts'
import { belowPrefix, upstreamPath } from '../proxy/headers.ts'
import type { RouteTable, RuntimeRoute } from '../routes.ts'
import { hostWords, matchingOrder, pathWords, targetWords } from '../routes-file/route-words.ts'
import { signInUrlOf } from '../sign-in-answer.ts'
import { type Asked, identityWords, policyDetails, policyWords } from './policy-words.ts'
import { connectionOf, type ExplainRequest, exchangeOf } from './request.ts'
import { wakeWords } from './wake-words.ts'

/** One thing that was looked at, in the order of the pipeline. */
export interface Step {
  readonly step: string
  readonly says: string
  /** Further lines. */
  readonly details: readonly string[]
}

export interface Explanation {
  readonly steps: readonly Step[]
  /** HTTP status of the answer; `null`: the backend's own, or the page's. */
  readonly status: number | null
  /** `forward`, `page`, `options`, or the code of the refusal. */
  readonly outcome: 'forward' | 'page' | 'options' | FailureCode
  /** One sentence. */
  readonly verdict: string
}

/** Pure. What happens is `admit`'s word; the steps are what it left behind on the way. */
export function explainRequest(
  table: RouteTable,
  asked: ExplainRequest,
  publicPort: number,
): Explanation {
  const { definition } = table
  const { peer, trust } = connectionOf(asked, definition)
  const exchange = exchangeOf(asked, peer)
  const request: Request = {
    exchange,
    client: '',
    network: '',
    host: null,
    target: null,
    head: null,
    route: null,
    identity: null,
    pathToken: null,
    wakeAction: null,
    open: false,
  }
  const admission = admit(
    request,
    {
      table: () => table,
      identify: ({ route, client }) => asked.identity ?? networkIdentity(route, client),
      clientAddress: (from, head) => clientAddress(from, head, trust),
      limiter: createLimiter(),
      lockdown: () => false,
      isKnownClient: () => false,
      publicPort,
      pseudonym: 'gatehouse',
      wallNow: () => 0,
    },
    0,
  )
  const steps = [...stepsOf({ asked, request, admission, table, publicPort })]
  return { steps, ...verdictOf(admission, request) }
}

interface Facts {
  readonly asked: ExplainRequest
  readonly request: Request
  readonly admission: Admission
  readonly table: RouteTable
  readonly publicPort: number
}

/** Stops where the request stopped. */
function* stepsOf({ asked, request, admission, table, publicPort }: Facts): Generator<Step> {
  const code = admission.kind === 'refuse' ? admission.code : null
  if (asked.scheme === 'http') {
    yield step('redirect', 'port 80 sends the visitor to https:// first; then:')
  }
  const via = asked.cloudflare ? ' through Cloudflare' : ''
  yield step('client', `counted as ${quoted(request.client)}${via}`)
  const { target, host, route } = request
  if (target === null) {
    yield step('target', `${quoted(asked.rawTarget)}: ${targetReason(asked.rawTarget, code)}`)
    return
  }
  yield step('target', `path ${quoted(target.path)}, sent on as ${quoted(target.rawPath)}`, [
    ...target.alternatives.map((path) => `could also be read as ${quoted(path)}`),
  ])
  if (host === null) {
    yield step('host', `${quoted(asked.authority)} is no host name with an optional port`)
    return
  }
  yield step('host', host)
  yield step('flood', `each client has ${limitWords(table.definition.floodLimit)}`)
  if (code === 'method-not-allowed') {
    yield step('method', `${asked.method} is never passed on`)
    return
  }
  yield routeStep({ table, host, path: target.path, route })
  if (route === null || code === 'bad-target') {
    if (code === 'bad-target') yield step('path', pathReason(target.encodedSlash))
    return
  }
  if (code === 'not-through-cloudflare') {
    yield step('network', 'this route takes only what comes through Cloudflare (try --cloudflare)')
    return
  }
  if (code === 'client-address') {
    yield step('network', `the route's allow and deny lists refuse ${request.client} (try --from)`)
    return
  }
  const { identity } = request
  yield step('identity', identityWords(identity, quoted(identity?.user ?? '')))
  const { method, origin, fetchSite } = asked
  const { path } = target
  const facts: Asked = { route, method, path, identity, origin, fetchSite, admission }
  yield step('policy', policyWords(facts), policyDetails(facts))
  if (admission.kind === 'sign-in') {
    const url = signInUrlOf(request, admission.reason, { table: () => table, publicPort })
    yield step('sign in', url === null ? 'not from here: the cookie does not reach this host' : url)
  }
  if (admission.kind === 'sign-in' || code === 'cross-origin' || code === 'forbidden') return
  const limit = identity === null ? route.limit : route.signedInLimit
  yield step('limit', limitWords(limit))
  if (admission.kind !== 'forward') return
  const wake = wakeWords(route.definition, identity, table.definition)
  if (wake !== null) yield step('machine', wake.says, wake.details)
  yield forwardStep(route, request)
}

function routeStep(facts: {
  readonly table: RouteTable
  readonly host: Host
  readonly path: string
  readonly route: RuntimeRoute | null
}): Step {
  const { table, host, path, route } = facts
  const considered = candidates(table, host)
  const details = considered.map((each) => {
    const taken = each === route?.definition
    const mark = taken ? '→' : ' '
    const isOff = table.definition.disabled.includes(each)
    const why = taken
      ? `line ${each.line}, ${each.service}`
      : isOff
        ? `switched off, line ${each.line}`
        : whyNot(each, path)
    return `${mark} ${hostWords(each.host)} ${pathWords(each)}  ${why}`
  })
  if (route !== null && !considered.includes(route.definition)) {
    return step('route', 'none of the table; the fallback takes it', details)
  }
  if (route !== null) return step('route', route.id, details)
  const none = path.startsWith('/.gatehouse')
    ? 'the path is one of our own, and there is nothing there'
    : considered.length === 0
      ? `the table knows no ${host}`
      : 'none of this host takes the path, or it is switched off'
  return step('route', none, details)
}

/** The routes that are tried for this host, in that order: its own, or those of the nearest wildcard. */
function candidates(table: RouteTable, host: Host): readonly Route[] {
  const { routes, disabled } = table.definition
  const ordered = matchingOrder({ routes: [...routes, ...disabled] })
  const own = ordered.filter((r) => r.host.kind === 'exact' && r.host.host === host)
  if (own.length > 0) return own
  const wild = ordered.filter(
    (r) => r.host.kind === 'wildcard' && host.endsWith(`.${r.host.suffix}`),
  )
  const nearest = wild[0]
  return nearest === undefined
    ? []
    : wild.filter((route) => hostWords(route.host) === hostWords(nearest.host))
}

function whyNot({ path, matching }: Route, asked: string): string {
  const isBelow = path === '/' || asked.startsWith(`${path}/`)
  if (asked === path) return 'would take it too, but another comes first'
  if (isBelow)
    return matching === 'exact' ? 'takes this path alone' : 'would take it too, but is shorter'
  return 'does not match'
}

function forwardStep(route: RuntimeRoute, request: Request): Step {
  const { upstream, definition } = route
  const { target } = request
  const path = target === null ? null : upstreamPath(route, target.rawPath, target.query)
  if (upstream === null || path === null) {
    return step(
      'forward',
      'the prefix does not stand there byte for byte, so it cannot be rewritten',
    )
  }
  const { connectMs, headersMs, idleMs } = definition.timeouts
  const host = definition.upstreamHost
  const hostText =
    host.kind === 'keep' ? `${request.host}` : host.kind === 'fixed' ? host.host : 'its own name'
  return step('forward', `${targetWords(upstream)}, as ${quoted(path)}`, [
    `Host: ${hostText}; connect ${connectMs} ms, header ${headersMs} ms, idle ${idleMs} ms`,
  ])
}

function verdictOf(admission: Admission, request: Request): Omit<Explanation, 'steps'> {
  switch (admission.kind) {
    case 'refuse':
      return refused(admission.code)
    case 'sign-in':
      return refused('sign-in-required')
    case 'options':
      return { status: 204, outcome: 'options', verdict: 'Gatehouse answers OPTIONS itself.' }
    case 'page':
      if (!canRedirect(admission.target, request)) return refused('bad-target')
      return {
        status: admission.target.kind === 'status' ? admission.target.status : null,
        outcome: 'page',
        verdict: `Gatehouse answers itself: ${targetWords(admission.target)}.`,
      }
    case 'forward': {
      const { route, target } = request
      if (route?.upstream == null || target === null)
        throw new TypeError('admitted without a target')
      if (upstreamPath(route, target.rawPath, target.query) === null) return refused('bad-target')
      const what = admission.webSocketKey === null ? 'Passed on' : 'A WebSocket is opened'
      return {
        status: null,
        outcome: 'forward',
        verdict: `${what} to ${targetWords(route.upstream)}, if it answers.`,
      }
    }
    case 'wake':
      return {
        status: null,
        outcome: 'page',
        verdict: 'Gatehouse answers itself: about the machine behind it.',
      }
    default:
      return admission satisfies never
  }
}

/** A redirect that keeps the path must find its route's path there byte for byte. */
function canRedirect(target: Target, { route, target: asked }: Request): boolean {
  if (target.kind !== 'redirect' || !target.keepPath || route === null || asked === null)
    return true
  return belowPrefix(asked.rawPath, route.definition.path) !== null
}

function refused(code: FailureCode): Omit<Explanation, 'steps'> {
  const { status, title } = failures[code]
  return { status, outcome: code, verdict: `Refused with ${status} (${code}): ${title}` }
}

function targetReason(rawTarget: string, code: FailureCode | null): string {
  if (code === 'target-too-long') return 'longer than any server would pass on'
  if (code === 'bad-host') return 'not read, the host is no name'
  if (rawTarget.includes('#')) return 'a client does not send what begins with #'
  if (/[^\x21-\x7e]/.test(rawTarget))
    return 'blanks and non-ASCII characters must be percent-encoded'
  return 'two programs could read it differently (dot segments, backslash, broken or control encodings)'
}

function pathReason(encodedSlash: boolean): string {
  return encodedSlash
    ? 'an encoded slash (%2F), which this route does not allow or which could lead to another route or rule'
    : 'read in another way it would lead to another route or rule'
}

/** As `identify` does for who presents nothing: the first network of the route that the address is in. */
function networkIdentity(route: RuntimeRoute, client: string): Identity | null {
  const network = route.networks?.find(({ includes }) => includes(client))
  if (network === undefined) return null
  return {
    user: network.user,
    name: network.user,
    email: null,
    groups: [],
    session: `network:${network.cidr}` as SessionRef,
    via: 'network',
    passkey: false,
    secondFactor: false,
    authenticatedAt: null,
    mayWake: network.mayWake,
  }
}

function limitWords({ perSecond, burst }: RateLimit): string {
  return `${perSecond} requests a second, ${burst} at once`
}

function step(name: string, says: string, details: readonly string[] = []): Step {
  return { step: name, says, details }
}

/** Nothing from outside may move the cursor or colour the terminal. */
export function quoted(text: string): string {
  return JSON.stringify(text)
    .replaceAll('\\u0001', '%2F')
    .replace(/[\x7f-\x9f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)
}
