// Authenticated Origin Pulls: whoever does not come with our CA's certificate is known as such on every name. Caddy's
// CVE-2026-27586 let everybody in when the CA file was missing.

import t from 'tap'
import { GatehouseError } from '../../src/errors.ts'
import { createListener } from '../../src/proxy/listen.ts'
import { makeCa } from '../fixtures/certificates.ts'
import { h2, http1 } from '../fixtures/clients.ts'
import { filesOf, startListener } from '../fixtures/listener.ts'

t.test('the client certificate is checked against our CA, on each name and protocol', async (t) => {
  const pulls = await makeCa('Pulls')
  const strangers = await makeCa('Strangers')
  const good = await pulls.issue({ names: ['pull.test'], client: true })
  const foreign = await strangers.issue({ names: ['pull.test'], client: true })
  const expired = await pulls.issue({
    names: ['pull.test'],
    client: true,
    notBefore: new Date(Date.now() - 3e9),
    notAfter: new Date(Date.now() - 1e9),
  })
  const { https, ca, peers } = await startListener(t, {
    listen: { originPullCa: pulls.certPem },
    files: async (ca) => ({
      ...filesOf('one', await ca.issue({ names: ['one.gate.test'] })),
      ...filesOf('two', await ca.issue({ names: ['two.gate.test'], keyType: 'rsa' })),
    }),
  })
  const cases = [
    { name: 'ours', certificate: good, expected: 'valid' },
    { name: 'of another CA', certificate: foreign, expected: 'invalid' },
    { name: 'expired', certificate: expired, expected: 'invalid' },
    { name: 'none', certificate: null, expected: 'absent' },
  ]
  for (const host of ['one.gate.test', 'two.gate.test'])
    for (const { name, certificate, expected } of cases) {
      const tls = {
        ca: ca.certPem,
        servername: host,
        ...(certificate === null ? {} : { cert: certificate.certPem, key: certificate.keyPem }),
      }
      await http1(https, { host, tls })
      t.equal(peers.at(-1)?.clientCertificate, expected, `${name}, HTTP/1.1, ${host}`)
      const client = await h2(https, tls)
      await client.request({ host })
      t.equal(peers.at(-1)?.clientCertificate, expected, `${name}, HTTP/2, ${host}`)
      await client.close()
    }
})

t.test('a CA that is empty or broken refuses to start', async (t) => {
  const broken = [
    '',
    '\n',
    'no pem',
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  ]
  for (const originPullCa of broken) {
    const start = () =>
      createListener(
        { https: [], http: [], publicPort: 443, originPullCa },
        {
          request() {},
          upgrade() {},
          stream() {},
          plain: () => false,
          connectionFailure() {},
        },
        {
          certificates: { find: () => null, covers: () => false },
          isCloudflare: () => false,
          isTrustedProxy: () => false,
          now: Date.now,
        },
      )
    try {
      start()
      t.fail(`started with ${JSON.stringify(originPullCa)}`)
    } catch (error) {
      t.ok(error instanceof GatehouseError)
      t.match(error, { code: 'origin-pull-ca-invalid', remedy: /PEM/ })
    }
  }
})
