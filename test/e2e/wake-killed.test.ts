// A gateway that is killed in whatever state its machine is: the next one brings the machine where it was wanted, and pays for no second start.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { http1 } from '../fixtures/clients.ts'
import { ociErrors } from '../fixtures/oci.ts'
import { cookieOf } from '../fixtures/people.ts'
import {
  appHost,
  eventually,
  reportOf,
  startWakeProcess,
  visitor,
  type WakeHouseOptions,
} from '../fixtures/wake-house.ts'

t.setTimeout(180_000)

const app = `https://${appHost}`

interface House {
  readonly oci: Awaited<ReturnType<typeof startWakeProcess>>['oci']
  readonly instance: Awaited<ReturnType<typeof startWakeProcess>>['instance']
  readonly service: Awaited<ReturnType<typeof startWakeProcess>>['service']
  /** Diego opens the page. @returns the status. */
  visit(): Promise<number>
  /** Asks for a path as a program; keeps waiting for the answer. */
  ask(path: string): Promise<string>
  command(...words: readonly string[]): Promise<string>
  /** What is on disk about the machine. */
  journal(): Promise<string>
  /** The state the gateway says. */
  is(state: string): Promise<void>
  /** Kills the gateway, or asks it to end, and starts another. */
  killed(signal?: NodeJS.Signals): Promise<void>
}

async function startHouse(t: Test, options: WakeHouseOptions = {}): Promise<House> {
  const route = 'access: login, wake: any'
  const flex = await startWakeProcess(t, { route, ...options })
  let { gateway } = flex
  const { known, directory } = gateway
  const cookie = cookieOf(known('diego'))
  const house: House = {
    ...flex,
    visit: async () => (await visitor({ ...gateway, known }, 'diego').visit(app)).status,
    ask: async (path) => {
      const tls = { ca: gateway.ca.certPem }
      const headers = { cookie }
      return (await http1(gateway.https, { host: appHost, path, tls, headers })).text
    },
    command: (...words) => gateway.command(...words),
    journal: () => readFile(join(directory, 'data', 'vms', 'flex.json'), 'utf8'),
    is: (state) =>
      eventually(async () => (await reportOf(gateway)).state === state, `it is ${state}`),
    async killed(signal) {
      await gateway.kill(signal)
      const again = { ...options, route, of: flex, directory, people: [] }
      gateway = (await startWakeProcess(t, again)).gateway
    },
  }
  await eventually(async () => (await reportOf(gateway)).state !== 'unknown')
  return house
}

/** The service answers, and it was started once. */
async function isThere(t: Test, { visit, oci, instance, service }: House): Promise<void> {
  await eventually(async () => (await visit()) === 200, 'it is there')
  t.equal(instance.starts, 1)
  t.ok(service.up)
  t.ok(oci.calls.length > 0)
}

t.test('asleep: it stays asleep', async (t) => {
  const house = await startHouse(t)
  await house.is('asleep')
  await house.killed()
  await house.is('asleep')
  t.equal(house.oci.count('START'), 0)
})

t.test('while the cloud is asked to start it', async (t) => {
  const house = await startHouse(t)
  house.oci.trick('START', { kind: 'hang' })
  const asked = house.oci.arrival()
  await house.visit()
  await eventually(() => house.oci.count('START') === 1)
  t.equal((await asked).operation, 'START')
  await house.killed()
  await isThere(t, house)
  const tokens = house.oci.calls.flatMap(({ operation, token }) =>
    operation === 'START' ? [token] : [],
  )
  t.equal(new Set(tokens).size, 1, 'asked again as the same question')
})

t.test('while it starts, and somebody waits for it', async (t) => {
  const house = await startHouse(t, { startMs: 1_500 })
  const asked = house.ask('/lost').then(
    () => 'answered',
    () => 'cut',
  )
  await house.is('starting')
  await eventually(() => house.instance.state === 'STARTING')
  await house.killed()
  t.equal(await asked, 'cut')
  const again = house.ask('/again')
  t.equal(await again, 'served GET /again ')
  t.equal(house.oci.count('START'), 1)
  t.strictSame(house.service.asked, ['GET /again '], 'what was lost reached nobody')
})

