// Which addresses a backend may have, networks, names that resolve, and the JSON Schema for editors.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { requestHeaderKind, requestKind } from '../../src/proxy/header-names.ts'
import {
  canonicalAddress,
  forbiddenAddress,
  isMetadataName,
  isPublicAddress,
} from '../../src/routes-file/addresses.ts'
import { isInside, readCidr } from '../../src/routes-file/cidr.ts'
import { nameFault } from '../../src/routes-file/header-edits.ts'
import { jsonSchemaText } from '../../src/routes-file/json-schema.ts'
import { readTable } from '../../src/routes-file/read.ts'
import { checkResolved } from '../../src/routes-file/resolved.ts'
import { tableText } from '../fixtures/table-text.ts'

t.test('addresses that are no backend are refused in every form', (t) => {
  const refused = [
    '0.0.0.0',
    '0.1.2.3',
    '169.254.0.1',
    '169.254.169.254',
    '169.254.255.255',
    '192.0.0.192',
    '100.100.100.200',
    '168.63.129.16',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'ff02::1',
    'fd00:ec2::254',
    'FD00:0EC2:0:0:0:0:0:0254',
    'fd20:ce::254',
    'fd00:c1::a9fe:a9fe',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '::ffff:0:169.254.169.254',
    '::169.254.169.254',
    '::ffff:0.0.0.0',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::a9fe:a9fe',
    '64:ff9b:1:2:3:4:a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '2001:0:1:2:3:4:5601:5601',
    'localhost',
    '',
    '127.1',
  ]
  for (const address of refused) t.type(forbiddenAddress(address), 'string', address)
  t.match(forbiddenAddress('64:ff9b::a9fe:a9fe'), 'stands for 169.254.169.254, which is link-local')
  t.end()
})

t.test('addresses where backends live are allowed', (t) => {
  const allowed = [
    '127.0.0.1',
    '10.0.0.7',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '100.100.100.100',
    '84.235.234.87',
    '169.253.255.255',
    '169.255.0.0',
    '223.255.255.255',
    '::1',
    'fd00::7',
    'fec0::1',
    '2001:db8::7',
    '2606:4700::1111',
    '::ffff:10.0.0.7',
    '64:ff9b::192.0.2.1',
    '2002:c000:201::1',
  ]
  for (const address of allowed) t.equal(forbiddenAddress(address), null, address)
  t.end()
})

t.test('public addresses are told from those nobody else can reach', (t) => {
  for (const near of [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.0.1',
    '100.127.0.1',
    '::1',
    'fdff::1',
    '::ffff:10.0.0.1',
  ]) {
    t.equal(isPublicAddress(near), false, near)
  }
  for (const far of [
    '84.235.234.87',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1',
    '64:ff9b::8.8.8.8',
  ]) {
    t.equal(isPublicAddress(far), true, far)
  }
  t.end()
})

t.test('one address has one spelling', (t) => {
  t.equal(canonicalAddress('::ffff:10.0.0.7'), '10.0.0.7')
  t.equal(canonicalAddress('FD00::0007'), canonicalAddress('fd00:0:0:0:0:0:0:7'))
  t.equal(canonicalAddress('example.com'), null)
  t.end()
})

t.test('names of metadata services are known, names like them are not refused', (t) => {
  for (const name of [
    'metadata.google.internal',
    'Metadata.Google.Internal.',
    'x.metadata.google.internal',
    'metadata',
    'instance-data',
  ]) {
    t.equal(isMetadataName(name), true, name)
  }
  for (const name of ['metadata.example.com', 'google.internal', 'mymetadata']) {
    t.equal(isMetadataName(name), false, name)
  }
  t.end()
})

t.test('networks are read in one spelling and compared', (t) => {
  t.strictSame(readCidr('10.0.0.0/8'), { cidr: '10.0.0.0/8' })
  t.strictSame(readCidr('192.0.2.7'), { cidr: '192.0.2.7/32' })
  t.strictSame(readCidr('2001:DB8::'), { cidr: '2001:db8::/128' })
  for (const bad of [
    '10.0.0.0/08x',
    '10.0.0.0/33',
    '::/129',
    '10.0.0/8',
    '10.0.0.1/8',
    'a',
    '',
    '/8',
    '10.0.0.0/',
  ]) {
    t.ok('what' in readCidr(bad), bad)
  }
  t.equal(isInside('10.1.0.0/16', '10.0.0.0/8'), true)
  t.equal(isInside('10.0.0.0/8', '10.1.0.0/16'), false)
  t.equal(isInside('10.0.0.0/8', '0.0.0.0/0'), true)
  t.equal(isInside('2001:db8:1::/48', '2001:db8::/32'), true)
  t.equal(isInside('10.0.0.0/8', '::/0'), false)
  t.end()
})

t.test(
  'names that resolve to a forbidden address are refused, silent ones are warned of',
  async (t) => {
    const { definition } = readTable(
      tableText(
        [
          '{ host: a, to: http://good.lan:80 }',
          '{ host: b, to: http://evil.lan:80 }',
          '{ host: c, to: http://evil.lan:81 }',
          '{ host: d, to: http://silent.lan:80 }',
          '{ host: e, to: box:80 }',
        ],
        ['fallback: http://old.lan', 'acmeFallback: http://challenges.lan'],
      ),
    )
    if (definition === null) throw new Error('no table')
    const asked: string[] = []
    const problems = await checkResolved(definition, async (name) => {
      asked.push(name)
      if (name === 'evil.lan') return ['10.0.0.1', '::ffff:169.254.169.254']
      if (name === 'silent.lan') throw new Error('ENOTFOUND')
      return ['10.0.0.1']
    })
    t.strictSame(asked, ['good.lan', 'evil.lan', 'silent.lan', 'old.lan', 'challenges.lan'])
    t.strictSame(
      problems.map(({ severity, code, where, line }) => [severity, code, where, line]),
      [
        ['error', 'target-forbidden', 'b/', 10],
        ['warning', 'unresolved', 'd/', 12],
      ],
    )
  },
)

t.test('no route may set a header that the proxy strips because backends believe it', (t) => {
  const { identity, drop, host, connection, contentLength, transferEncoding, te, via } = requestKind
  const names = [
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Proto',
    'X-Forwarded-User',
    'X-Real-IP',
    'True-Client-IP',
    'Client-IP',
    'Remote-User',
    'Remote-Email',
    'Remote-Anything',
    'X-Request-ID',
    'Via',
    'X-Gatehouse-User',
    'Host',
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Content-Length',
  ]
  const stripped = new Set<number | null>([
    identity,
    drop,
    host,
    connection,
    contentLength,
    transferEncoding,
    te,
    via,
    requestKind.forwardedFor,
  ])
  for (const name of names) {
    t.ok(stripped.has(requestHeaderKind(name)), name)
    t.type(nameFault(name, 'request'), 'object', name)
  }
  for (const name of ['Authorization', 'X-Script-Name', 'X-Forwarded-Prefix', 'X-WebAuth-User']) {
    t.equal(nameFault(name, 'request'), null, name)
  }
  t.end()
})

t.test('the JSON Schema in the repository is the one that the reader uses', (t) => {
  const committed = readFileSync(new URL('../../src/routes.schema.json', import.meta.url), 'utf8')
  t.ok(committed === jsonSchemaText(), 'run: npm run schema')
  const table = readFileSync(new URL('../../src/routes.yaml', import.meta.url), 'utf8')
  t.match(table, /^# yaml-language-server: \$schema=\.\/routes\.schema\.json\n/)
  t.end()
})
