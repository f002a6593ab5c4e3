// Oracle's own signer and client against ours: the same signatures, and a simulator that their client takes for the cloud.

import { createPrivateKey } from 'node:crypto'
import * as common from 'oci-common'
import * as core from 'oci-core'
import t, { type Test } from 'tap'
import { realmDomains } from '../../src/wake/providers/oci.ts'
import { signOciRequest } from '../../src/wake/providers/oci-signature.ts'
import { createOci, ociErrors } from '../fixtures/oci.ts'
import { createOciAccount, type OciAccount, writeOciConfig } from '../fixtures/oci-account.ts'

const id = 'ocid1.instance.oc1.eu-frankfurt-1.antheljtexample'
const account = createOciAccount()

function officialProvider(of: OciAccount) {
  return new common.SimpleAuthenticationDetailsProvider(
    of.tenancy,
    of.user,
    of.fingerprint,
    of.privateKeyPem,
    null,
    common.Region.fromRegionId('eu-frankfurt-1'),
  )
}

t.test('our signatures are those of the official signer, to the byte', async (t) => {
  const signer = new common.DefaultRequestSigner(officialProvider(account))
  const identity = {
    keyId: account.keyId,
    privateKey: createPrivateKey(account.privateKeyPem),
  }
  const now = Date.UTC(2026, 10, 21, 9, 8, 7, 654)
  const host = 'iaas.eu-frankfurt-1.oraclecloud.com'
  for (const [method, at, target, body] of [
    ['GET', host, `/20160918/instances/${id}`, ''],
    ['GET', '127.0.0.1:12345', `/20160918/instances/${id}`, ''],
    ['POST', host, `/20160918/instances/${id}?action=START`, ''],
    ['POST', host, `/20160918/instances/${id}?action=SOFTSTOP`, ''],
    ['POST', host, `/20160918/instances/${id}?action=STOP&x=%20y`, ''],
    ['POST', host, `/20160918/instances/${id}?action=RESET`, '{"actionType":"reset","ö":1}'],
  ] as const) {
    const ours = await signOciRequest({ method, host: at, target, body }, identity, now)
    const theirs = {
      method,
      uri: `https://${at}${target}`,
      headers: new Headers({ 'x-date': new Date(now).toUTCString() }),
      ...(body === '' ? {} : { body }),
    }
    await signer.signHttpRequest(theirs)
    // Sent by their library beside the one that is signed.
    theirs.headers.delete('date')
    t.strictSame(ours, Object.fromEntries(theirs.headers), `${method} ${target}`)
  }
})

t.test('every realm of the official client has the domain that it has there', async (t) => {
  const official = common.Realm.values().map((realm) => [realm.realmId, realm.secondLevelDomain])
  t.ok(official.length > 15)
  t.strictSame(realmDomains, Object.fromEntries(official))
})

