// A machine in any cloud that has a command line: programs look at it, start it and stop it. No shell is involved.

import { type ChildProcess, spawn } from 'node:child_process'
import { codeOf } from '../../caught.ts'
import type { EventLog } from '../../log.ts'
import type { VmProviderSettings } from '../../model-machines.ts'
import { CloudError, type CloudFault, type CloudState, type VmProvider } from '../provider.ts'
import { foreignWords } from './words.ts'

export interface CommandDeps {
  /** Runs something later; returns how not to. */
  readonly after: (ms: number, run: () => void) => () => void
  /** Variables the programs get; nothing else of this process's own. */
  readonly environment: Readonly<Record<string, string>>
  readonly log: EventLog
}

/** More than that a program that was told to end does not get before it is killed, milliseconds. */
const killAfterMs = 2000
/** How long is waited for what is still to be read of a program that has ended, milliseconds. */
const restAfterMs = 1000
/** `state` prints a word; of what is more, nothing is kept. */
const maxOutputBytes = 16 * 1024

/**
 * Each call runs its program once, with nothing on its standard input, for at most `timeoutMs`. `GATEHOUSE_CALL` in
 * its environment says `state`, `start`, `soft-stop` or `stop`, and for a start `GATEHOUSE_START` holds the token that is
 * the same for every attempt.
 *
 * What the exit code means is in docs/machines.md.
 */
export function createCommandProvider(
  settings: VmProviderSettings & { readonly kind: 'command' },
  deps: CommandDeps,
): VmProvider {
  function run(call: string, vector: readonly string[], token: string | null): Promise<string> {
    const environment = {
      ...deps.environment,
      GATEHOUSE_CALL: call,
      ...(token === null ? {} : { GATEHOUSE_START: token }),
    }
    return runProgram(vector, { call, environment, timeoutMs: settings.timeoutMs }, deps)
  }

  return {
    async state() {
      return readState(await run('state', settings.state, null))
    },
    // What it became is for `state` to say; a program that waited until it runs has merely been slow.
    async start(token) {
      await run('start', settings.start, token)
      return 'starting'
    },
    async softStop() {
      await run('soft-stop', settings.softStop ?? settings.stop, null)
      return 'stopping'
    },
    async stop() {
      await run('stop', settings.stop, null)
      return 'stopping'
    },
  }
}

const words: readonly CloudState[] = [
  'stopped',
  'starting',
  'running',
  'stopping',
  'moving',
  'gone',
]

/** @throws CloudError `invalid`: none of the six words, or more than one. */
function readState(output: string): CloudState {
  const said = output.trim().toLowerCase()
  const state = words.find((word) => word === said)
  if (state !== undefined) return state
  throw new CloudError('invalid', `state printed something that is no state (${words.join(', ')})`)
}

/** @returns what it printed. @throws CloudError */
function runProgram(
  vector: readonly string[],
  how: {
    readonly call: string
    readonly environment: Readonly<Record<string, string>>
    readonly timeoutMs: number
  },
  deps: CommandDeps,
): Promise<string> {
  const { call, environment, timeoutMs } = how
  const [program = '', ...rest] = vector
  return new Promise((resolve, reject) => {
    let child: ChildProcess
    try {
      child = spawn(program, rest, {
        env: environment,
        // A folder that is there on every machine and holds nothing of ours.
        cwd: '/',
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    } catch (error) {
      // A NUL in an argument, or an argument list beyond what the system takes.
      reject(new CloudError('denied', `${call}: cannot be run (${codeOf(error)})`, null, error))
      return
    }
    const output = collect(child.stdout)
    const complaint = collect(child.stderr)
    let over = false
    let cancelWait = () => {}
    const cancelLimit = deps.after(timeoutMs, () => {
      fail(new CloudError('unavailable', `${call}: did not end within ${timeoutMs / 1000} s`))
      child.kill('SIGTERM')
      child.once(
        'exit',
        deps.after(killAfterMs, () => void child.kill('SIGKILL')),
      )
    })

    function settle(): void {
      over = true
      cancelLimit()
      cancelWait()
      child.stdout?.destroy()
      child.stderr?.destroy()
    }
    function fail(error: CloudError): void {
      if (over) return
      settle()
      const { fault, status, detail } = error
      deps.log.info('cloud-call-failed', { call, fault, status, detail })
      reject(error)
    }
    function ended(code: number | null, signal: string | null): void {
      if (over) return
      if (code === 0) {
        settle()
        resolve(output.text())
        return
      }
      const way = signal === null ? `exit code ${code}` : `killed by ${signal}`
      const said = lastLine(complaint.text(), secretsOf(deps.environment))
      const fault = exitFaults.get(code ?? -1) ?? 'unavailable'
      fail(new CloudError(fault, `${call}: ${way}${said === '' ? '' : `: ${said}`}`, code))
    }

    child.on('error', (error) => {
      const code = codeOf(error)
      const fault = scarce.has(code) ? 'unavailable' : 'denied'
      fail(new CloudError(fault, `${call}: cannot run ${program} (${code})`, null, error))
    })
    // A grandchild may hold its output open for ever: once the program has ended, the wait for the rest is short.
    child.on('exit', (code, signal) => {
      if (!over) cancelWait = deps.after(restAfterMs, () => ended(code, signal))
    })
    child.on('close', ended)
  })
}

/** The machine had nothing left to run a program with; later it may. */
const scarce = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM'])

/** After sysexits.h, where it has a word for it. Every other code is `unavailable`. */
export const exitFaults: ReadonlyMap<number, CloudFault> = new Map([
  [64, 'denied'],
  [69, 'capacity'],
  [73, 'conflict'],
  [75, 'throttled'],
  [77, 'denied'],
  [78, 'denied'],
])

function collect(stream: ChildProcess['stdout']): { text(): string } {
  const chunks: Buffer[] = []
  let bytes = 0
  stream?.on('data', (chunk: Buffer) => {
    // Read on, or the program would stand still; kept is the end, where errors stand.
    chunks.push(chunk)
    bytes += chunk.length
    while (chunks.length > 1 && bytes - (chunks[0]?.length ?? 0) >= maxOutputBytes) {
      bytes -= chunks.shift()?.length ?? 0
    }
  })
  stream?.on('error', () => {})
  return { text: () => Buffer.concat(chunks).toString('utf8').slice(-maxOutputBytes) }
}

function lastLine(text: string, secrets: Iterable<string>): string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  return foreignWords(lines.at(-1) ?? '', secrets)
}

/** Programs print what they were given when they fail. Paths may stay: without them few complaints make sense. */
function secretsOf(environment: Readonly<Record<string, string>>): string[] {
  return Object.values(environment).filter((value) => !value.startsWith('/'))
}
