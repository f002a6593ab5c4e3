// Programs and machines that sleep: tokens that may start them and tokens that may not, the commands of the operator, the busy signal.

import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { askGateway } from '../../src/cli/control-client.ts'
import { controlPath } from '../../src/control.ts'
import { http1 } from '../fixtures/clients.ts'
import { testDomain } from '../fixtures/gateway.ts'
import type { TestPerson } from '../fixtures/people.ts'
import {
  appHost,
  eventually,
  heldFor,
  reportOf,
  startWakeHouse,
  startWakeProcess,
  statesIn,
  visitor,
  type WakeHouseOptions,
} from '../fixtures/wake-house.ts'

t.setTimeout(120_000)

const minuteOfDay = Math.floor((Date.now() % 86_400_000) / 60_000)
const hours = (from: number, to: number) => ({
  from: (minuteOfDay + from + 1_440) % 1_440,
  to: (minuteOfDay + to + 1_440) % 1_440,
})

const diego: TestPerson = {
  id: 'diego',
  tokens: [
    { label: 'reads' },
    { label: 'wakes', wake: { hours: null, perDay: 2 } },
    { label: 'now', wake: { hours: hours(-30, 30), perDay: 9 } },
    { label: 'later', wake: { hours: hours(60, 120), perDay: 9 } },
    { label: 'elsewhere', hosts: [`two.${testDomain}`], wake: { hours: null, perDay: 9 } },
    { label: 'scoped', scopes: ['vm:wake'] },
  ],
}

async function startHouse(t: Test, options: WakeHouseOptions = {}) {
  const house = await startWakeHouse(t, {
    route: 'access: login, wake: any',
    startMs: 50,
    people: [diego],
    ...options,
  })
  const { gateway } = house
  await eventually(() => statesIn(gateway).length > 0)
  const tls = { ca: gateway.ca.certPem, servername: appHost }
  /** A push, as git makes it. */
  const push = (label: string, more: Parameters<typeof http1>[1] = {}) => {
    const token = gateway.known('diego').tokens[label] ?? ''
    const authorization = `Basic ${Buffer.from(`diego:${token}`).toString('base64')}`
    return http1(gateway.https, {
      host: appHost,
      tls,
      path: '/repo.git/git-receive-pack',
      body: gzipSync('commits'),
      ...more,
      headers: { authorization, 'user-agent': 'git/2.51', ...more.headers },
    })
  }
  return { ...house, push }
}

const codeOf = ({ status, text }: { readonly status: number; readonly text: string }) =>
  status === 200 ? status : `${status} ${(JSON.parse(text) as { code: string }).code}`

t.test('a push with a token that may: held, and served when the machine is there', async (t) => {
  const { push, gateway, service, oci } = await startHouse(t)
  t.equal(codeOf(await push('wakes')), 200)
  t.equal(service.asked.length, 1)
  t.equal(oci.count('START'), 1)
  const { wokenBy } = await reportOf(gateway)
  t.match(wokenBy, /^diego, token /)
  t.notMatch(wokenBy, /gth_/)
})

t.test('tokens that may not start it are told at once', async (t) => {
  const { push, gateway, oci } = await startHouse(t)
  for (const [label, code] of [
    ['reads', '503 asleep'],
    ['later', '503 asleep'],
    ['scoped', '503 asleep'],
    ['elsewhere', '401 token-invalid'],
  ] as const) {
    t.equal(codeOf(await push(label)), code, label)
  }
  t.equal(oci.count('START'), 0)
  t.equal(await heldFor(gateway), 0)
  t.equal(codeOf(await push('now')), 200)
})

t.test('but may wait while somebody else has it started', async (t) => {
  const { push, gateway, oci } = await startHouse(t, { startMs: 500 })
  const wakes = push('wakes')
  await eventually(async () => (await heldFor(gateway)) === 1)
  t.strictSame((await Promise.all([wakes, push('reads')])).map(codeOf), [200, 200])
  t.equal(oci.count('START'), 1)
})

t.test('as often a day as it may, and across a restart of the gateway', async (t) => {
  const { push, oci, gateway, service } = await startHouse(t)
  t.equal(codeOf(await push('wakes')), 200)
  await putToSleep(gateway)
  await gateway.stop()
  const { gateway: again } = await startWakeHouse(t, {
    route: 'access: login, wake: any',
    of: { oci, service },
    directory: gateway.directory,
    people: [],
  })
  const tls = { ca: again.ca.certPem, servername: appHost }
  const headers = { authorization: `Bearer ${gateway.known('diego').tokens.wakes ?? ''}` }
  const pushAgain = () => http1(again.https, { host: appHost, tls, body: 'x', headers })
  await eventually(() => statesIn(again).at(-1) === 'asleep')
  t.equal(codeOf(await pushAgain()), 200, 'the second')
  await putToSleep(again)
  t.equal(codeOf(await pushAgain()), '503 asleep', 'the third')
  t.equal(oci.count('START'), 2)
})

