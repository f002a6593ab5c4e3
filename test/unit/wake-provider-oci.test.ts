// Machines in Oracle Cloud: the contract, and everything that can be wrong with keys, clocks and answers.

import { chmodSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import type { EventFields, EventLog } from '../../src/log.ts'
import { CloudError, type CloudFault, type CloudState } from '../../src/wake/provider.ts'
import { createProvider } from '../../src/wake/providers/create.ts'
import { vmProviderContract } from '../contract/vm-provider.ts'
import { makeCa } from '../fixtures/certificates.ts'
import { createOci, type OciTrick, ociErrors } from '../fixtures/oci.ts'
import { createOciAccount, ociSecrets, writeOciConfig } from '../fixtures/oci-account.ts'
import type { Lifecycle } from '../fixtures/oci-instance.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'

const id = 'ocid1.instance.oc1.eu-frankfurt-1.antheljtexample'
const account = createOciAccount()
/** Lines of the key: any of them in a message is one too many. */
const keyLines = account.privateKeyPem.split('\n').filter((line) => line.length > 40)

interface Wanted {
  readonly secret?: (name: string) => string | null
  readonly configFile?: string
  readonly profile?: string
  readonly endpoint?: string | null
  readonly instance?: string
  readonly home?: string
}

async function open(t: Test, wanted: Wanted = {}) {
  const clock = createFakeClock()
  const oci = await createOci({ accounts: [account], instances: { [id]: 'STOPPED' }, time: clock })
  t.teardown(() => oci.close())
  const events: { level: string; event: string; fields: EventFields }[] = []
  const record =
    (level: string) =>
    (event: string, fields: EventFields = {}) =>
      void events.push({ level, event, fields })
  const log: EventLog = {
    debug: record('debug'),
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
  }
  const provider = createProvider(
    {
      kind: 'oci',
      instance: wanted.instance ?? id,
      region: 'eu-frankfurt-1',
      configFile: wanted.configFile ?? null,
      profile: wanted.profile ?? 'DEFAULT',
      endpoint: wanted.endpoint === undefined ? oci.endpoint : wanted.endpoint,
    },
    {
      vm: 'box',
      secret: wanted.secret ?? ociSecrets(account),
      now: clock.now,
      after: clock.after,
      log,
      environment: wanted.home === undefined ? {} : { HOME: wanted.home },
    },
  )
  return { provider, oci, clock, events, instance: oci.instance(id) }
}

async function failure(call: Promise<CloudState>): Promise<CloudError> {
  const outcome = await call.catch((error: unknown) => error)
  if (outcome instanceof CloudError) return outcome
  throw new Error(`no CloudError: ${inspect(outcome)}`)
}

const lifecycles: Readonly<Record<CloudState, Lifecycle>> = {
  stopped: 'STOPPED',
  starting: 'STARTING',
  running: 'RUNNING',
  stopping: 'STOPPING',
  moving: 'MOVING',
  gone: 'TERMINATED',
}

const troubles: Readonly<Record<Exclude<CloudFault, 'clock'>, OciTrick>> = {
  capacity: ociErrors.outOfCapacity,
  throttled: ociErrors.throttled,
  conflict: ociErrors.modified,
  denied: ociErrors.notFound,
  unavailable: ociErrors.unavailable,
  invalid: { kind: 'raw', status: 200, body: '<html>\u001b[31mA portal of a hotel</html>' },
}

t.test('the contract of a provider', async (t) => {
  vmProviderContract(t, {
    faults: ['capacity', 'throttled', 'conflict', 'denied', 'clock', 'unavailable', 'invalid'],
    limitMs: 30_000,
    async open(t) {
      const { provider, oci, clock, events, instance } = await open(t)
      return {
        provider,
        be: (state) => instance.become(lifecycles[state]),
        settle: () => clock.advance(20 * 60_000),
        starts: () => instance.starts,
        calls: () => oci.calls.length,
        trouble(fault) {
          oci.behave()
          oci.skewMs = fault === 'clock' ? 10 * 60_000 : 0
          if (fault !== null && fault !== 'clock')
            oci.trick('any', troubles[fault], Number.POSITIVE_INFINITY)
        },
        hang: () => oci.trick('any', { kind: 'hang' }),
        arrival: () => oci.arrival(),
        advance: (ms) => clock.advance(ms),
        secrets: keyLines,
        logged: () => JSON.stringify(events),
      }
    },
  })
})

t.test('every error of the cloud is the fault that it is', async (t) => {
  const { provider, oci } = await open(t)
  const table: readonly (readonly [OciTrick, CloudFault])[] = [
    [ociErrors.outOfCapacity, 'capacity'],
    [ociErrors.limit, 'capacity'],
    [said(500, 'InternalError', 'Out of capacity for shape VM.Standard.A1.Flex.'), 'capacity'],
    [said(400, 'QuotaExceeded', 'The quota is used up.'), 'capacity'],
    [ociErrors.internal, 'unavailable'],
    [ociErrors.unavailable, 'unavailable'],
    [said(502, 'BadGateway', ''), 'unavailable'],
    [said(504, '', ''), 'unavailable'],
    [ociErrors.throttled, 'throttled'],
    [{ kind: 'raw', status: 429, body: 'not JSON' }, 'throttled'],
    [ociErrors.modified, 'conflict'],
    [said(409, 'IncorrectState', 'The instance is STOPPING.'), 'conflict'],
    [said(409, 'InvalidatedRetryToken', 'Used.'), 'conflict'],
    [said(412, 'NoEtagMatch', ''), 'conflict'],
    [ociErrors.notAuthenticated, 'denied'],
    [ociErrors.notFound, 'denied'],
    [said(400, 'InvalidParameter', 'instanceId is not valid'), 'denied'],
    [said(403, 'NotAllowed', 'Suspended.'), 'denied'],
    [said(418, 'Teapot', ''), 'invalid'],
    [{ kind: 'raw', status: 302, body: '' }, 'invalid'],
    [{ kind: 'raw', status: 204, body: '' }, 'invalid'],
    [{ kind: 'raw', status: 200, body: '' }, 'invalid'],
    [{ kind: 'raw', status: 200, body: 'null' }, 'invalid'],
    [{ kind: 'raw', status: 200, body: '[]' }, 'invalid'],
    [{ kind: 'raw', status: 200, body: '{"lifecycleState":"RUNNING"}' }, 'invalid'],
    [{ kind: 'lie', fields: { lifecycleState: 'HIBERNATING' } }, 'invalid'],
    [{ kind: 'lie', fields: { lifecycleState: 3 } }, 'invalid'],
    [{ kind: 'lie', fields: { id: 'ocid1.instance.oc1.eu-frankfurt-1.another' } }, 'invalid'],
    [{ kind: 'reset' }, 'unavailable'],
    [{ kind: 'endless' }, 'unavailable'],
  ]
  for (const [trick, fault] of table) {
    oci.trick('GET', trick)
    const error = await failure(provider.state())
    t.equal(error.fault, fault, inspect(trick))
    if (trick.kind === 'error') {
      t.equal(error.status, trick.status)
      t.ok(error.detail.includes(trick.code), 'the words of the cloud are kept')
    }
  }
  t.equal(await provider.state(), 'stopped')
})

function said(status: number, code: string, message: string): OciTrick {
  return { kind: 'error', status, code, message }
}

t.test('states in which nothing can be done have the names of what they are', async (t) => {
  const { provider, instance } = await open(t)
  for (const [lifecycle, state] of [
    ['PROVISIONING', 'starting'],
    ['CREATING_IMAGE', 'moving'],
    ['TERMINATING', 'gone'],
  ] as const) {
    instance.become(lifecycle)
    t.equal(await provider.state(), state)
  }
})

t.test('a start whose answer got lost is repeated with its token and is one start', async (t) => {
  const { provider, oci, instance, clock } = await open(t)
  oci.trick('START', { kind: 'lose' })
  t.equal((await failure(provider.start('again'))).fault, 'unavailable')
  t.equal(instance.state, 'STARTING', 'it was done all the same')
  t.equal(await provider.start('again'), 'starting')
  await clock.advance(instance.startMs)
  t.equal(await provider.start('again'), 'running')
  t.equal(instance.starts, 1)
  t.strictSame(
    oci.calls.map(({ token }) => token),
    ['again', 'again', 'again'],
  )
})

t.test('every call has a connection of its own: one that was kept may have died', async (t) => {
  const { provider, oci } = await open(t)
  await provider.state()
  await provider.state()
  await provider.start('x')
  t.equal(oci.connections, 3)
})

t.test('a token is good for a day', async (t) => {
  const { provider, instance, clock } = await open(t)
  await provider.start('monday')
  instance.become('STOPPED')
  await clock.advance(25 * 3_600_000)
  await provider.start('monday')
  t.equal(instance.starts, 2, 'the simulator forgets it, and so does the cloud')
})

t.test('half of an answer is no answer', async (t) => {
  const { provider, oci, clock } = await open(t)
  oci.trick('GET', { kind: 'stall' })
  const arrived = oci.arrival()
  const outcome = failure(provider.state())
  await arrived
  await clock.advance(14_000)
  await clock.advance(2_000)
  t.equal((await outcome).fault, 'unavailable')
})

t.test('a slow answer is waited for, within the limit', async (t) => {
  const { provider, oci, clock } = await open(t)
  oci.trick('START', { kind: 'slow', ms: 20_000 })
  const arrived = oci.arrival()
  const outcome = provider.start('slow')
  await arrived
  await clock.advance(20_000)
  t.equal(await outcome, 'starting')
})

t.test('a cloud that is not there, or is no Oracle, is unavailable', async (t) => {
  const { provider, oci } = await open(t)
  await oci.close()
  const error = await failure(provider.state())
  t.equal(error.fault, 'unavailable')
  t.match(error.detail, /ECONNREFUSED/)
})

t.test('five minutes of difference between the clocks are too many, either way', async (t) => {
  for (const [skewMs, fault] of [
    [-301_000, 'clock'],
    [301_000, 'clock'],
    [-240_000, null],
    [240_000, null],
  ] as const) {
    const { provider, oci } = await open(t)
    oci.skewMs = skewMs
    if (fault === null) t.equal(await provider.state(), 'stopped')
    else {
      const error = await failure(provider.state())
      t.equal(error.fault, fault)
      t.match(error.detail, skewMs > 0 ? /301 s behind/ : /301 s ahead/)
    }
  }
})

t.test('a failed call is a line of the log that says what Oracle wants to know', async (t) => {
  const { provider, oci, events } = await open(t)
  await provider.state()
  t.strictSame(events, [], 'one that succeeded is none')
  oci.trick('START', ociErrors.throttled)
  const error = await failure(provider.start('x'))
  oci.trick('GET', { kind: 'reset' })
  const broken = await failure(provider.state())
  t.match(broken.detail, /^127\.0\.0\.1:\d+: ECONNRESET$/)
  const common = { vm: 'box', durationMs: 0 }
  t.strictSame(events, [
    {
      level: 'info',
      event: 'cloud-call-failed',
      fields: {
        ...common,
        call: 'START',
        fault: 'throttled',
        status: 429,
        detail: error.detail,
        opcRequestId: 'simulated/1',
      },
    },
    {
      level: 'info',
      event: 'cloud-call-failed',
      fields: {
        ...common,
        call: 'GET',
        fault: 'unavailable',
        status: null,
        detail: broken.detail,
        opcRequestId: null,
      },
    },
  ])
})

t.test('a server that cannot prove who it is learns nothing', async (t) => {
  const ca = await makeCa()
  const { certPem, keyPem } = await ca.issue({ names: ['127.0.0.1'] })
  const asked: (string | undefined)[] = []
  const server = createServer({ cert: certPem, key: keyPem }, (incoming, answer) => {
    asked.push(incoming.headers.host)
    answer.end(JSON.stringify({ id, lifecycleState: 'RUNNING' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { provider } = await open(t, { endpoint: `https://127.0.0.1:${port}` })
  const error = await failure(provider.start('x'))
  t.equal(error.fault, 'unavailable')
  t.match(error.detail, /CERT|UNABLE_TO_VERIFY|SELF_SIGNED/)
  t.strictSame(asked, [])

  const before = getCACertificates('default')
  setDefaultCACertificates([...before, ca.certPem])
  t.teardown(() => setDefaultCACertificates(before))
  t.equal(await provider.state(), 'running', 'one that can is asked')
  t.strictSame(asked, [`127.0.0.1:${port}`])
})

t.test('a key that the cloud does not know is denied, whatever the time', async (t) => {
  const { provider } = await open(t, { secret: ociSecrets(createOciAccount('stranger')) })
  const error = await failure(provider.state())
  t.equal(error.fault, 'denied')
  t.equal(error.status, 401)
})

t.test('who may look and not touch is denied a start', async (t) => {
  const { provider, oci, instance } = await open(t)
  oci.allow(account, ['read'])
  t.equal(await provider.state(), 'stopped')
  t.equal((await failure(provider.start('x'))).fault, 'denied')
  t.equal(instance.starts, 0)
})

t.test(
  'a server that repeats our question does not bring the signature into a message',
  async (t) => {
    const { provider, oci, events } = await open(t)
    const { signOciRequest } = await import('../../src/wake/providers/oci-signature.ts')
    const { createPrivateKey } = await import('node:crypto')
    const clock = createFakeClock()
    const host = new URL(oci.endpoint).host
    const target = `/20160918/instances/${id}`
    // The same second, so the same signature.
    const { authorization = '' } = await signOciRequest(
      { method: 'GET', host, target, body: '' },
      { keyId: account.keyId, privateKey: createPrivateKey(account.privateKeyPem) },
      clock.now(),
    )
    const signature = /signature="([^"]+)"/.exec(authorization)?.[1] ?? ''
    t.ok(signature.length > 300)
    oci.trick('GET', said(400, 'CannotParseRequest', `got: ${signature}`))
    const error = await failure(provider.state())
    t.match(error.detail, /got: \*\*\*/)
    t.notOk(inspect([error, events], { depth: 10 }).includes(signature.slice(0, 40)))
  },
)

t.test('keys from a config file', async (t) => {
  const folder = t.testdir()
  const configFile = writeOciConfig(folder, account)

  t.test('are read anew for every call, so that they can be exchanged', async (t) => {
    const { provider, events } = await open(t, { configFile, secret: () => null })
    t.equal(await provider.state(), 'stopped')
    const text = `[DEFAULT]\nuser=${account.user}\n`
    writeFileSync(configFile, text)
    t.match((await failure(provider.state())).detail, /has no key_file in profile DEFAULT/)
    writeOciConfig(folder, account)
    t.equal(await provider.state(), 'stopped')
    t.strictSame(
      events.filter(({ level }) => level === 'warn'),
      [],
    )
  })

  t.test('are warned of once when others may read them', async (t) => {
    const { provider, events } = await open(t, { configFile, secret: () => null })
    chmodSync(join(folder, 'key.pem'), 0o640)
    t.teardown(() => chmodSync(join(folder, 'key.pem'), 0o600))
    await provider.state()
    await provider.state()
    const warnings = events.filter(({ level }) => level === 'warn')
    t.equal(warnings.length, 1)
    t.match(warnings[0], {
      event: 'cloud-key-readable',
      fields: { path: join(folder, 'key.pem'), mode: '0640', remedy: /chmod 600/ },
    })
  })

  t.test('come from the profile that is named, and from DEFAULT what it lacks', async (t) => {
    const file = join(folder, 'profiles')
    const rest = `tenancy=${account.tenancy}\nkey_file=key.pem`
    writeFileSync(
      file,
      `# a comment\n\n[DEFAULT]\nuser=ocid1.user.oc1..somebody\n${rest}\n` +
        `[ gate ]\r\n user = ${account.user} \r\nfingerprint=${account.fingerprint}\nOCI_API_KEY\n`,
      { mode: 0o600 },
    )
    const { provider } = await open(t, { configFile: file, profile: 'gate', secret: () => null })
    t.equal(await provider.state(), 'stopped', 'a relative key_file is one beside the config')
    const other = await open(t, { configFile: file, profile: 'gone', secret: () => null })
    t.match((await failure(other.provider.state())).detail, /has no profile gone/)
  })

  t.test('may stand in the home of the service, if it has one', async (t) => {
    const file = join(folder, 'home')
    writeFileSync(
      file,
      `[DEFAULT]\nuser=${account.user}\ntenancy=${account.tenancy}\n` +
        `fingerprint=${account.fingerprint}\nkey_file=~/key.pem\n`,
      { mode: 0o600 },
    )
    const housed = await open(t, { configFile: file, home: folder })
    t.equal(await housed.provider.state(), 'stopped')
    const homeless = await open(t, { configFile: file })
    t.match((await failure(homeless.provider.state())).detail, /no home/)
  })
})

t.test('what is wrong with a key is said, and nothing of the key', async (t) => {
  const { generateKeyPairSync } = await import('node:crypto')
  const other = createOciAccount('other')
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  })
  const right = ociSecrets(account)
  const locked = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: {
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'open-sesame-42',
    },
  }).privateKey
  const table: readonly (readonly [Readonly<Record<string, string | null>>, RegExp])[] = [
    [{ OCI_KEY: null }, /the secret OCI_KEY is missing \(GATEHOUSE_SECRET_OCI_KEY\)/],
    [{ OCI_USER: ' ' }, /the secret OCI_USER is missing/],
    [{ OCI_TENANCY: 'x\r\nauthorization: y' }, /tenancy is not written as one/],
    [{ OCI_FINGERPRINT: 'aa:bb' }, /fingerprint is not written as one/],
    [{ OCI_KEY: other.privateKeyPem }, /the fingerprint is of another key/],
    [{ OCI_KEY: String(elliptic) }, /no RSA key/],
    [{ OCI_KEY: 'swordfish-swordfish' }, /no private key in PEM, or needs a passphrase/],
    [{ OCI_KEY: String(locked) }, /or needs a passphrase/],
    [{ OCI_KEY: String(locked), OCI_PASSPHRASE: 'wrong-wrong' }, /or the passphrase is wrong/],
  ]
  for (const [values, message] of table) {
    const secret = (name: string) => (name in values ? (values[name] ?? null) : right(name))
    const { provider, oci, events } = await open(t, { secret })
    const error = await failure(provider.state())
    t.equal(error.fault, 'denied')
    t.match(error.detail, message)
    t.equal(oci.calls.length, 0, 'the cloud is not asked')
    const seen = inspect([error, events], { depth: 20, showHidden: true })
    for (const value of Object.values(values)) {
      if (value === null || value.trim() === '') continue
      for (const line of value.split('\n'))
        if (line.length > 8 && !line.startsWith('-----')) t.notOk(seen.includes(line))
    }
  }
})

