// Who the client is: the peer, unless a proxy that we trust says otherwise, in one valid word.

import t from 'tap'
import { type AddressSource, clientAddress } from '../../src/proxy/client-address.ts'
import type { Peer } from '../../src/proxy/peer.ts'

const peer = (address: string, trustedProxy: boolean): Peer => ({
  address,
  trustedProxy,
  cloudflare: trustedProxy,
  serverName: null,
  clientCertificate: 'unasked',
  tlsVersion: 'TLSv1.3',
  lastAuthority: '',
  lastHost: null,
})
const isTrusted = (address: string) => address.startsWith('10.')

function ask(
  source: AddressSource,
  trusted: boolean,
  cf: string | null,
  xff: string | null,
): string {
  return clientAddress(
    peer('10.0.0.1', trusted),
    { cfConnectingIp: cf, forwardedFor: xff },
    { source, isTrusted },
  )
}

t.test('headers of a peer that is not trusted are nobody’s word', async (t) => {
  for (const source of ['peer', 'cloudflare', 'forwarded-for'] as const) {
    t.equal(ask(source, false, '127.0.0.1', '127.0.0.1'), '10.0.0.1', source)
  }
})

t.test('Cloudflare’s word is one valid address or nothing', async (t) => {
  t.equal(ask('cloudflare', true, '203.0.113.9', '1.2.3.4'), '203.0.113.9')
  t.equal(ask('cloudflare', true, '2001:DB8::1', null), '2001:db8::1')
  t.equal(ask('cloudflare', true, '::ffff:203.0.113.9', null), '203.0.113.9')
  for (const text of [
    '',
    'x',
    '203.0.113.9, 127.0.0.1',
    '203.0.113.9:80',
    ' 203.0.113.9',
    '203.0.113.009',
    '[2001:db8::1]',
    '0x7f000001',
    '1.2.3',
    'localhost',
    null,
  ]) {
    t.equal(ask('cloudflare', true, text, '127.0.0.1'), '10.0.0.1', JSON.stringify(text))
  }
})

t.test(
  'X-Forwarded-For counts from the right, up to the first address that is no proxy of ours',
  async (t) => {
    for (const [xff, client] of [
      ['203.0.113.9', '203.0.113.9'],
      ['127.0.0.1, 203.0.113.9', '203.0.113.9'],
      ['127.0.0.1, 203.0.113.9, 10.9.9.9', '203.0.113.9'],
      ['10.1.1.1, 10.2.2.2', '10.1.1.1'],
      ['127.0.0.1, x', '10.0.0.1'],
      ['127.0.0.1, x, 10.3.3.3', '10.3.3.3'],
      ['127.0.0.1, , 10.3.3.3', '10.3.3.3'],
      ['', '10.0.0.1'],
      [',', '10.0.0.1'],
      ['127.0.0.1,203.0.113.9:4711', '10.0.0.1'],
      ['unknown', '10.0.0.1'],
    ] as const) {
      t.equal(ask('forwarded-for', true, null, xff), client, JSON.stringify(xff))
    }
    t.equal(
      ask('forwarded-for', true, '127.0.0.1', null),
      '10.0.0.1',
      'and CF-Connecting-IP does not',
    )
  },
)

t.test('a list of ten thousand addresses is walked in linear time', async (t) => {
  const started = performance.now()
  t.equal(ask('forwarded-for', true, null, '10.0.0.2,'.repeat(10_000)), '10.0.0.1')
  t.equal(ask('forwarded-for', true, null, `1.1.1.1${',10.0.0.2'.repeat(10_000)}`), '1.1.1.1')
  t.ok(performance.now() - started < 1000)
})
