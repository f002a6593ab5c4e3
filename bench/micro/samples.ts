// Real input for hot functions: the table that ships, a browser's request through Cloudflare, a backend's answer.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseHost } from '../../src/host.ts'
import type { Host, RequestId } from '../../src/model.ts'
import { compileCidrs } from '../../src/proxy/cidr.ts'
import type { Peer } from '../../src/proxy/peer.ts'
import { canonicalRoutePath, readTarget } from '../../src/proxy/target.ts'
import { createRouteTable, type RouteTable } from '../../src/routes.ts'
import { readTable } from '../../src/routes-file/read.ts'

export const requestId = '0123456789ab1x2y' as RequestId

export function sampleHost(text: string): Host {
  const host = parseHost(text)
  if (host === null) throw new Error(`not a host: ${text}`)
  return host
}

export function sampleTarget(text: string) {
  const target = readTarget(text)
  if (typeof target === 'string') throw new Error(`refused: ${text}: ${target}`)
  return target
}

export function sampleTable(): RouteTable {
  const file = join(import.meta.dirname, '..', '..', 'src', 'routes.yaml')
  const { definition, problems } = readTable(readFileSync(file, 'utf8'))
  if (definition === null) throw new Error(JSON.stringify(problems))
  return createRouteTable(definition, { secret: () => 'x', compileCidrs, canonicalRoutePath })
}

/** A page of a signed-in person, from Chrome, through Cloudflare. */
export const browserHeaders: readonly string[] = [
  'Host',
  'photos.diegonmarcos.com',
  'Connection',
  'Keep-Alive',
  'Accept-Encoding',
  'gzip, br',
  'CF-RAY',
  '98f1c0a2be1d2b3c-FRA',
  'CF-Connecting-IP',
  '203.0.113.77',
  'X-Forwarded-For',
  '203.0.113.77',
  'X-Forwarded-Proto',
  'https',
  'CF-Visitor',
  '{"scheme":"https"}',
  'User-Agent',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Accept',
  'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language',
  'en-US,en;q=0.5',
  'Sec-Fetch-Site',
  'same-origin',
  'Sec-Fetch-Mode',
  'navigate',
  'Referer',
  'https://photos.diegonmarcos.com/photoprism/library',
  'Cookie',
  'theme=dark; __Secure-gatehouse=0123456789abcdef0123456789abcdef; lang=en',
]

/** As the upstream client hands it over. */
export const answerFields: Readonly<Record<string, string | string[]>> = {
  server: 'nginx',
  date: 'Sat, 21 Nov 2026 10:00:00 GMT',
  'content-type': 'text/html; charset=utf-8',
  'content-length': '8123',
  connection: 'keep-alive',
  'keep-alive': 'timeout=60',
  etag: '"5f3c-1a2b"',
  'cache-control': 'private, max-age=0',
  vary: 'Accept-Encoding',
  'set-cookie': ['a=b; Path=/; HttpOnly', 'c=d; Path=/'],
}

export const cloudflarePeer: Peer = {
  address: '173.245.48.7',
  trustedProxy: true,
  cloudflare: true,
  serverName: sampleHost('photos.diegonmarcos.com'),
  clientCertificate: 'unasked',
  tlsVersion: 'TLSv1.3',
  lastAuthority: '',
  lastHost: null,
}
