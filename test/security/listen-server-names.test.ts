// CVE-2026-21637: an exception inside SNICallback ended the process, and the server name is the first thing
// a stranger may choose. Also CVE-2026-48928 (letter case) and names that are no host names at all.

import { once } from 'node:events'
import net from 'node:net'
import t from 'tap'
import { http1 } from '../fixtures/clients.ts'
import { startListener } from '../fixtures/listener.ts'

t.test('odd server names end their own handshake and nothing else', async (t) => {
  const { https, ca, failures, peers } = await startListener(t)
  const names = [
    Buffer.alloc(255, 0x61),
    Buffer.from(`${'a.'.repeat(127)}a`),
    Buffer.from('.gate.test'),
    Buffer.from('a..gate.test'),
    Buffer.from('-.gate.test'),
    Buffer.from('*.gate.test'),
    Buffer.from('a.gate.test:443'),
    Buffer.from('a.gate.test\r\nHost: x'),
    Buffer.from('__proto__'),
    Buffer.from('constructor'),
    Buffer.from('127.0.0.1'),
    Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    Buffer.from('ä.gate.test'),
    Buffer.alloc(0),
    Buffer.from([0]),
    Buffer.from('a.gate.test\0.evil.test'),
  ]
  for (const name of names) {
    const answer = await hello(https, name)
    t.equal(answer[0], 0x15, `an alert, no ServerHello: ${name.subarray(0, 30).toString('latin1')}`)
  }
  t.equal(peers.length, 0)
  t.ok(failures.every((failure) => failure.detail.length <= 255))
  const after = await http1(https, { host: 'a.gate.test', tls: { ca: ca.certPem } })
  t.equal(after.text, 'ok')
})

t.test('the same raw ClientHello with a good name gets its ServerHello', async (t) => {
  const { https } = await startListener(t)
  const answer = await hello(https, Buffer.from('A.gate.test'))
  t.equal(answer[0], 0x16)
  t.equal(answer[5], 0x02)
})

/** Sends a TLS 1.2 ClientHello with this server name, and returns what came back before the end or 6 bytes. */
async function hello(port: number, name: Buffer): Promise<Buffer> {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(clientHello(name))
  let answer = Buffer.alloc(0)
  try {
    for await (const chunk of socket) {
      answer = Buffer.concat([answer, chunk])
      if (answer.length >= 6) break
    }
  } catch {
    // A reset after the alert is as good.
  }
  socket.destroy()
  return answer
}

function clientHello(name: Buffer): Buffer {
  const extension = (type: number, body: Buffer) =>
    Buffer.concat([u16(type), u16(body.length), body])
  const list = Buffer.concat([Buffer.from([0]), u16(name.length), name])
  const extensions = Buffer.concat([
    extension(0, Buffer.concat([u16(list.length), list])),
    extension(10, Buffer.concat([u16(2), u16(0x0017)])),
    extension(11, Buffer.from([1, 0])),
    extension(13, Buffer.concat([u16(2), u16(0x0403)])),
  ])
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32, 7),
    Buffer.from([0]),
    u16(2),
    u16(0xc02b),
    Buffer.from([1, 0]),
    u16(extensions.length),
    extensions,
  ])
  const message = Buffer.concat([Buffer.from([1, 0]), u16(body.length), body])
  return Buffer.concat([Buffer.from([0x16, 3, 1]), u16(message.length), message])
}

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}