const time = {
  now: () => Date.now(),
  after(ms: number, run: () => void) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

async function open(t: Test) {
  const oci = await createOci({ accounts: [account], instances: { [id]: 'STOPPED' }, time })
  t.teardown(() => oci.close())
  const instance = oci.instance(id)
  instance.startMs = 20
  instance.softStopMs = 20
  instance.stopMs = 20
  // It says every failure on the console.
  t.capture(console, 'warn', () => {})
  return { oci, instance }
}

function client(provider: common.AuthenticationDetailsProvider, endpoint: string) {
  const compute = new core.ComputeClient(
    { authenticationDetailsProvider: provider },
    { retryConfiguration: common.NoRetryConfigurationDetails },
  )
  compute.endpoint = endpoint
  return compute
}

/** What the official client throws. */
async function failure(call: Promise<unknown>): Promise<common.OciError> {
  const outcome = await call.catch((error: unknown) => error)
  if (outcome instanceof common.OciError) return outcome
  throw new Error(`no OciError: ${String(outcome)}`)
}

t.test('the official client takes the simulator for the cloud', async (t) => {
  const { oci, instance } = await open(t)
  const file = writeOciConfig(t.testdir(), account)
  const compute = client(
    new common.ConfigFileAuthenticationDetailsProvider(file, 'DEFAULT'),
    oci.endpoint,
  )
  const reached = (state: string) =>
    new Promise<void>((resolve) => {
      const stop = instance.watch((now) => {
        if (now !== state) return
        stop()
        resolve()
      })
    })

  const found = await compute.getInstance({ instanceId: id })
  t.match(found.instance, { id, lifecycleState: 'STOPPED', shape: 'VM.Standard.A1.Flex' })
  t.ok(Date.parse(String(found.instance.timeCreated)) > 0)
  t.ok(found.opcRequestId)

  const running = reached('RUNNING')
  const start = { instanceId: id, action: 'START', opcRetryToken: 'once', ifMatch: found.etag }
  t.match(await compute.instanceAction(start), { instance: { lifecycleState: 'STARTING' } })
  await compute.instanceAction(start)
  await running
  t.equal(instance.starts, 1, 'the retry token holds')
  const reused = await failure(compute.instanceAction({ ...start, action: 'STOP' }))
  t.match(reused, { statusCode: 409, serviceCode: 'InvalidatedRetryToken' })
  const outdated = await failure(
    compute.instanceAction({ instanceId: id, action: 'STOP', ifMatch: found.etag }),
  )
  t.match(outdated, { statusCode: 412, serviceCode: 'NoEtagMatch' })
  const again = await failure(compute.instanceAction({ instanceId: id, action: 'START' }))
  t.match(again, { statusCode: 409, serviceCode: 'IncorrectState' })

  const stopped = reached('STOPPED')
  await compute.instanceAction({ instanceId: id, action: 'SOFTSTOP' })
  await stopped
  t.match(await compute.getInstance({ instanceId: id }), {
    instance: { lifecycleState: 'STOPPED' },
  })
  t.ok(instance.billedMs > 0)
})

t.test('the official client meets every error as one of the cloud', async (t) => {
  const { oci } = await open(t)
  const compute = client(officialProvider(account), oci.endpoint)
  for (const trick of Object.values(ociErrors)) {
    oci.trick('any', trick)
    const error = await failure(compute.instanceAction({ instanceId: id, action: 'START' }))
    t.equal(error.statusCode, trick.status)
    t.equal(error.serviceCode, trick.code)
  }
  const unknown = await failure(compute.getInstance({ instanceId: `${id}x` }))
  t.match(unknown, { statusCode: 404, serviceCode: 'NotAuthorizedOrNotFound' })
  oci.skewMs = 301_000
  t.equal((await failure(compute.getInstance({ instanceId: id }))).statusCode, 401)
  oci.skewMs = 0
  const stranger = client(officialProvider(createOciAccount('stranger')), oci.endpoint)
  t.equal((await failure(stranger.getInstance({ instanceId: id }))).statusCode, 401)
})

t.test('the simulator believes no request that was changed on its way', async (t) => {
  const { oci, instance } = await open(t)
  const host = new URL(oci.endpoint).host
  const target = `/20160918/instances/${id}?action=SOFTSTOP`
  const identity = { keyId: account.keyId, privateKey: createPrivateKey(account.privateKeyPem) }
  instance.become('RUNNING')
  const signed = await signOciRequest(
    { method: 'POST', host, target, body: '' },
    identity,
    Date.now(),
  )
  const { host: _, 'content-length': __, ...rest } = signed
  const send = (at: string, headers: Record<string, string>, body: string | null = null) =>
    fetch(`${oci.endpoint}${at}`, { method: 'POST', headers, body })

  const authorization = rest.authorization ?? ''
  for (const [what, answer] of [
    ['another action', send(target.replace('SOFTSTOP', 'STOP'), rest)],
    ['a body', send(target, rest, '{}')],
    ['another date', send(target, { ...rest, 'x-date': new Date(0).toUTCString() })],
    ['no date', send(target, { ...rest, authorization: authorization.replace('x-date ', '') })],
    [
      'no digest',
      send(target, { ...rest, authorization: authorization.replace(' x-content-sha256', '') }),
    ],
    [
      'another key',
      send(target, { ...rest, authorization: authorization.replace('aaaahome', 'aaaaaway') }),
    ],
    ['no signature', send(target, { ...rest, authorization: '' })],
  ] as const) {
    t.equal((await answer).status, 401, what)
  }
  t.equal(instance.state, 'RUNNING')
  t.equal((await send(target, rest)).status, 200, 'unchanged, it is believed')
  t.equal(instance.state, 'STOPPING')
})