t.test('while it boots', async (t) => {
  const house = await startHouse(t, { startMs: 50, serviceMs: 4_000 })
  await house.visit()
  await house.is('booting')
  await house.killed()
  await isThere(t, house)
  t.equal(house.oci.count('START'), 1)
  t.match(await house.command('vm', 'list'), /diego/, 'and it is known who woke it')
})

t.test('awake: it is there again at once, and can be put to sleep', async (t) => {
  const house = await startHouse(t, { startMs: 50 })
  await house.visit()
  await house.is('awake')
  await house.killed()
  await isThere(t, house)
  t.equal(house.oci.count('START'), 1)
  await house.command('vm', 'sleep', 'flex')
  await house.is('asleep')
  t.equal(house.instance.state, 'STOPPED')
})

t.test('while it drains: it is put to sleep all the same', async (t) => {
  const house = await startHouse(t, {
    startMs: 50,
    serve: (server) =>
      server.on('request', (request, response) => {
        if (request.url === '/') response.end('there')
        // An answer without end.
        else response.write('begun')
      }),
  })
  await house.visit()
  await isThere(t, house)
  const asked = house.ask('/film').catch(() => 'cut')
  // It has to have got there before the machine drains.
  await new Promise((resolve) => setTimeout(resolve, 100))
  await house.command('vm', 'sleep', 'flex')
  await house.is('draining')
  await house.killed()
  t.equal(await asked, 'cut')
  await house.is('asleep')
  t.equal(house.instance.state, 'STOPPED')
  t.equal(house.oci.count('START'), 1)
})

t.test('while the cloud is asked to stop it', async (t) => {
  const house = await startHouse(t, { startMs: 50 })
  await house.visit()
  await house.is('awake')
  house.oci.trick('SOFTSTOP', { kind: 'hang' })
  await house.command('vm', 'sleep', 'flex')
  await eventually(() => house.oci.count('SOFTSTOP') === 1)
  t.equal(house.instance.state, 'RUNNING')
  await house.killed()
  await house.is('asleep')
  t.equal(house.instance.state, 'STOPPED')
})

t.test('while it stops', async (t) => {
  const house = await startHouse(t, { startMs: 50, stopMs: 1_500 })
  await house.visit()
  await house.is('awake')
  await house.command('vm', 'sleep', 'flex')
  await eventually(() => house.instance.state === 'STOPPING')
  await house.killed()
  await house.is('asleep')
  t.equal(house.instance.state, 'STOPPED')
  t.equal(house.oci.count('START'), 1)
})

t.test('while it stops, and somebody wants it again', async (t) => {
  const house = await startHouse(t, { startMs: 50, stopMs: 1_500 })
  await house.visit()
  await house.is('awake')
  await house.command('vm', 'sleep', 'flex')
  await eventually(() => house.instance.state === 'STOPPING')
  t.equal(await house.visit(), 503)
  // The page does not wait for the disk.
  await eventually(async () => /"thenBy":\s*\{/.test(await house.journal()))
  await house.killed()
  await eventually(() => house.instance.starts === 2)
  await house.is('awake')
  t.equal(house.oci.count('START'), 2)
})

t.test('while it rests after a start that failed', async (t) => {
  const house = await startHouse(t)
  house.oci.trick('START', ociErrors.internal)
  await house.visit()
  await house.is('resting')
  await house.killed()
  await isThere(t, house)
  t.equal(house.oci.count('START'), 2)
})

t.test('a stop of the gateway that is asked for leaves the machine as it is', async (t) => {
  const house = await startHouse(t, { startMs: 50 })
  await house.visit()
  await house.is('awake')
  await house.killed('SIGTERM')
  t.equal(house.instance.state, 'RUNNING')
  await house.is('awake')
  t.equal(house.oci.count('SOFTSTOP') + house.oci.count('STOP'), 0)
})
