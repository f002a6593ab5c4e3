// What every VmProvider does. An implementation passes by handing itself to this suite.

import { inspect } from 'node:util'
import type { Test } from 'tap'
import {
  CloudError,
  type CloudFault,
  type CloudState,
  type VmProvider,
} from '../../src/wake/provider.ts'

/** A machine in a cloud that the suite may mistreat. */
export interface OpenedMachine {
  readonly provider: VmProvider
  /** Somebody else does it: it is in that state, and stays there. */
  be(state: CloudState): void
  /** Lets so much time pass that every change has ended. */
  settle(): Promise<void>
  /** How often it was really started. */
  starts(): number
  /** How many calls have reached the cloud. */
  calls(): number
  /** From now on every call fails in that way; `null`: none any more. */
  trouble(fault: CloudFault | null): void
  /** The next call is never answered. */
  hang(): void
  /** Resolves when the next call has reached the cloud. */
  arrival(): Promise<unknown>
  /** Lets that much time pass. */
  advance(ms: number): Promise<void>
  /** What must not be seen anywhere. */
  readonly secrets: readonly string[]
  /** Everything that was logged. */
  readonly logged: () => string
}

export interface ContractOptions {
  readonly open: (t: Test) => Promise<OpenedMachine>
  /** Faults that this cloud can tell apart. */
  readonly faults: readonly CloudFault[]
  /** No call takes longer than that, milliseconds. */
  readonly limitMs: number
}

const calls: readonly (readonly [string, (provider: VmProvider) => Promise<CloudState>])[] = [
  ['state', (provider) => provider.state()],
  ['start', (provider) => provider.start('token-1')],
  ['softStop', (provider) => provider.softStop()],
  ['stop', (provider) => provider.stop()],
]

/** The error of a call that must fail. */
async function failure(call: Promise<CloudState>): Promise<CloudError> {
  const outcome = await call.then(
    (state) => new Error(`it did not fail: ${state}`),
    (error: unknown) => error,
  )
  if (outcome instanceof CloudError) return outcome
  throw new Error(`not a CloudError: ${inspect(outcome)}`)
}

export function vmProviderContract(t: Test, options: ContractOptions): void {
  const { open } = options

  t.test('it says what the machine is in', async (t) => {
    const { provider, be } = await open(t)
    for (const state of ['stopped', 'starting', 'running', 'stopping', 'moving', 'gone'] as const) {
      be(state)
      t.equal(await provider.state(), state)
    }
  })

  t.test('a start leads to a machine that runs', async (t) => {
    const { provider, settle, starts } = await open(t)
    t.match(await provider.start('token-1'), /^(starting|running)$/)
    await settle()
    t.equal(await provider.state(), 'running')
    t.equal(starts(), 1)
  })

  t.test('the same start, asked for again, starts nothing twice', async (t) => {
    const { provider, settle, starts, be } = await open(t)
    await provider.start('token-1')
    await provider.start('token-1').catch(() => {})
    await settle()
    await provider.start('token-1').catch(() => {})
    t.equal(starts(), 1)
    be('stopped')
    await provider.start('token-2')
    t.equal(starts(), 2, 'another start is another start')
  })

  t.test('a machine that runs is not started again', async (t) => {
    const { provider, be, starts } = await open(t)
    be('running')
    const outcome = await provider.start('token-1').catch((error: unknown) => error)
    if (outcome instanceof CloudError) t.equal(outcome.fault, 'conflict')
    else t.match(outcome, /^(starting|running)$/)
    t.equal(starts(), 0)
    t.equal(await provider.state(), 'running')
  })

  for (const [name, stop] of calls.slice(2)) {
    t.test(`${name} leads to a machine that is stopped`, async (t) => {
      const { provider, be, settle } = await open(t)
      be('running')
      t.match(await stop(provider), /^(stopping|stopped)$/)
      await settle()
      t.equal(await provider.state(), 'stopped')
    })

    t.test(`${name} of a machine that is stopped harms nothing`, async (t) => {
      const { provider } = await open(t)
      const outcome = await stop(provider).catch((error: unknown) => error)
      if (outcome instanceof CloudError) t.equal(outcome.fault, 'conflict')
      else t.match(outcome, /^(stopping|stopped)$/)
      t.equal(await provider.state(), 'stopped')
    })
  }

  for (const fault of options.faults) {
    t.test(`${fault} has its name, is tried once, and passes`, async (t) => {
      const { provider, trouble, calls: count, secrets, logged, starts } = await open(t)
      trouble(fault)
      for (const [name, call] of calls) {
        const before = count()
        const error = await failure(call(provider))
        t.equal(error.fault, fault, name)
        t.equal(count(), before + 1, 'when to ask again is not for the provider to decide')
        t.ok(error.detail.length > 0 && error.detail.length <= 200, 'it says something, briefly')
        t.notMatch(error.detail, /\p{Cc}/u, 'on one line')
        const seen = inspect(error, { depth: 20, showHidden: true }) + logged()
        for (const secret of secrets) t.notOk(seen.includes(secret), 'and no secret')
      }
      t.equal(starts(), 0)
      trouble(null)
      t.equal(await provider.state(), 'stopped')
    })
  }

  t.test('a cloud that never answers is given up in time', async (t) => {
    const { provider, hang, arrival, advance } = await open(t)
    for (const [name, call] of calls) {
      hang()
      const arrived = arrival()
      const outcome = failure(call(provider))
      await arrived
      let settled = false
      void outcome.then(() => {
        settled = true
      })
      await advance(900)
      t.equal(settled, false, `${name}: it is not impatient`)
      await advance(options.limitMs)
      t.equal((await outcome).fault, 'unavailable', name)
    }
  })

  t.test('calls at the same time do not mix', async (t) => {
    const { provider, settle, starts } = await open(t)
    const answers = await Promise.allSettled([
      provider.state(),
      provider.start('token-1'),
      provider.state(),
    ])
    t.equal(answers[1]?.status, 'fulfilled')
    for (const answer of answers) {
      if (answer.status === 'fulfilled') t.match(answer.value, /^(stopped|starting|running)$/)
    }
    await settle()
    t.equal(starts(), 1)
    t.equal(await provider.state(), 'running')
  })
}
