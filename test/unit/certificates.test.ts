import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { CertificateProblem } from '../../src/proxy/certificate-files.ts'
import { createCertificates } from '../../src/proxy/certificates.ts'
import { type IssuedCertificate, makeCa } from '../fixtures/certificates.ts'
import { filesOf, until, writeFiles } from '../fixtures/listener.ts'

const ca = await makeCa()
const day = 24 * 60 * 60 * 1000

async function open(
  t: { testdir(): string; teardown(fn: () => void): void },
  files: Record<string, string>,
  now = Date.now,
) {
  const folder = join(t.testdir(), 'certs')
  await mkdir(folder)
  await writeFiles(folder, files)
  const problems: CertificateProblem[] = []
  let loads = 0
  const certificates = createCertificates({
    folder,
    originPullCa: null,
    now,
    onProblem: (problem) => problems.push(problem),
    onLoaded: () => void loads++,
  })
  t.teardown(() => certificates.close())
  return { folder, certificates, problems, loads: () => loads }
}

const issue = (name: string, more: Partial<Parameters<typeof ca.issue>[0]> = {}) =>
  ca.issue({ names: [name], ...more })
const both = (issued: IssuedCertificate) => issued.certPem + issued.keyPem

t.test('pairs are found whatever their files are called', async (t) => {
  const files = {
    ...filesOf('one', await issue('one.test')),
    'two.pem': both(await issue('two.test')),
  }
  const three = await issue('three.test')
  const four = await issue('four.test')
  const five = await issue('five.test')
  const { certificates } = await open(t, {
    ...files,
    'three.pem': three.certPem,
    'three-key.pem': three.keyPem,
    'four/fullchain.pem': four.certPem + ca.certPem,
    'four/cert.pem': four.certPem,
    'four/chain.pem': ca.certPem,
    'four/privkey.pem': four.keyPem,
    'five.CRT': five.certPem,
    'zzz.key': five.keyPem,
    'README.md': 'not a certificate',
    '.hidden.pem': 'garbage',
  })
  await certificates.load()
  t.same(certificates.problems(), [])
  t.same(
    certificates
      .status()
      .map(({ file, names }) => [file, ...names])
      .sort(),
    [
      ['five.CRT', 'five.test'],
      ['four/fullchain.pem', 'four.test'],
      ['one.crt', 'one.test'],
      ['three.pem', 'three.test'],
      ['two.pem', 'two.test'],
    ],
  )
  for (const name of ['one', 'two', 'three', 'four', 'five'])
    t.ok(certificates.find(`${name}.test`), name)
})

t.test(
  'names match exactly, or one label of a wildcard; anything else is null and never a throw',
  async (t) => {
    const { certificates } = await open(t, {
      'a.pem': both(await ca.issue({ names: ['gate.test', '*.gate.test', '127.0.0.1'] })),
    })
    await certificates.load()
    for (const name of ['gate.test', 'GATE.test', 'x.gate.test', 'gate.test.'])
      t.ok(certificates.find(name), name)
    for (const name of [
      '',
      '.',
      'test',
      '.gate.test',
      'x.y.gate.test',
      'gate.test:443',
      '127.0.0.1',
      '__proto__',
      'constructor',
      '*.gate.test',
      'x'.repeat(255),
      '\0',
      'ä.gate.test',
    ])
      t.equal(certificates.find(name), null, JSON.stringify(name.slice(0, 20)))
  },
)

t.test('a broken file keeps what it held, and says which, what and how to mend it', async (t) => {
  const { folder, certificates, problems } = await open(t, {
    'a.pem': both(await issue('a.test')),
    ...filesOf('b', await issue('b.test')),
  })
  await certificates.load()
  const before = certificates.find('a.test')?.preferred
  const other = await issue('c.test')
  for (const text of [
    '',
    'garbage',
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    both(await issue('a.test')).slice(0, 500),
    other.certPem + (await issue('d.test')).keyPem,
  ]) {
    await writeFiles(folder, { 'a.pem': text })
    await certificates.reload()
    t.equal(certificates.find('a.test')?.preferred, before, JSON.stringify(text.slice(0, 40)))
    t.equal(certificates.status().length, 2)
    t.match(certificates.problems(), [{ severity: 'error', file: 'a.pem', what: /./, remedy: /./ }])
    t.ok(certificates.status().find(({ file }) => file === 'a.pem')?.problem)
  }
  t.ok(problems.length >= 3)
  const count = problems.length
  await certificates.reload()
  t.equal(problems.length, count, 'a problem is told once')
  await writeFiles(folder, { 'a.pem': both(await issue('new.test')) })
  await certificates.reload()
  t.ok(certificates.find('new.test'))
  t.equal(certificates.find('a.test'), null, 'mended: the old one is gone')
  t.same(certificates.problems(), [])
})

t.test('a key that goes missing keeps the pair; a certificate that goes away goes', async (t) => {
  const { folder, certificates } = await open(t, {
    ...filesOf('a', await issue('a.test')),
    ...filesOf('b', await issue('b.test')),
  })
  await certificates.load()
  await rm(join(folder, 'a.key'))
  await certificates.reload()
  t.ok(certificates.find('a.test'))
  t.match(certificates.problems(), [{ code: 'key-missing', file: 'a.crt' }])
  await rm(join(folder, 'a.crt'))
  await certificates.reload()
  t.equal(certificates.find('a.test'), null)
  await rm(folder, { recursive: true })
  await certificates.reload()
  t.ok(certificates.find('b.test'), 'no folder at all is an accident')
  t.match(certificates.problems(), [{ code: 'folder-unreadable' }])
})

