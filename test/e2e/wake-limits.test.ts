// How much may wait for machines: exactly as much as the limits say, and one more is told to come again.

import type { ClientHttp2Stream } from 'node:http2'
import t, { type Test } from 'tap'
import { type Http2Client, h2 } from '../fixtures/clients.ts'
import { testDomain } from '../fixtures/gateway.ts'
import { cookieOf } from '../fixtures/people.ts'
import { eventually, heldFor, startWakeHouse } from '../fixtures/wake-house.ts'

const others = ['two', 'three', 'four', 'five']
const people = Array.from({ length: 30 }, (_, i) => ({ id: `person${i}` }))
const rows = others
  .map((vm) => `- { host: ${vm}, service: ${vm}, to: 'http://${vm}:9', access: login, wake: any }`)
  .join('\n      ')

/** Machines that take for ever, and people who ask for them. */
async function startHouse(t: Test) {
  const house = await startWakeHouse(t, {
    route: 'access: login, wake: any',
    startMs: 600_000,
    others,
    rows,
    people,
  })
  const { gateway } = house
  const clients = new Map<string, Promise<Http2Client>>()

  async function client(host: string): Promise<Http2Client> {
    const servername = `${host}.${testDomain}`
    const made = clients.get(host) ?? h2(gateway.https, { ca: gateway.ca.certPem, servername })
    if (!clients.has(host)) t.teardown(async () => (await made).session.destroy())
    clients.set(host, made)
    return made
  }

  /** Somebody's request, with its head sent. */
  async function ask(host: string, person: number, bytes = 0): Promise<ClientHttp2Stream> {
    const stream = (await client(host)).open(
      {
        ':method': bytes === 0 ? 'GET' : 'POST',
        ':scheme': 'https',
        ':path': '/',
        ':authority': `${host}.${testDomain}`,
        cookie: cookieOf(gateway.known(`person${person}`)),
        accept: 'application/json',
        ...(bytes === 0
          ? {}
          : { 'content-length': bytes, origin: `https://${host}.${testDomain}` }),
      },
      { endStream: bytes === 0 },
    )
    stream.on('error', () => {})
    return stream
  }

  async function fill(
    host: string,
    { from, count, bytes = 0 }: { from: number; count: number; bytes?: number },
  ): Promise<readonly ClientHttp2Stream[]> {
    const asked: ClientHttp2Stream[] = []
    for (let i = 0; i < count; i++) asked.push(await ask(host, from + Math.floor(i / 10), bytes))
    return asked
  }

  /** What a request that finds no place is told. */
  async function refusal(stream: ClientHttp2Stream): Promise<unknown> {
    const [status, retryAfter] = await new Promise<[number, string]>((resolve) => {
      stream.once('response', (headers) =>
        resolve([headers[':status'] ?? 0, String(headers['retry-after'])]),
      )
    })
    let text = ''
    for await (const chunk of stream.setEncoding('utf8')) text += chunk
    const { code } = JSON.parse(text) as { readonly code: unknown }
    return [status, code, Number(retryAfter) >= 5]
  }

  return {
    ...house,
    ask,
    fill,
    refusal,
    held: (vm: string, count: number) =>
      eventually(async () => (await heldFor(gateway, vm)) === count, `${count} wait for ${vm}`),
  }
}

const full = [503, 'hold-full', true]

t.test('the usual limits, at each of them and one beyond', { timeout: 60_000 }, async (t) => {
  const { gateway, oci, ask, fill, refusal, held } = await startHouse(t)

  const [leaves] = await fill('app', { from: 0, count: 10 })
  await held('flex', 10)
  t.strictSame(await refusal(await ask('app', 0)), full, 'the eleventh of a session')
  t.strictSame(await refusal(await ask('two', 0)), full, 'on whatever machine')

  await fill('app', { from: 1, count: 40 })
  await held('flex', 50)
  t.strictSame(await refusal(await ask('app', 5)), full, 'the fifty-first of a machine')

  await fill('two', { from: 5, count: 50 })
  await fill('three', { from: 10, count: 50 })
  await fill('four', { from: 15, count: 50 })
  await held('four', 50)
  t.strictSame(await refusal(await ask('five', 20)), full, 'the two hundred and first')

  leaves?.close()
  await held('flex', 49)
  await ask('five', 20)
  await held('five', 1)
  t.strictSame(await refusal(await ask('app', 0)), full, 'the place is taken again')

  await eventually(() => oci.count('START') === 5, 'each is started')
  t.equal(oci.calls.filter(({ operation }) => operation === 'START').length, 5, 'once')
  const warnings = gateway.events().filter(({ event }) => event === 'hold-full')
  t.strictSame(
    warnings.map(({ vm }) => vm),
    ['flex', 'two', 'five'],
    'one line a machine and minute',
  )
})

t.test('bodies: eight megabytes of buffers, and one more is too many', async (t) => {
  const { gateway, ask, fill, refusal, held } = await startHouse(t)
  const bytes = 5_000_000
  // Each may have 256 KiB in buffers, however much it announces.
  await fill('app', { from: 0, count: 15, bytes })
  await fill('two', { from: 2, count: 15, bytes })
  await held('two', 15)
  t.equal(30 * 262_144 + 135_680, 8_000_000)
  t.strictSame(await refusal(await ask('three', 20, 135_681)), full)
  const last = await ask('three', 21, 135_680)
  await held('three', 1)
  t.strictSame(await refusal(await ask('three', 22, 1)), full)
  await ask('three', 23)
  await held('three', 2)
  last.close()
  await held('three', 1)
  await ask('three', 24, 100_000)
  await held('three', 2)
  t.equal((await heldFor(gateway)) + (await heldFor(gateway, 'two')), 30)
})
