// Machines started and stopped by programs: the contract, exit codes, what the programs are given and what they may say.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import type { EventFields, EventLog } from '../../src/log.ts'
import { CloudError, type CloudFault, type CloudState } from '../../src/wake/provider.ts'
import { createProvider, programEnvironment } from '../../src/wake/providers/create.ts'
import { vmProviderContract } from '../contract/vm-provider.ts'
import { createFakeClock } from '../fixtures/wake-clock.ts'

/** A cloud made of files: what it is in, what it was asked, how it is to fail. */
const script = `
cd "$1" || exit 1
echo "$GATEHOUSE_CALL" >> calls
if [ -e hang ]; then rm hang; touch arrived; exec sleep 600; fi
touch arrived
if [ -e trouble ]; then
  printf 'first line\\nERROR token=%s \\033[31mno\\n' "$CLOUD_TOKEN" >&2
  exit "$(cat trouble)"
fi
case $2 in
  state) cat state ;;
  start)
    grep -qx "$GATEHOUSE_START" tokens 2>/dev/null && exit 0
    [ "$(cat state)" = running ] && exit 0
    echo "$GATEHOUSE_START" >> tokens
    echo x >> starts
    echo starting > state ;;
  stop) [ "$(cat state)" = stopped ] || echo stopping > state ;;
esac
`
const token = 'hunter2-hunter2-hunter2'
const exitCodes: Readonly<Partial<Record<CloudFault, number>>> = {
  capacity: 69,
  conflict: 73,
  throttled: 75,
  denied: 77,
  unavailable: 1,
}

interface Wanted {
  readonly state?: readonly string[]
  readonly start?: readonly string[]
  readonly softStop?: readonly string[] | null
}

async function open(t: Test, wanted: Wanted = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-command-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'vm'), script)
  writeFileSync(join(folder, 'state'), 'stopped\n')
  const clock = createFakeClock()
  const events: { event: string; fields: EventFields }[] = []
  const record = (event: string, fields: EventFields = {}) => void events.push({ event, fields })
  const log: EventLog = { debug: record, info: record, warn: record, error: record }
  const vector = (call: string) => ['/bin/sh', join(folder, 'vm'), folder, call]
  const provider = createProvider(
    {
      kind: 'command',
      start: wanted.start ?? vector('start'),
      softStop: wanted.softStop === undefined ? vector('stop') : wanted.softStop,
      stop: vector('stop'),
      state: wanted.state ?? vector('state'),
      timeoutMs: 60_000,
    },
    {
      vm: 'box',
      secret: () => null,
      now: clock.now,
      after: clock.after,
      log,
      environment: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        CLOUD_TOKEN: token,
        GATEHOUSE_SECRET_X: 'x-x-x-x-x',
      },
    },
  )
  const path = (name: string) => join(folder, name)
  const lines = (name: string) =>
    existsSync(path(name)) ? readFileSync(path(name), 'utf8').split('\n').slice(0, -1) : []
  return { provider, clock, events, path, lines }
}

async function failure(call: Promise<CloudState>): Promise<CloudError> {
  const outcome = await call.catch((error: unknown) => error)
  if (outcome instanceof CloudError) return outcome
  throw new Error(`no CloudError: ${inspect(outcome)}`)
}

