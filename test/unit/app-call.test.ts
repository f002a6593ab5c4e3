// A request to an application of ours: whole, bounded, and answered once.

import { Readable } from 'node:stream'
import t from 'tap'
import type { AppRequest, StreamAnswer } from '../../src/app.ts'
import { type AppCallListener, callApp, headerOf, headersOf } from '../../src/app-call.ts'
import { createBodyRoom } from '../../src/body-room.ts'
import { parseHost } from '../../src/host.ts'
import type { RequestId } from '../../src/model.ts'
import type { Answer } from '../../src/pages.ts'
import { fakeExchange } from '../fixtures/exchange.ts'

const host = parseHost('auth.gate.test')
if (host === null) throw new Error('no host')
const request = {
  id: 'id1' as RequestId,
  method: 'POST',
  target: '/password',
  host,
  origin: 'https://auth.gate.test',
  client: '192.0.2.1',
  network: '192.0.2.1',
  identity: null,
}
const answer: Answer = { status: 200, headers: [], body: Buffer.from('hello') }

type Outcome = Answer | StreamAnswer | string

/** What the listener hears; settles at the first word. */
function call(
  body: Readable | null,
  handle: (request: AppRequest) => Promise<Answer>,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const listener: AppCallListener = {
      appAnswered: resolve,
      appFailed: resolve,
      crashed: (error) => resolve(`crashed: ${String(error)}`),
      bodyBytes() {},
      bodyEnded() {},
    }
    const exchange = fakeExchange({
      declaredBytes: body === null ? 0 : 10,
      rawHeaders: [':path', '/', 'Cookie', 'a=1', 'cookie', 'b=2', 'X-A', '1', 'x-a', '2'],
      ...(body === null ? {} : { openBody: () => body }),
    })
    callApp({ handle }, exchange, { request, listener, room: createBodyRoom() })
  })
}

t.test('the application gets the whole body and every header', async (t) => {
  let seen: AppRequest | null = null
  const outcome = await call(Readable.from([Buffer.from('na'), Buffer.from('me=x')]), async (r) => {
    seen = r
    return answer
  })
  t.equal(outcome, answer)
  t.match(seen, {
    target: '/password',
    body: Buffer.from('name=x'),
    headers: { cookie: 'a=1; b=2', 'x-a': '1, 2' },
  })
})

t.test('without a body there is nothing to wait for', async (t) => {
  const outcome = await call(null, async (r) => ({ ...answer, status: 200 + r.body.length }))
  t.match(outcome, { status: 200 })
})

t.test('too much is refused, a client that leaves is gone, a bug is a crash', async (t) => {
  const failing = (code: string) => {
    const body = new Readable({ read() {} })
    body.destroy(Object.assign(new Error(code), { code }))
    return body
  }
  const never = () => Promise.reject(new Error('asked'))
  t.equal(await call(failing('BODY_TOO_LARGE'), never), 'body-too-large')
  t.equal(await call(failing('CLIENT_LEFT'), never), 'client-left')
  t.equal(await call(null, never), 'crashed: Error: asked')
})

t.test('a header named like a property of objects is a header', async (t) => {
  const headers = headersOf(['__proto__', 'x', 'Constructor', 'y'])
  t.same(Object.entries(headers), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
  t.equal(Object.getPrototypeOf(headers), null)
  t.equal(headerOf(['A', '1', 'a', '2'], 'a'), '1')
  t.equal(headerOf([], 'a'), null)
})
