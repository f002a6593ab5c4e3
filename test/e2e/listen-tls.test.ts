import { once } from 'node:events'
import tls from 'node:tls'
import t from 'tap'
import { h2, http1, rawClient } from '../fixtures/clients.ts'
import { filesOf, startListener } from '../fixtures/listener.ts'

/** What the handshake for a name ended in: the certificate's serial number and protocol, or the error's code. */
async function handshake(port: number, options: tls.ConnectionOptions) {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  try {
    await once(socket, 'secureConnect')
    return {
      serial: socket.getPeerX509Certificate()?.serialNumber ?? '',
      type: socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType ?? '',
      protocol: socket.getProtocol(),
      alpn: socket.alpnProtocol,
      cipher: socket.getCipher().name,
      error: null,
    }
  } catch (error) {
    return { error: String(Reflect.get(Object(error), 'code') ?? error) }
  } finally {
    socket.destroy()
  }
}

t.test('one port speaks HTTP/1.1 and HTTP/2, by ALPN; without ALPN HTTP/1.1', async (t) => {
  const { https, ca, peers } = await startListener(t)
  const one = await http1(https, { host: 'a.gate.test', tls: { ca: ca.certPem } })
  t.equal(one.text, 'ok')
  const client = await h2(https, { ca: ca.certPem, servername: 'a.gate.test' })
  t.equal((await client.request({ host: 'a.gate.test' })).text, 'ok')
  await client.close()
  const raw = await rawClient(https, { ca: ca.certPem, servername: 'a.gate.test', alpn: [] })
  await raw.send('GET / HTTP/1.1\r\nHost: a.gate.test\r\n\r\n')
  t.equal((await raw.response()).status, 200)
  raw.destroy()
  t.equal(peers.length, 3)
  for (const peer of peers) {
    t.match(peer, {
      address: '127.0.0.1',
      serverName: 'a.gate.test',
      clientCertificate: 'unasked',
      tlsVersion: 'TLSv1.3',
      cloudflare: false,
      trustedProxy: false,
    })
  }
})

t.test(
  'a protocol that is neither gets the alert no_application_protocol (RFC 7301 §3.2)',
  async (t) => {
    const { https } = await startListener(t)
    const got = await handshake(https, { servername: 'a.gate.test', ALPNProtocols: ['spdy/3'] })
    t.match(got.error, /NO_APPLICATION_PROTOCOL/)
  },
)

t.test('the certificate is chosen by server name', async (t) => {
  const serials: Record<string, string> = {}
  const { https, certificates } = await startListener(t, {
    files: async (ca) => ({
      ...filesOf('wild', await ca.issue({ names: ['*.gate.test'] })),
      ...filesOf('exact', await ca.issue({ names: ['one.gate.test'] })),
      ...filesOf('bare', await ca.issue({ names: ['gate.test'] })),
    }),
  })
  t.equal(certificates.status().length, 3)
  for (const name of ['one.gate.test', 'two.gate.test', 'gate.test', 'TWO.Gate.TEST']) {
    const got = await handshake(https, { servername: name })
    t.equal(got.error, null, name)
    serials[name] = got.serial ?? ''
  }
  t.not(serials['one.gate.test'], serials['two.gate.test'], 'exact before wildcard')
  t.not(serials['gate.test'], serials['two.gate.test'], 'the wildcard is not for the bare domain')
  t.equal(serials['TWO.Gate.TEST'], serials['two.gate.test'], 'letter case does not matter')
  const deep = await handshake(https, { servername: 'a.b.gate.test' })
  t.match(deep.error, /UNRECOGNIZED_NAME/, 'a wildcard stands for one label (RFC 9525 §6.3)')
})

t.test(
  'an unknown server name is refused with unrecognized_name (RFC 6066 §3), in both versions',
  async (t) => {
    const { https, failure, peers } = await startListener(t)
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const got = await handshake(https, { servername: 'foreign.test', maxVersion: version })
      t.match(got.error, /UNRECOGNIZED_NAME/, version)
    }
    t.match(await failure('unknown-server-name'), {
      kind: 'tls',
      address: '127.0.0.1',
      detail: 'foreign.test',
    })
    t.equal(peers.length, 0)
  },
)

t.test('without a server name there is no handshake', async (t) => {
  const { https } = await startListener(t)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    t.match((await handshake(https, { maxVersion: version })).error, /HANDSHAKE_FAILURE/, version)
})

t.test('TLS 1.2 and 1.3 only, and ECDSA with forward secrecy', async (t) => {
  const { https } = await startListener(t)
  const servername = 'a.gate.test'
  const old = {
    servername,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  } as const
  t.match((await handshake(https, old)).error, /PROTOCOL_VERSION/)
  const two = await handshake(https, { servername, maxVersion: 'TLSv1.2' })
  t.equal(two.protocol, 'TLSv1.2')
  t.equal(two.cipher, 'ECDHE-ECDSA-AES128-GCM-SHA256')
  const three = await handshake(https, { servername })
  t.equal(three.protocol, 'TLSv1.3')
  t.equal(three.cipher, 'TLS_AES_128_GCM_SHA256')
  for (const ciphers of [
    'AES128-SHA',
    'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-ECDSA-AES128-SHA256',
    'AES128-GCM-SHA256',
  ]) {
    const got = await handshake(https, {
      servername,
      maxVersion: 'TLSv1.2',
      ciphers: `${ciphers}@SECLEVEL=0`,
    })
    t.match(got.error, /HANDSHAKE_FAILURE/, ciphers)
  }
})

t.test(
  'of an ECDSA and an RSA certificate for one name, the ECDSA one is used wherever the client can',
  async (t) => {
    const { https } = await startListener(t, {
      files: async (ca) => ({
        ...filesOf('rsa', await ca.issue({ names: ['*.gate.test'], keyType: 'rsa' })),
        ...filesOf('ecdsa', await ca.issue({ names: ['*.gate.test'] })),
      }),
    })
    const servername = 'a.gate.test'
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      t.equal((await handshake(https, { servername, maxVersion })).type, 'ec')
      const sigalgs = 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256'
      t.equal((await handshake(https, { servername, maxVersion, sigalgs })).type, 'rsa')
    }
  },
)

t.test('a TCP connection that never begins its handshake is closed', async (t) => {
  const { https, failure } = await startListener(t, { listen: { timeouts: { handshakeMs: 100 } } })
  const raw = await rawClient(https)
  await raw.readToEnd()
  t.match(await failure('ERR_TLS_HANDSHAKE_TIMEOUT'), { kind: 'tls', address: '127.0.0.1' })
})

t.test(
  'plain HTTP on the TLS port is refused and reported, and the next handshake works',
  async (t) => {
    const { https, failure, ca } = await startListener(t)
    const raw = await rawClient(https)
    await raw.send('GET / HTTP/1.1\r\nHost: a.gate.test\r\n\r\n')
    await raw.readToEnd()
    t.match(await failure('ERR_SSL_HTTP_REQUEST'), { kind: 'tls' })
    t.equal((await http1(https, { host: 'a.gate.test', tls: { ca: ca.certPem } })).text, 'ok')
  },
)
