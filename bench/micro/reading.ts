// Reading a request: authority, target, header section, client address.

import { parseAuthority } from '../../src/host.ts'
import { compileCidrs, networkOf } from '../../src/proxy/cidr.ts'
import { clientAddress } from '../../src/proxy/client-address.ts'
import { readHead } from '../../src/proxy/request-head.ts'
import { readTarget } from '../../src/proxy/target.ts'
import type { MicroCase } from './harness.ts'
import { browserHeaders, cloudflarePeer } from './samples.ts'

const trust = { source: 'cloudflare', isTrusted: compileCidrs(['173.245.48.0/20']) } as const
const context = { http2: false, http10: false, method: 'GET', cloudflare: true }
const said = { cfConnectingIp: '203.0.113.77', forwardedFor: '203.0.113.77' }

export const cases: readonly MicroCase[] = [
  { name: 'parseAuthority', run: () => parseAuthority('photos.diegonmarcos.com:8443') },
  { name: 'readTarget, plain', run: () => readTarget('/photoprism/api/v1/photos') },
  { name: 'readTarget, query', run: () => readTarget('/photoprism/api?count=60&q=label%3Acat') },
  { name: 'readTarget, encoded', run: () => readTarget('/photoprism/My%20Holiday/a%2Bb.jpg') },
  { name: 'readTarget, refused', run: () => readTarget('/photoprism/%2e%2e/admin') },
  { name: 'readHead, 15 fields', run: () => readHead(browserHeaders, context) },
  { name: 'clientAddress, Cloudflare', run: () => clientAddress(cloudflarePeer, said, trust) },
  { name: 'networkOf, IPv4', run: () => networkOf('203.0.113.77') },
  { name: 'networkOf, IPv6', run: () => networkOf('2001:db8:1234:5678:9abc::1') },
]
