// One instance in Oracle Cloud: looks at it, starts it, stops it. Two calls of the Compute API (20160918), no more.

import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { EventLog } from '../../log.ts'
import type { VmProviderSettings } from '../../model-machines.ts'
import { CloudError, type CloudState, type VmProvider } from '../provider.ts'
import { type OciAnswer, ociFault, readInstance } from './oci-answer.ts'
import { ociIdentities } from './oci-config.ts'
import { signOciRequest } from './oci-signature.ts'
import { foreignWords } from './words.ts'

export interface OciDeps {
  /** A secret by name; `null`: there is none. */
  readonly secret: (name: string) => string | null
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Runs something later; returns how not to. */
  readonly after: (ms: number, run: () => void) => () => void
  /** For `~/` in paths of the config file; `null`: none. */
  readonly home: string | null
  readonly log: EventLog
}

type Action = 'START' | 'SOFTSTOP' | 'STOP'

/** From the first byte of a question to the last of its answer, milliseconds. */
export const ociReadLimitMs = 15_000
/** A power action takes seconds; one that was cut off is repeated with the same token. */
export const ociActionLimitMs = 30_000
/** An instance with all its metadata has some sixty kilobytes. */
const maxAnswerBytes = 1024 * 1024

/**
 * Tries nothing twice and caches nothing: when to ask again is for the machine to decide. Every call has a connection of its
 * own, because one that was kept may have died unnoticed, and a start on it would be a start of unknown outcome.
 */
export function createOciProvider(
  settings: VmProviderSettings & { readonly kind: 'oci' },
  deps: OciDeps,
): VmProvider {
  const identity = ociIdentities(settings, deps)
  const path = `/20160918/instances/${encodeURIComponent(settings.instance)}`

  async function exchange(
    action: Action | null,
    token: string | null,
  ): Promise<{ readonly answer: OciAnswer; readonly authorization: string }> {
    const endpoint = endpointOf(settings)
    const method = action === null ? 'GET' : 'POST'
    const target = action === null ? path : `${path}?action=${action}`
    const question = { method, host: endpoint.host, target, body: '' } as const
    const signed = await signOciRequest(question, await identity(), deps.now())
    const headers = {
      ...signed,
      accept: 'application/json',
      'user-agent': 'gatehouse',
      ...(token === null ? {} : { 'opc-retry-token': token }),
    }
    const limitMs = action === null ? ociReadLimitMs : ociActionLimitMs
    const answer = await ask(endpoint, { method, target, headers, limitMs }, deps)
    return { answer, authorization: signed.authorization ?? '' }
  }

  async function call(action: Action | null, token: string | null): Promise<CloudState> {
    const from = deps.now()
    let opcRequestId: string | null = null
    try {
      const { answer, authorization } = await exchange(action, token)
      opcRequestId = answer.requestId
      if (answer.status === 200) return readInstance(answer.text, settings.instance)
      const { fault, detail } = ociFault(answer, deps.now())
      throw new CloudError(fault, withoutSignature(detail, authorization), answer.status)
    } catch (error) {
      if (error instanceof CloudError) {
        const { fault, status, detail } = error
        const durationMs = Math.round(deps.now() - from)
        const fields = { call: action ?? 'GET', fault, status, detail, opcRequestId, durationMs }
        deps.log.info('cloud-call-failed', fields)
      }
      throw error
    }
  }

  return {
    state: () => call(null, null),
    start: (token) => call('START', token),
    softStop: () => call('SOFTSTOP', null),
    stop: () => call('STOP', null),
  }
}

/** @throws CloudError `denied`: an address that must not be asked, or a realm that nobody here knows. */
function endpointOf(settings: VmProviderSettings & { readonly kind: 'oci' }): URL {
  if (settings.endpoint !== null) {
    const url = URL.parse(settings.endpoint)
    const local = url !== null && /^(127(\.\d+){3}|\[::1\]|localhost)$/.test(url.hostname)
    if (url?.protocol === 'https:' || (url?.protocol === 'http:' && local)) return url
    throw new CloudError('denied', 'the endpoint is neither https nor on this machine')
  }
  const realm = settings.instance.split('.')[2] ?? ''
  const domain = realmDomains[realm]
  if (domain !== undefined) return new URL(`https://iaas.${settings.region}.${domain}`)
  throw new CloudError('denied', `the realm ${realm} is not known here: set endpoint`)
}

/** Second-level domains of Oracle's realms; the third part of an OCID names its realm. */
export const realmDomains: Readonly<Record<string, string>> = {
  oc1: 'oraclecloud.com',
  oc2: 'oraclegovcloud.com',
  oc3: 'oraclegovcloud.com',
  oc4: 'oraclegovcloud.uk',
  oc19: 'oraclecloud.eu',
  ...Object.fromEntries(
    [8, 9, 10, 14, 15, 20, 21, 23, 24, 26, 29, 35, 42, 51, 52].map((realm) => [
      `oc${realm}`,
      `oraclecloud${realm}.com`,
    ]),
  ),
}

/** A server that repeats our question in its complaint does not bring the signature into a log. */
function withoutSignature(detail: string, authorization: string): string {
  const signature = /signature="([^"]+)"/.exec(authorization)?.[1]
  return foreignWords(detail, signature === undefined ? [] : [signature])
}

/** @throws CloudError `unavailable`: no answer, none in time, too much of one. No redirect is followed. */
function ask(
  endpoint: URL,
  question: {
    readonly method: 'GET' | 'POST'
    readonly target: string
    readonly headers: Readonly<Record<string, string>>
    readonly limitMs: number
  },
  deps: Pick<OciDeps, 'after'>,
): Promise<OciAnswer> {
  const { method, target, headers, limitMs } = question
  const send = endpoint.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const outgoing = send({
      protocol: endpoint.protocol,
      // Without the brackets that an IPv6 address has in a URL.
      hostname: endpoint.hostname.replace(/^\[|\]$/g, ''),
      port: endpoint.port,
      path: target,
      method,
      headers,
      agent: false,
    })
    const cancel = deps.after(limitMs, () => fail(`no answer within ${limitMs / 1000} s`))
    function fail(detail: string, cause?: unknown): void {
      cancel()
      reject(new CloudError('unavailable', detail, null, cause))
      outgoing.destroy()
    }
    const broken = (error: Error) => fail(`${endpoint.host}: ${codeOf(error)}`, error)
    outgoing.on('error', broken)
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      let bytes = 0
      incoming.on('error', broken)
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > maxAnswerBytes) fail(`an answer of more than ${maxAnswerBytes} bytes`)
        else chunks.push(chunk)
      })
      incoming.on('end', () => {
        cancel()
        resolve(answerOf(incoming, Buffer.concat(chunks).toString('utf8')))
      })
    })
    outgoing.end()
  })
}

function answerOf(incoming: IncomingMessage, text: string): OciAnswer {
  const { date, 'opc-request-id': id } = incoming.headers
  return {
    status: incoming.statusCode ?? 0,
    date: date === undefined ? null : date,
    requestId: typeof id === 'string' ? foreignWords(id).slice(0, 120) : null,
    text,
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'network'
}