/** Puts it to sleep as `gatehouse vm sleep` does. */
async function putToSleep(gateway: Parameters<typeof statesIn>[0] & { directory: string }) {
  await askGateway(controlPath(`${gateway.directory}/data`), { do: 'vm-sleep', vm: 'flex' })
  await eventually(() => statesIn(gateway).at(-1) === 'asleep')
}

t.test('where only opened pages wake it, a program that reads does not', async (t) => {
  const { push, oci } = await startHouse(t, { route: 'access: login, wake: navigation' })
  const html = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
  const read = await push('wakes', { method: 'GET', headers: html })
  t.equal(read.status, 503)
  t.equal(codeOf(await push('wakes', { method: 'PROPFIND' })), '503 asleep')
  t.equal(oci.count('START'), 0)
})

t.test('a body that nobody may send is refused before anything is started', async (t) => {
  const { push, oci } = await startHouse(t, {
    route: 'access: login, wake: any, maxBody: 1MB',
  })
  const big = await push('wakes', {
    headers: { 'content-length': '2000000000' },
    body: 'begin',
  }).catch((error) => error)
  t.ok(big.status === 413 || big.code === 'ECONNRESET', `${big.status ?? big.code}`)
  t.equal(oci.count('START'), 0)
})

t.test('a machine says that it is busy', async (t) => {
  const { gateway, service, push } = await startHouse(t, {
    power: 'sleepAfter: 1m, minimumAwake: 0s, busy: { secret: BUSY }',
  })
  const tls = { ca: gateway.ca.certPem, servername: appHost }
  const signal = (secret: string, body: string, method = 'POST') =>
    http1(gateway.https, {
      host: appHost,
      tls,
      method,
      path: '/.gatehouse/wake/busy',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      ...(method === 'POST' ? { body } : {}),
    })
  const secret = 'busy-busy-busy-busy-busy-busy-busy'
  t.equal((await signal(secret, '{"for": 1}')).status, 204, 'asleep: it starts nothing')
  t.equal(statesIn(gateway).at(-1), 'asleep')
  t.equal((await push('wakes')).status, 200)
  const before = (await reportOf(gateway)).sleepsAt ?? 0
  t.ok(before - Date.now() <= 60_000)
  const answer = await signal(secret, '{"for": 1800}')
  t.match(answer, { status: 204, text: '', headers: { 'cache-control': 'no-store' } })
  const after = (await reportOf(gateway)).sleepsAt ?? 0
  t.ok(Math.abs(after - Date.now() - 1_800_000) < 10_000, `${after - Date.now()}`)
  t.equal((await signal('busy', '{"for": 600}')).status, 401)
  t.equal((await signal('', '{"for": 600}')).status, 401)
  for (const body of [
    '{"for": 3601}',
    '{"for": -1}',
    '{"for": "1"}',
    '[]',
    'x',
    '',
    '{"for":1e999}',
  ]) {
    t.equal((await signal(secret, body)).status, 400, body)
  }
  t.equal((await signal(secret, `{"for": 1, "x": "${'x'.repeat(2_000)}"}`)).status, 413)
  t.equal((await signal(secret, '', 'GET')).status, 405)
  t.equal(service.asked.length, 1, 'none of it went to the service')
})

t.test('the commands, against a gateway in a process of its own', async (t) => {
  const { gateway, instance, oci } = await startWakeProcess(t, {
    startMs: 100,
    power: 'sleepAfter: 1h, cost: { perHour: 0.0075, currency: USD, budget: 6.5 }',
  })
  const { command } = gateway
  const fails = async (...words: string[]) => {
    const error = await command(...words).catch((failure: unknown) => failure)
    if (!(error instanceof Error)) throw new Error(`${words.join(' ')} did not fail`)
    return Reflect.get(error, 'stderr') as string
  }
  await eventually(async () => (await reportOf(gateway)).state === 'asleep')
  t.match(await command('vm', 'list'), /flex\s+asleep/)
  t.match(await command('vm', 'wake', 'flex', '--wait'), /flex is ready/)
  t.equal(instance.state, 'RUNNING')
  t.match(await command('vm', 'list'), /flex\s+awake.*operator/)
  t.equal((await visitor(gateway, 'diego').visit(`https://${appHost}`)).status, 200)
  t.match(await command('vm', 'keep', 'flex', '--until', '2h'), /flex/)
  t.ok(((await reportOf(gateway)).keptUntil ?? 0) > Date.now() + 3_600_000)
  t.match(await command('vm', 'cost'), /flex/)
  t.match(await command('vm', 'cost', 'flex'), /operator/)
  const restarted = instance.starts
  await command('vm', 'restart', 'flex')
  await eventually(() => instance.starts === restarted + 1)
  await eventually(async () => (await reportOf(gateway)).state === 'awake')
  await command('vm', 'sleep', 'flex')
  await eventually(() => instance.state === 'STOPPED')
  await eventually(async () => (await reportOf(gateway)).state === 'asleep')
  t.match(await fails('vm', 'sleep', 'flex'), /./)
  t.match(await fails('vm', 'wake', 'fllex'), /flex/)
  t.equal(oci.count('START'), 2)
})
