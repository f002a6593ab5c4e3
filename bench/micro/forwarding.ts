// Header sections on their way to the backend and to the visitor.

import { guardedSetCookie } from '../../src/auth/cookie.ts'
import { answerHead, requestHeaders, upstreamPath } from '../../src/proxy/headers.ts'
import { readHead } from '../../src/proxy/request-head.ts'
import type { MicroCase } from './harness.ts'
import {
  answerFields,
  browserHeaders,
  requestId,
  sampleHost,
  sampleTable,
  sampleTarget,
} from './samples.ts'

const context = { http2: false, http10: false, method: 'GET', cloudflare: true }
const facts = {
  upstreamHost: 'photos.diegonmarcos.com',
  host: 'photos.diegonmarcos.com',
  port: '443',
  client: '203.0.113.77',
  scheme: 'https',
  requestId,
  via: '1.1 gatehouse',
  maxForwards: null,
  webSocketKey: null,
  identity: null,
} as const
const security: readonly (readonly [string, string])[] = [
  ['strict-transport-security', 'max-age=31536000'],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'strict-origin-when-cross-origin'],
  ['x-frame-options', 'SAMEORIGIN'],
]
const cookies = { host: 'photos.diegonmarcos.com', parentAllowed: false, guard: guardedSetCookie }
const options = { requestId, security, edits: null, cookies }
const target = sampleTarget('/photoprism/library')
const found = sampleTable().match(sampleHost('photos.diegonmarcos.com'), target.path)
if (found === null) throw new Error('no such route')
const route = found

/** The header list is built in the list that reading made, so the two cannot be measured apart. */
function readAndBuild(): readonly string[] | string {
  const head = readHead(browserHeaders, context)
  return typeof head === 'string' ? head : requestHeaders(head, facts, null)
}

export const cases: readonly MicroCase[] = [
  { name: 'readHead + requestHeaders', run: readAndBuild },
  { name: 'answerHead, 11 fields', run: () => answerHead(200, answerFields, options) },
  { name: 'upstreamPath, kept', run: () => upstreamPath(route, '/photoprism/library', '?x=1') },
]
