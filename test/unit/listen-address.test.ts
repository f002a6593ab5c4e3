// What --https, --http and --ops take.

import t from 'tap'
import {
  formatListenAddress,
  isLoopback,
  overlaps,
  readListenAddress,
} from '../../src/listen-address.ts'

const good: readonly (readonly [string, string | null, number])[] = [
  ['443', null, 443],
  ['0', null, 0],
  ['*:443', null, 443],
  ['127.0.0.1:8443', '127.0.0.1', 8443],
  ['localhost:8443', '127.0.0.1', 8443],
  ['[::1]:8443', '::1', 8443],
  ['[2001:db8::1]:1', '2001:db8::1', 1],
]
for (const [text, host, port] of good)
  t.test(`${text} is an address`, async (t) => {
    t.strictSame(readListenAddress(text), { address: { host, port } })
  })

for (const text of [
  '',
  'yes',
  '65536',
  '-1',
  '4.4',
  '0x50',
  '127.0.0.1',
  '::1',
  '::1:443',
  '[127.0.0.1]:443',
  '[::1]',
  'example.com:443',
  '127.0.0.1:',
  ':443',
  '999.0.0.1:443',
  '127.0.0.1:99999',
  '443 ',
])
  t.test(`${JSON.stringify(text)} is refused with a reason`, async (t) => {
    t.type(readListenAddress(text), 'string')
  })

t.test('off is no address', async (t) => {
  t.strictSame(readListenAddress('off'), { address: null })
})

t.test('what is formatted can be read again', async (t) => {
  for (const text of ['off', '443', '127.0.0.1:8443', '[::1]:8443']) {
    const reading = readListenAddress(text)
    t.equal(typeof reading === 'string' ? reading : formatListenAddress(reading.address), text)
  }
})

t.test('only 127.0.0.0/8 and ::1 are loopback', async (t) => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1']) t.ok(isLoopback(host), host)
  for (const host of [
    '0.0.0.0',
    '128.0.0.1',
    '::',
    '10.0.0.1',
    '::2',
    '',
    '127.0.0.1.example.com',
  ]) {
    t.notOk(isLoopback(host), host)
  }
})

t.test('every address overlaps with each address on the same port', async (t) => {
  t.ok(overlaps({ host: null, port: 1 }, { host: '127.0.0.1', port: 1 }))
  t.ok(overlaps({ host: '127.0.0.1', port: 1 }, { host: '0.0.0.0', port: 1 }))
  t.notOk(overlaps({ host: '127.0.0.1', port: 1 }, { host: '127.0.0.2', port: 1 }))
  t.notOk(overlaps({ host: null, port: 1 }, { host: null, port: 2 }))
  t.notOk(overlaps({ host: null, port: 0 }, { host: null, port: 0 }))
})