/** The program is a process of its own: nothing but its traces tell how far it is. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

t.test('the contract of a provider', async (t) => {
  vmProviderContract(t, {
    faults: ['capacity', 'throttled', 'conflict', 'denied', 'unavailable'],
    limitMs: 60_000,
    async open(t) {
      const { provider, clock, events, path, lines } = await open(t)
      return {
        provider,
        be: (state) => writeFileSync(path('state'), `${state}\n`),
        async settle() {
          const state = readFileSync(path('state'), 'utf8').trim()
          if (state === 'starting') writeFileSync(path('state'), 'running\n')
          if (state === 'stopping') writeFileSync(path('state'), 'stopped\n')
        },
        starts: () => lines('starts').length,
        calls: () => lines('calls').length,
        trouble(fault) {
          if (fault === null) rmSync(path('trouble'))
          else writeFileSync(path('trouble'), String(exitCodes[fault]))
        },
        hang() {
          rmSync(path('arrived'), { force: true })
          writeFileSync(path('hang'), '')
        },
        arrival: () => until(() => existsSync(path('arrived'))),
        advance: (ms) => clock.advance(ms),
        secrets: [token],
        logged: () => JSON.stringify(events),
      }
    },
  })
})

t.test('a program learns which call it is, and the start it belongs to', async (t) => {
  const { provider, lines } = await open(t)
  await provider.state()
  await provider.start('token-9')
  await provider.softStop()
  await provider.stop()
  t.strictSame(lines('calls'), ['state', 'start', 'soft-stop', 'stop'])
  t.strictSame(lines('tokens'), ['token-9'])
})

t.test('without a program for the soft stop the hard one is all there is', async (t) => {
  const { provider, path } = await open(t, { softStop: null })
  writeFileSync(path('state'), 'running')
  t.equal(await provider.softStop(), 'stopping')
  t.equal(readFileSync(path('state'), 'utf8'), 'stopping\n')
})

t.test('no shell reads the arguments', async (t) => {
  const trap = join(t.testdir(), 'injected')
  const { provider } = await open(t, { start: ['/bin/echo', `$(touch ${trap}); touch ${trap}`] })
  await provider.start('x')
  t.notOk(existsSync(trap))
})

t.test('exit codes are faults; unknown ones say that the cloud could not be reached', async (t) => {
  for (const [code, fault] of [
    [64, 'denied'],
    [69, 'capacity'],
    [73, 'conflict'],
    [75, 'throttled'],
    [77, 'denied'],
    [78, 'denied'],
    [1, 'unavailable'],
    [2, 'unavailable'],
    [255, 'unavailable'],
  ] as const) {
    const { provider } = await open(t, { state: ['/bin/sh', '-c', `exit ${code}`] })
    const error = await failure(provider.state())
    t.equal(error.fault, fault)
    t.equal(error.status, code)
    t.match(error.detail, `exit code ${code}`)
  }
  const { provider } = await open(t, { state: ['/bin/sh', '-c', 'kill -9 $$'] })
  t.match((await failure(provider.state())).detail, /killed by SIGKILL/)
})

t.test('a program that is not there, or is none, is a matter of the table', async (t) => {
  for (const program of ['/nowhere/vm', '/etc/passwd', 'a\0b']) {
    const { provider } = await open(t, { state: [program] })
    t.equal((await failure(provider.state())).fault, 'denied', inspect(program))
  }
})

t.test('what state prints is one of six words, or nobody understands it', async (t) => {
  for (const [output, state] of [
    ['running', 'running'],
    ['  Running\\n\\n', 'running'],
    ['GONE', 'gone'],
    ['', null],
    ['running stopped', null],
    ['RUNNING.', null],
  ] as const) {
    const { provider } = await open(t, { state: ['/bin/sh', '-c', `printf '${output}'`] })
    if (state === null) t.equal((await failure(provider.state())).fault, 'invalid', output)
    else t.equal(await provider.state(), state)
  }
})

t.test('the last line of what a program complains of is kept, without its secrets', async (t) => {
  const { provider, path, events } = await open(t)
  writeFileSync(path('trouble'), '75')
  const error = await failure(provider.start('x'))
  t.equal(error.detail, 'start: exit code 75: ERROR token=*** [31mno')
  t.strictSame(events, [
    {
      event: 'cloud-call-failed',
      fields: { vm: 'box', call: 'start', fault: 'throttled', status: 75, detail: error.detail },
    },
  ])
})

t.test('a program that prints without end is read on, and little of it kept', async (t) => {
  const flood = 'head -c 3000000 /dev/zero | tr "\\0" x'
  const { provider } = await open(t, { state: ['/bin/sh', '-c', flood] })
  t.equal((await failure(provider.state())).fault, 'invalid')
})

t.test('what a program leaves running does not hold up its answer', async (t) => {
  const note = join(t.testdir(), 'pid')
  const line = 'sleep 600 & echo $! > "$0"; echo running'
  const { provider, clock } = await open(t, { state: ['/bin/sh', '-c', line, note] })
  const answer = provider.state()
  // The limit of the call, and since the program has ended the wait for the rest.
  await until(() => clock.pending === 2)
  await clock.advance(1_000)
  t.equal(await answer, 'running')
  process.kill(Number(readFileSync(note, 'utf8')))
})

t.test('a program that does not hear that it should end is killed', async (t) => {
  const note = join(t.testdir(), 'pid')
  const line = 'trap "" TERM; echo $$ > "$0"; while :; do sleep 0.1; done'
  const { provider, clock } = await open(t, { state: ['/bin/sh', '-c', line, note] })
  const outcome = failure(provider.state())
  await until(() => existsSync(note) && readFileSync(note, 'utf8').endsWith('\n'))
  const pid = Number(readFileSync(note, 'utf8'))
  await clock.advance(60_000)
  t.match((await outcome).detail, /did not end within 60 s/)
  t.ok(isAlive(pid), 'asked, and deaf')
  await clock.advance(2_000)
  await until(() => !isAlive(pid))
  t.pass('gone')
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

t.test('programs get nothing that is for Gatehouse alone', async (t) => {
  const passed = programEnvironment({
    PATH: '/bin',
    HOME: '/var/lib/gatehouse',
    HCLOUD_TOKEN: 'abc',
    GATEHOUSE_SECRET_OCI_KEY: 'secret',
    GATEHOUSE_CONFIG: '/etc/gatehouse',
    CREDENTIALS_DIRECTORY: '/run/credentials',
    LISTEN_FDS: '2',
    LISTEN_PID: '1',
    NOTIFY_SOCKET: '/run/x',
    NODE_OPTIONS: '--max-old-space-size=256',
    NOTHING: undefined,
  })
  t.strictSame(passed, { PATH: '/bin', HOME: '/var/lib/gatehouse', HCLOUD_TOKEN: 'abc' })
})