t.test('a key may need a passphrase, be PKCS #1, or stand on one line', async (t) => {
  const { createPrivateKey } = await import('node:crypto')
  const key = createPrivateKey(account.privateKeyPem)
  const pkcs1 = key.export({ type: 'pkcs1', format: 'pem' }).toString()
  const encrypted = key
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open-sesame' })
    .toString()
  for (const values of [
    { OCI_KEY: pkcs1 },
    { OCI_KEY: `${account.privateKeyPem}OCI_API_KEY\n` },
    { OCI_KEY: account.privateKeyPem.trim().replaceAll('\n', '\\n') },
    { OCI_KEY: encrypted, OCI_PASSPHRASE: 'open-sesame' },
  ]) {
    const secret = (name: string) =>
      new Map(Object.entries(values)).get(name) ?? ociSecrets(account)(name)
    const { provider } = await open(t, { secret })
    t.equal(await provider.state(), 'stopped')
  }
})

t.test('nothing is asked of an address that would show the request to others', async (t) => {
  for (const endpoint of [
    'http://iaas.example.com',
    'ftp://127.0.0.1',
    'http://127.0.0.1.nip.io',
  ]) {
    const { provider } = await open(t, { endpoint })
    t.match((await failure(provider.state())).detail, /neither https nor on this machine/)
  }
  const { provider } = await open(t, { endpoint: null, instance: 'ocid1.instance.oc999.x.y' })
  t.match((await failure(provider.state())).detail, /realm oc999 is not known/)
})
