import t from 'tap'
import { GatehouseError } from '../../src/errors.ts'
import { compileCidrs, isCidr, networkOf, plainAddress } from '../../src/proxy/cidr.ts'

t.test('an address is inside a range or it is not, up to the last bit', async (t) => {
  const inside = compileCidrs([
    '10.0.0.0/8',
    '192.0.2.128/25',
    '198.51.100.7',
    '2001:db8::/33',
    '2001:db8:ffff::1',
  ])
  for (const ip of [
    '10.0.0.0',
    '10.255.255.255',
    '192.0.2.128',
    '192.0.2.255',
    '198.51.100.7',
    '2001:db8::',
    '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff',
    '2001:DB8:ffff:0::1',
  ])
    t.ok(inside(ip), ip)
  for (const ip of [
    '9.255.255.255',
    '11.0.0.0',
    '192.0.2.127',
    '192.0.3.0',
    '198.51.100.6',
    '198.51.100.8',
    '2001:db8:8000::',
    '2001:db8:ffff::2',
    '2001:db7:ffff:ffff:ffff:ffff:ffff:ffff',
  ])
    t.notOk(inside(ip), ip)
})

t.test('overlapping and touching ranges are one', async (t) => {
  const inside = compileCidrs([
    '10.0.0.0/24',
    '10.0.0.128/25',
    '10.0.1.0/24',
    '10.0.0.0/30',
    '255.255.255.255/32',
    '0.0.0.0/32',
  ])
  t.ok(inside('10.0.0.200'))
  t.ok(inside('10.0.1.255'))
  t.notOk(inside('10.0.2.0'))
  t.ok(inside('255.255.255.255'))
  t.ok(inside('0.0.0.0'))
  t.notOk(inside('0.0.0.1'))
})

t.test('everything and nothing', async (t) => {
  const all = compileCidrs(['0.0.0.0/0', '::/0'])
  t.ok(all('255.1.2.3'))
  t.ok(all('fe80::1'))
  const none = compileCidrs([])
  t.notOk(none('127.0.0.1'))
  t.notOk(none('::1'))
  t.notOk(compileCidrs(['0.0.0.0/0'])('::1'), 'IPv6 is not in an IPv4 range')
  t.notOk(compileCidrs(['::/0'])('1.2.3.4'), 'nor the other way')
})

t.test('IPv4 written as IPv6 is IPv4 (RFC 4291 §2.5.5.2)', async (t) => {
  const inside = compileCidrs(['10.0.0.0/8'])
  for (const ip of [
    '::ffff:10.1.2.3',
    '::FFFF:0a01:0203',
    '0:0:0:0:0:ffff:10.1.2.3',
    '0000:0000:0000:0000:0000:ffff:0a01:0203',
  ])
    t.ok(inside(ip), ip)
  t.notOk(inside('::10.1.2.3'), 'the deprecated form is another address')
  t.notOk(inside('::ffff:11.1.2.3'))
  t.ok(compileCidrs(['::ffff:10.0.0.0/104'])('10.9.9.9'))
  t.notOk(compileCidrs(['::ffff:10.0.0.0/104'])('11.9.9.9'))
})

t.test('what is no address is nowhere, and nothing throws', async (t) => {
  const all = compileCidrs(['0.0.0.0/0', '::/0'])
  for (const ip of [
    '',
    ' ',
    '.',
    ':',
    '::g',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.04',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.',
    '.1.2.3',
    '0x7f.0.0.1',
    '127.1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '1::2::3',
    ':::',
    '1:',
    ':1',
    '1:2:3:4:5:6:7:',
    '12345::',
    '::1.2.3.256',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3.4:5',
    '1.2.3.4::',
    '[::1]',
    '::1/128',
    'localhost',
    'a'.repeat(10_000),
    '\u0661.1.1.1',
  ])
    t.notOk(all(ip), JSON.stringify(ip.slice(0, 50)))
  for (const ip of [
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:1.2.3.4',
    '1::8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    'fe80::1%eth0',
    '::1.2.3.4',
  ])
    t.ok(all(ip), ip)
})

t.test('a bad range is named', async (t) => {
  for (const text of [
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0/8',
    '::/129',
    '::1/x',
    'example.com',
    '10.0.0.0/8 ',
    'fe80::1%eth0/64',
    '10.0.0.0/8/8',
  ]) {
    t.notOk(isCidr(text), text)
    try {
      compileCidrs(['10.0.0.0/8', text])
      t.fail(text)
    } catch (error) {
      t.ok(error instanceof GatehouseError && error.code === 'cidr-invalid')
      t.ok(String(error).includes(JSON.stringify(text)))
    }
  }
  t.ok(isCidr('10.1.2.3/8'), 'host bits are ignored')
  t.ok(compileCidrs(['10.1.2.3/8'])('10.200.0.1'))
})

t.test('a party is an IPv4 address or an IPv6 /64', async (t) => {
  t.equal(networkOf('192.0.2.1'), '192.0.2.1')
  t.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  t.equal(networkOf('2001:db8:1:2::'), networkOf('2001:0DB8:1:2:ffff::'))
  t.not(networkOf('2001:db8:1:2::'), networkOf('2001:db8:1:3::'))
  t.equal(networkOf('nonsense'), 'nonsense')
})

t.test('an address is written one way', async (t) => {
  t.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(plainAddress('fe80::1%eth0'), 'fe80::1')
  t.equal(plainAddress('2001:db8::1'), '2001:db8::1')
})
