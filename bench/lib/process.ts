// Child processes, and what the operating system says they cost. Linux only: everything is read from /proc.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'

export interface Memory {
  /** Resident, bytes; pages shared with others count in full. */
  readonly rss: number
  /** Proportional share, bytes; pages shared by n processes count 1/n. */
  readonly pss: number
}

export interface Child {
  /** The process and everything it started, now. */
  pids(): number[]
  /** CPU time so far of all of them, nanoseconds, user and system. */
  cpuNs(): number
  memory(): Memory
  /** What it wrote to stderr, for messages. */
  errors(): string
  readonly exited: boolean
  stop(): Promise<void>
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

const unwanted = /^(NODE_|GATEHOUSE_|npm_)/

export function start(
  command: string,
  parameters: readonly string[],
  options: StartOptions = {},
): Child {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !unwanted.test(name)) env[name] = value
  }
  const child = spawn(command, parameters, {
    cwd: options.cwd,
    env: { ...env, ...options.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr?.on('data', (part: Buffer) => {
    errors = `${errors}${part}`.slice(-4000)
  })
  child.on('error', (error) => {
    errors += error.message
  })
  return handleOf(child, () => errors)
}

function handleOf(child: ChildProcess, errors: () => string): Child {
  const pid = child.pid ?? -1
  const exited = once(child, 'exit').catch(() => [])
  const pids = () => (pid < 0 ? [] : [pid, ...descendants(pid)])
  return {
    pids,
    cpuNs: () => pids().reduce((sum, each) => sum + cpuOf(each), 0),
    memory: () => {
      const all = pids().map(memoryOf)
      return {
        rss: all.reduce((sum, each) => sum + each.rss, 0),
        pss: all.reduce((sum, each) => sum + each.pss, 0),
      }
    },
    errors,
    get exited() {
      return child.exitCode !== null || child.signalCode !== null
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
      await exited
      clearTimeout(timer)
    },
  }
}

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function descendants(pid: number): number[] {
  const found: number[] = []
  for (const task of tasks(pid)) {
    const children = read(`/proc/${pid}/task/${task}/children`).trim()
    if (children === '') continue
    for (const each of children.split(' ')) found.push(Number(each), ...descendants(Number(each)))
  }
  return found
}

/**
 * `schedstat` has nanoseconds but forgets threads that ended; `stat` remembers them in ticks of 10 ms. Nobody here ends
 * threads under load, so the finer one is right; where it is missing, the coarser one.
 */
function cpuOf(pid: number): number {
  let ns = 0
  for (const task of tasks(pid)) {
    ns += Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0])
  }
  if (ns > 0) return ns
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10_000_000
}

function memoryOf(pid: number): Memory {
  const text = read(`/proc/${pid}/smaps_rollup`)
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return { rss: kilobytes('Rss') * 1024, pss: kilobytes('Pss') * 1024 }
}

function tasks(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
