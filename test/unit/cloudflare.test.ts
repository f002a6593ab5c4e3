import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { builtInCloudflareCidrs, createCloudflareRanges } from '../../src/proxy/cloudflare.ts'

const answer = (v4: unknown, v6: unknown = ['2400:cb00::/32']) =>
  JSON.stringify({ result: { ipv4_cidrs: v4, ipv6_cidrs: v6, etag: 'x' }, success: true })

function ranges(
  t: { testdir(): string },
  fetchText: () => Promise<string> = async () => answer([]),
) {
  const file = join(t.testdir(), 'data', 'cloudflare-ips.json')
  return { file, cloudflare: createCloudflareRanges({ file, fetchText }) }
}

t.test('the built-in list knows Cloudflare', async (t) => {
  const { cloudflare } = ranges(t)
  t.equal(await cloudflare.load(), 'built-in')
  for (const ip of [
    '173.245.48.1',
    '104.16.0.1',
    '172.71.255.255',
    '2606:4700::1',
    '::ffff:162.158.0.1',
  ])
    t.ok(cloudflare.includes(ip), ip)
  for (const ip of ['8.8.8.8', '127.0.0.1', '104.32.0.1', '2001:db8::1', ''])
    t.notOk(cloudflare.includes(ip), ip)
  t.equal(cloudflare.cidrs().length, 22)
})

t.test('a new list takes effect at once and after a restart', async (t) => {
  const { cloudflare, file } = ranges(t, async () => answer(['203.0.113.0/24']))
  const outcome = await cloudflare.refresh()
  t.match(outcome, { kind: 'changed', added: ['203.0.113.0/24'] })
  t.ok(cloudflare.includes('203.0.113.9'))
  t.notOk(cloudflare.includes('173.245.48.1'), 'what is not in it any more is out')
  t.equal((await cloudflare.refresh()).kind, 'unchanged')
  t.equal((await stat(file)).mode & 0o777, 0o600)
  const later = createCloudflareRanges({ file, fetchText: async () => '' })
  t.equal(await later.load(), 'kept')
  t.ok(later.includes('203.0.113.9'))
})

t.test('a bad answer changes nothing', async (t) => {
  for (const text of [
    '',
    '<html>',
    '{}',
    'null',
    '[]',
    answer([]),
    answer(['203.0.113.0/24'], []),
    answer('x'),
    answer([1]),
    answer(['nonsense/24']),
    answer(['0.0.0.0/0']),
    answer(['203.0.113.0/24', '10.0.0.0/7']),
    answer(['203.0.113.0']),
    answer(['203.0.113.0/24'], ['::/0']),
    answer(Array.from({ length: 300 }, (_, i) => `10.${i % 250}.0.0/24`)),
  ]) {
    const { cloudflare, file } = ranges(t, async () => text)
    t.equal((await cloudflare.refresh()).kind, 'failed', text.slice(0, 60))
    t.same(cloudflare.cidrs(), builtInCloudflareCidrs)
    await t.rejects(readFile(file))
  }
})

t.test('no answer changes nothing', async (t) => {
  const { cloudflare } = ranges(t, async () => {
    throw new Error('no route')
  })
  t.same(await cloudflare.refresh(), { kind: 'failed', reason: 'no route' })
  t.ok(cloudflare.includes('104.16.0.1'))
})

t.test('a kept list that was damaged is not used', async (t) => {
  const { cloudflare, file } = ranges(t, async () => answer(['203.0.113.0/24']))
  await cloudflare.refresh()
  await writeFile(file, '{"result": {"ipv4_cidrs": ["0.0.0.0/0"')
  const later = createCloudflareRanges({ file, fetchText: async () => '' })
  t.equal(await later.load(), 'built-in')
  t.ok(later.includes('104.16.0.1'))
})
