// The units, the image and the example file agree with the program they start.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { options, readConfig, variableOf } from '../../src/config.ts'
import { inheritedSockets } from '../../src/proxy/activation.ts'

const root = dirname(dirname(import.meta.dirname))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** Every `Key=value` of a unit, in order; comments left out. */
function settings(path: string): readonly (readonly [key: string, value: string])[] {
  return [...read(path).matchAll(/^([A-Za-z]+)=(.*)$/gm)].map((m) => [m[1] ?? '', m[2] ?? ''])
}
const valuesOf = (path: string, key: string) =>
  settings(path).flatMap(([name, value]) => (name === key ? [value] : []))

const service = 'packaging/systemd/gatehouse.service'

t.test('systemd waits longer than the gateway takes to drain', async (t) => {
  const { config } = readConfig({
    flags: {},
    env: {},
    files: {
      read: () => '',
      kind: (path) => (path.endsWith('.yaml') ? 'file' : 'directory'),
      mode: () => null,
      list: () => [],
    },
    place: { cwd: '/', checkout: null },
  })
  const drainSeconds = (config?.drainMs ?? Number.NaN) / 1000
  const stopSeconds = Number(/^(\d+)s$/.exec(valuesOf(service, 'TimeoutStopSec')[0] ?? '')?.[1])
  t.ok(stopSeconds >= drainSeconds + 5, `${stopSeconds} s for ${drainSeconds} s of drain`)
  t.match(read('packaging/README.md'), `--stop-timeout ${stopSeconds} `, 'and so does Docker')
})

t.test('each socket hands over its port under the name of its listener', async (t) => {
  for (const [name, port] of [
    ['https', '443'],
    ['http', '80'],
  ]) {
    const unit = `packaging/systemd/gatehouse-${name}.socket`
    t.strictSame(valuesOf(unit, 'FileDescriptorName'), [name])
    t.strictSame(valuesOf(unit, 'ListenStream'), [port])
    t.strictSame(valuesOf(unit, 'Service'), ['gatehouse.service'])
    t.match(valuesOf(service, 'Sockets')[0], `gatehouse-${name}.socket`)
  }
  const names = ['http', 'https'].map(
    (name) => valuesOf(`packaging/systemd/gatehouse-${name}.socket`, 'FileDescriptorName')[0],
  )
  const inherited = inheritedSockets({ LISTEN_FDS: '2', LISTEN_FDNAMES: names.join(':') }, 1)
  t.strictSame(inherited, { http: [3], https: [4] }, 'and the gateway knows them')
})

t.test('every variable that is set or proposed exists', async (t) => {
  const known = new Set(options.map(({ name }) => variableOf(name)))
  for (const path of [service, 'packaging/Dockerfile', 'packaging/gatehouse.env']) {
    const used = [...read(path).matchAll(/\bGATEHOUSE_\w+/g)].map(([name]) => name)
    const unknown = used.filter((name) => !known.has(name) && !name.startsWith('GATEHOUSE_SECRET_'))
    t.not(used.length, 0, path)
    t.strictSame(unknown, [], path)
  }
})

t.test('service and image start Node with the same limits', async (t) => {
  const flags = /NODE_OPTIONS="?=?"?([^"\n]+)"/
  t.match(flags.exec(read(service))?.[1], '--max-old-space-size=')
  t.equal(flags.exec(read(service))?.[1], flags.exec(read('packaging/Dockerfile'))?.[1])
})

t.test('what the image copies exists and is not hidden from the builder', async (t) => {
  const visible = [...read('.dockerignore').matchAll(/(?<=^!).+$/gm)].map(([path]) => path)
  const copied = [...read('packaging/Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
    (match) => (match[1] ?? '').split(' '),
  )
  t.ok(copied.length > 3)
  for (const path of copied) {
    t.ok(existsSync(join(root, path)), `${path} exists`)
    t.ok(visible.includes(path), `${path} reaches the builder`)
  }
  t.strictSame([...visible].sort(), [...new Set(copied)].sort(), 'and nothing else does')
})
