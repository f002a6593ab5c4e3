// The opening handshake of a WebSocket: nothing is tunnelled on a word that is not exactly right.

import { createHash } from 'node:crypto'
import t from 'tap'
import type { Exchange } from '../../src/proxy/exchange.ts'
import type { RequestHead } from '../../src/proxy/request-head.ts'
import { acceptedProtocol, handshakeKey, isAccepted } from '../../src/proxy/websocket.ts'

const key = 'dGhlIHNhbXBsZSBub25jZQ=='

type Asked = { key?: string | null; version?: string | null; method?: string; protocol?: string }

function ask(asked: Asked): string | null {
  const exchange = { protocol: asked.protocol ?? 'HTTP/1.1', method: asked.method ?? 'GET' }
  const head = {
    webSocketKey: asked.key === undefined ? key : asked.key,
    webSocketVersion: asked.version === undefined ? '13' : asked.version,
  }
  return handshakeKey(exchange as Exchange, head as RequestHead)
}

t.test('a handshake of version 13 with a key of 16 bytes is one (RFC 6455 §4.2.1)', async (t) => {
  t.equal(ask({}), key)
})

t.test('anything else is none (RFC 6455 §4.2.1, websocket-smuggle)', async (t) => {
  for (const version of [null, '', '12', '13, 13', '13,8', '777', ' 13', '0x0d']) {
    t.equal(ask({ version }), null, `version ${version}`)
  }
  for (const wrong of [
    null,
    '',
    'x',
    'dGhlIHNhbXBsZSBub25jZQ',
    'dGhlIHNhbXBsZSBub25jZQ=',
    'dGhlIHNhbXBsZSBub25jZR==',
    'dGhlIHNhbXBsZSBub25jZTEy',
    'dGhlIHNhbXBsZSBub25jZTE=',
    'dGhl IHNhbXBsZSBub25jZQ=',
    'dGhlIHNhbXBsZSBub25jZ_==',
    `${key}${key}`,
  ]) {
    t.equal(ask({ key: wrong }), null, `key ${wrong}`)
  }
  for (const method of ['POST', 'HEAD', 'get', 'CONNECT']) t.equal(ask({ method }), null, method)
  t.equal(ask({ protocol: 'HTTP/1.0' }), null, 'RFC 9110 §7.8: Upgrade means nothing in HTTP/1.0')
})

t.test('HTTP/2 has no key, so the backend gets a fresh one (RFC 8441 §5)', async (t) => {
  const first = ask({ protocol: 'HTTP/2', key: null })
  const second = ask({ protocol: 'HTTP/2', key: null })
  t.equal(Buffer.from(first ?? '', 'base64').length, 16)
  t.not(first, second)
  t.equal(ask({ protocol: 'HTTP/2', version: null }), null)
})

t.test('the backend’s 101 must answer this very key (RFC 6455 §4.1)', async (t) => {
  const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
  t.ok(isAccepted({ upgrade: 'WebSocket', 'sec-websocket-accept': accept }, key))
  for (const fields of [
    {},
    { upgrade: 'websocket' },
    { 'sec-websocket-accept': accept },
    { upgrade: 'h2c', 'sec-websocket-accept': accept },
    { upgrade: 'websocket, h2c', 'sec-websocket-accept': accept },
    { upgrade: ['websocket', 'websocket'], 'sec-websocket-accept': accept },
    { upgrade: 'websocket', 'sec-websocket-accept': accept.toLowerCase() },
    { upgrade: 'websocket', 'sec-websocket-accept': key },
    { upgrade: 'websocket', 'sec-websocket-accept': [accept, accept] },
    {
      upgrade: 'websocket',
      'sec-websocket-accept': createHash('sha1').update(key).digest('base64'),
    },
  ]) {
    t.equal(isAccepted(fields, key), false, JSON.stringify(fields))
  }
})

t.test('HTTP/1.1 is told of the upgrade, HTTP/2 of none of it (RFC 8441 §5)', async (t) => {
  const fields = { upgrade: 'websocket' }
  const headers = [
    'sec-websocket-accept',
    'x',
    'sec-websocket-protocol',
    'chat',
    'content-length',
    '0',
  ]
  t.same(acceptedProtocol(headers, 'HTTP/1.1', fields), [
    'sec-websocket-accept',
    'x',
    'sec-websocket-protocol',
    'chat',
    'upgrade',
    'websocket',
    'connection',
    'Upgrade',
  ])
  t.same(acceptedProtocol(headers, 'HTTP/2', fields), ['sec-websocket-protocol', 'chat'])
})
