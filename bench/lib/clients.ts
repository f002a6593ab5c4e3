// Load clients as processes of their own: their CPU and memory are nobody's.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { browserHeaders } from '../clients/browser-headers.ts'
import { servername } from '../clients/tls-connection.ts'
import { percentile } from './statistics.ts'

export interface Load {
  readonly requests: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  /** Errors and answers other than 2xx. */
  readonly wrong: number
}

const directory = join(import.meta.dirname, '..', 'clients')

export interface Http1Load {
  /** Default 50. */
  readonly connections?: number
  /** Default: the public one. */
  readonly host?: string
  /** Beside those every browser sends. */
  readonly cookie?: string
  /** Requests a second, all connections together; default: as many as are answered. */
  readonly rate?: number
}

/** One request at a time on each of many connections. */
export async function http1Load(
  port: number,
  seconds: number,
  { connections = 50, host = servername, cookie = '', rate }: Http1Load = {},
): Promise<Load> {
  const words = [port, seconds, connections, host, cookie, rate ?? ''].map(String)
  return JSON.parse(await run(process.execPath, [join(directory, 'http1.ts'), ...words]))
}

export interface Guesses {
  /** Asked, looked at (401), held up (429), and answered in any other way. */
  readonly sent: number
  readonly wrong: number
  readonly refused: number
  readonly other: number
}

/** Wrong passwords for names nobody has, each from a network of its own, so that each of them costs a hash. */
export async function guessPasswords(
  port: number,
  seconds: number,
  perSecond: number,
): Promise<Guesses> {
  const words = [port, seconds, perSecond].map(String)
  return JSON.parse(await run(process.execPath, [join(directory, 'guess.ts'), ...words]))
}

/** The same 50 requests at a time, on ten connections. */
export function http2Load(port: number, seconds: number, scratch: string): Promise<Load> {
  return h2load(['-c', '10', '-m', '5'], { port, seconds, scratch })
}

/** As `http1Load`, by a client so fast that the proxy has always something to do. */
export function http1FullLoad(port: number, seconds: number, scratch: string): Promise<Load> {
  return h2load(['--h1', '-c', '50', '-m', '1'], { port, seconds, scratch })
}

async function h2load(
  shape: readonly string[],
  { port, seconds, scratch }: { port: number; seconds: number; scratch: string },
): Promise<Load> {
  const log = join(scratch, 'h2load.tsv')
  const fields = Object.entries(browserHeaders).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`,
  ])
  const output = await run('h2load', [
    ...['-D', String(seconds), ...shape, '-t', '1', `--log-file=${log}`],
    `--connect-to=127.0.0.1:${port}`,
    ...fields,
    `https://${servername}:${port}/small`,
  ])
  const latencies = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(line.split('\t')[2]) / 1000)
  rmSync(log)
  const number = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? Number.NaN)
  return {
    requests: number(/requests:.*?(\d+) succeeded/),
    seconds,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    wrong: number(/(\d+) failed/) + number(/(\d+) 4xx/) + number(/(\d+) 5xx/),
  }
}

/** Seconds it took; `wrong` when the bytes did not arrive. */
export async function bulkLoad(
  port: number,
  direction: 'down' | 'up',
  bytes: number,
): Promise<{ readonly seconds: number; readonly wrong: number }> {
  const output = await run(process.execPath, [
    join(directory, 'bulk.ts'),
    String(port),
    direction,
    String(bytes),
  ])
  return JSON.parse(output)
}

export interface Holding {
  /** Ends the client; `false`: the proxy had closed a connection meanwhile. */
  release(): Promise<boolean>
}

/** Resolves once all connections are open and have been used once. */
export async function hold(
  port: number,
  kind: 'tls' | 'websocket',
  count: number,
): Promise<Holding> {
  const child = launch('hold.ts', [String(port), kind, String(count)])
  await firstLine(child)
  return { release: () => end(child) }
}

/** A slow reader or a stalled upload, until released. */
export function crawl(
  port: number,
  kind: 'slow-download' | 'stalled-upload',
  bytes: number,
): Holding {
  const child = launch('crawl.ts', [String(port), kind, String(bytes)])
  return { release: () => end(child) }
}

function launch(script: string, parameters: readonly string[]): ChildProcess {
  return spawn(process.execPath, [join(directory, script), ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function firstLine(child: ChildProcess): Promise<void> {
  let errors = ''
  child.stderr?.on('data', (part) => {
    errors += part
  })
  const ended = once(child, 'exit').then(() => 'ended')
  const spoke = child.stdout === null ? ended : once(child.stdout, 'data').then(() => 'spoke')
  if ((await Promise.race([ended, spoke])) === 'ended') throw new Error(errors.slice(-500))
}

async function end(child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null) return child.exitCode === 0
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const [code] = await ended
  return code === 0
}

async function run(command: string, parameters: readonly string[]): Promise<string> {
  const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.on('data', (part) => {
    output += part
  })
  child.stderr.on('data', (part) => {
    errors += part
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${errors.slice(-500)}`)
  return output
}
