// docs/machines.md says what the code does: faults, exit codes, names of the log, and examples that work as they stand.

import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readTable } from '../../src/routes-file/read.ts'
import { CloudError, type CloudFault } from '../../src/wake/provider.ts'
import { createCommandProvider, exitFaults } from '../../src/wake/providers/command.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'

const root = new URL('../../', import.meta.url)
const docs = readFileSync(new URL('docs/machines.md', root), 'utf8')
const folder = new URL('src/wake/providers/', root)
const sources = readdirSync(folder)
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))
  .join('\n')

/** The first two cells of the rows that begin with code. */
const rows = [...docs.matchAll(/^\| `([^`]+)` \| (?:`([^`]+)`)?/gm)].map(
  ([, first = '', second = '']) => [first, second] as const,
)

t.test('every fault is explained', async (t) => {
  const faults: Readonly<Record<CloudFault, true>> = {
    capacity: true,
    throttled: true,
    conflict: true,
    denied: true,
    clock: true,
    unavailable: true,
    invalid: true,
  }
  const part = docs.slice(docs.indexOf('## What can go wrong'))
  for (const fault of Object.keys(faults)) t.match(part, `\n| \`${fault}\` |`)
})

t.test('the exit codes are those that are understood', async (t) => {
  const said = rows
    .filter(([code]) => /^[1-9]\d*$/.test(code))
    .map(([code, fault]) => [Number(code), fault])
  t.strictSame(said, [...exitFaults])
})

t.test('names of secrets, variables and events are those of the code', async (t) => {
  for (const name of [
    'OCI_TENANCY',
    'OCI_USER',
    'OCI_FINGERPRINT',
    'OCI_KEY',
    'OCI_PASSPHRASE',
    'GATEHOUSE_CALL',
    'GATEHOUSE_START',
    'cloud-call-failed',
    'cloud-key-readable',
    'opcRequestId',
    'the fingerprint is of another key',
  ]) {
    t.ok(docs.includes(name), name)
    t.ok(sources.includes(name), name)
  }
})

t.test('the examples of the table are without an error', async (t) => {
  const examples = [...docs.matchAll(/```yaml\n(vms:[\s\S]*?)```/g)].map(([, text = '']) => text)
  t.equal(examples.length, 2)
  for (const vms of examples) {
    const text = `version: 1
domain: example.com
${vms}
routes:
  - { service: Login, host: auth, to: login, access: public }
  - { service: App, host: app, to: "box:3000", access: login, wake: navigation }
`
    const errors = readTable(text).problems.filter(({ severity }) => severity === 'error')
    t.strictSame(errors, [], vms)
  }
})

t.test('the program for another cloud works as it is printed', async (t) => {
  const program = /```sh\n(#!\/bin\/sh\n# \/usr\/local\/bin\/vm-aws[\s\S]*?)```/.exec(docs)?.[1]
  t.ok(program)
  const bin = t.testdir({ 'vm-aws': program ?? '', aws: '' })
  /** A cloud that answers what is written here. */
  const cloud = (status: number, words: string) =>
    writeFileSync(
      join(bin, 'aws'),
      `#!/bin/sh\necho "$*" > ${bin}/asked\necho "${words}"\nexit ${status}\n`,
    )
  for (const name of ['vm-aws', 'aws']) chmodSync(join(bin, name), 0o755)
  const vector = (call: string) => [join(bin, 'vm-aws'), call]
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const provider = createCommandProvider(
    {
      kind: 'command',
      state: vector('state'),
      start: vector('start'),
      softStop: vector('soft-stop'),
      stop: vector('stop'),
      timeoutMs: 60_000,
    },
    {
      after: createFakeClock().after,
      environment: { PATH: `${bin}:/usr/bin:/bin`, INSTANCE: 'i-0123456789' },
      log,
    },
  )
  const asked = () => readFileSync(join(bin, 'asked'), 'utf8').trim()

  for (const [said, state] of [
    ['pending', 'starting'],
    ['running', 'running'],
    ['stopping', 'stopping'],
    ['stopped', 'stopped'],
    ['shutting-down', 'gone'],
    ['terminated', 'gone'],
  ] as const) {
    cloud(0, said)
    t.equal(await provider.state(), state)
  }
  cloud(0, 'STARTINGINSTANCES i-0123456789')
  await provider.start('x')
  t.equal(asked(), 'ec2 start-instances --instance-ids i-0123456789 --output text')
  await provider.softStop()
  t.equal(asked(), 'ec2 stop-instances --instance-ids i-0123456789 --output text')
  await provider.stop()
  t.equal(asked(), 'ec2 stop-instances --force --instance-ids i-0123456789 --output text')
  for (const [words, fault] of [
    ['(InsufficientInstanceCapacity) when calling', 'capacity'],
    ['(IncorrectInstanceState) when calling', 'conflict'],
    ['(RequestLimitExceeded) when calling', 'throttled'],
    ['(UnauthorizedOperation) when calling', 'denied'],
    ['Could not connect', 'unavailable'],
  ] as const) {
    cloud(254, words)
    const error = await provider.start('x').catch((error: unknown) => error)
    t.ok(error instanceof CloudError && error.fault === fault, words)
  }
})