t.test('a self-signed certificate is served, though openssl marks it as a CA', async (t) => {
  const { folder, certificates } = await open(t, {})
  const options = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=a.test'
  execFileSync(
    'openssl',
    ['req', ...options.split(' '), '-addext', 'subjectAltName=DNS:a.test', '-batch'].concat([
      '-keyout',
      join(folder, 'a.key'),
      '-out',
      join(folder, 'a.crt'),
    ]),
    { stdio: 'ignore' },
  )
  await certificates.load()
  t.ok(certificates.find('a.test'))
  await rm(join(folder, 'a.key'))
  const half = await open(t, { 'a.crt': await readFile(join(folder, 'a.crt'), 'utf8') })
  await t.rejects(half.certificates.load(), {
    code: 'no-certificates',
    message: /a\.crt: no private/,
  })
})

t.test('without one certificate there is no start', async (t) => {
  const empty = await open(t, {})
  await t.rejects(empty.certificates.load(), { code: 'no-certificates', remedy: /--certs/ })
  const { keyPem } = await issue('a.test')
  const keyless = await open(t, { 'a.pem': (await issue('a.test')).certPem, 'b.key': keyPem })
  await t.rejects(keyless.certificates.load(), {
    code: 'no-certificates',
    message: /a\.pem: no private key/,
  })
  const lonely = await open(t, { 'b.key': keyPem })
  await t.rejects(lonely.certificates.load(), {
    code: 'no-certificates',
    message: /b\.key: a private key without a certificate/,
  })
  const missing = createCertificates({
    folder: join(t.testdir(), 'nowhere'),
    originPullCa: null,
    now: Date.now,
    onProblem: () => {},
    onLoaded: () => {},
  })
  await t.rejects(missing.load(), { code: 'no-certificates', remedy: /--certs/ })
})

t.test(
  'an expired certificate is served, loudly; a valid one for the same name comes first',
  async (t) => {
    const expired = await issue('a.test', {
      notBefore: new Date(Date.now() - 20 * day),
      notAfter: new Date(Date.now() - day),
    })
    const { folder, certificates, problems } = await open(t, { 'old.pem': both(expired) })
    await certificates.load()
    const old = certificates.find('a.test')
    t.ok(old)
    t.match(problems, [{ severity: 'warning', code: 'expired', file: 'old.pem', remedy: /renew/ }])
    t.match(certificates.status(), [
      {
        file: 'old.pem',
        problem: 'expired',
        names: ['a.test'],
        issuer: /Gatehouse test CA/,
        keyType: 'ecdsa',
      },
    ])
    await writeFiles(folder, { 'new.pem': both(await issue('a.test')) })
    await certificates.reload()
    t.not(certificates.find('a.test'), old)
    t.ok(certificates.find('a.test'))
  },
)

t.test('of several valid ones the one that lasts longest is used, per key type', async (t) => {
  const { certificates } = await open(t, {
    'short.pem': both(await issue('a.test', { notAfter: new Date(Date.now() + day) })),
    'long.pem': both(await issue('a.test', { notAfter: new Date(Date.now() + 30 * day) })),
    'rsa.pem': both(
      await issue('a.test', { keyType: 'rsa', notAfter: new Date(Date.now() + 90 * day) }),
    ),
    'only-rsa.pem': both(await issue('b.test', { keyType: 'rsa' })),
  })
  await certificates.load()
  t.ok(certificates.find('a.test')?.alternative, 'the RSA one stands by')
  t.not(certificates.find('a.test')?.alternative, certificates.find('a.test')?.preferred)
  t.equal(certificates.find('b.test')?.alternative, null)
})

t.test('a key that others may read is a warning, and still served', async (t) => {
  const { folder, certificates } = await open(t, filesOf('a', await issue('a.test')))
  await chmod(join(folder, 'a.key'), 0o640)
  await certificates.load()
  t.match(certificates.problems(), [
    { severity: 'warning', code: 'key-permissions', file: 'a.key', remedy: 'chmod 600 a.key' },
  ])
  t.ok(certificates.find('a.test'))
})

t.test('a changed file is picked up by itself, through renames and symlinks', async (t) => {
  const { folder, certificates, loads } = await open(t, { 'a.pem': both(await issue('a.test')) })
  await certificates.load()
  certificates.watch()
  t.equal(loads(), 1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  await writeFile(join(folder, 'a.pem.new'), both(await issue('b.test')), { mode: 0o600 })
  await rename(join(folder, 'a.pem.new'), join(folder, 'a.pem'))
  await until(() => certificates.find('b.test') !== null, 'the renamed file is read')
  const elsewhere = join(folder, '..', 'real.pem')
  await writeFile(elsewhere, both(await issue('c.test')), { mode: 0o600 })
  await mkdir(join(folder, 'site'))
  await symlink(elsewhere, join(folder, 'site', 'fullchain.pem'))
  await until(() => certificates.find('c.test') !== null, 'the new subfolder is read')
  await writeFile(join(folder, 'site', 'more.pem'), both(await issue('d.test')), { mode: 0o600 })
  await until(
    () => certificates.find('d.test') !== null,
    'a file in a subfolder that is new is read',
  )
})
