// How commands reach the gateway that runs: a Unix socket in the data directory. The other end is cli/control-client.ts.

import { chmodSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { stackOf } from './caught.ts'
import {
  type AlertResult,
  type MachineControl,
  type MachineOutcome,
  type MachineReport,
  type MachineRequest,
  type OwnTraffic,
  readMachineRequest,
} from './control-machines.ts'
import { GatehouseError } from './errors.ts'
import type { EventLog } from './log.ts'

/** One line of JSON each way, then the connection ends. Whoever can open the socket can read the database too. */
export type ControlRequest =
  /** Answered at once: a gateway runs here. */
  | { readonly do: 'hello' }
  /** People, sessions or tokens were changed in the database. Answered when the change is in force. */
  | { readonly do: 'people-changed' }
  | { readonly do: 'bans' }
  | { readonly do: 'lift-ban'; readonly network: string }
  | MachineRequest

export type ControlAnswer =
  | {
      readonly ok: true
      /** Where the login page is: `https://auth.example.com`, with the port when it is not 443. */
      readonly loginOrigin: string
      /** To `bans`. */
      readonly bans?: readonly Ban[]
      /** To `lift-ban`: there was one. */
      readonly lifted?: boolean
      /** To `vms`. */
      readonly machines?: readonly MachineReport[]
      readonly traffic?: OwnTraffic | null
      /** To the other requests about machines. */
      readonly outcome?: MachineOutcome
      /** To `alert-test`. */
      readonly alerts?: readonly AlertResult[]
    }
  | { readonly ok: false; readonly error: string }

/** A network that may not sign in for a while. */
export interface Ban {
  /** An IPv4 address, or an IPv6 /64. */
  readonly network: string
  /** Wall clock, milliseconds. */
  readonly until: number
}

export interface ControlDeps {
  /** `controlPath(config.dataDir)`. */
  readonly path: string
  /** Resolves when memory agrees with the database, and what must end has ended. */
  onPeopleChanged(): Promise<void>
  /** As in `ControlAnswer`. */
  loginOrigin(): string
  readonly bans?: { list(): readonly Ban[]; lift(network: string): boolean }
  /** Left out: no machine of the table has power. */
  readonly machines?: MachineControl
  /** Left out: there are no `alerts:`. */
  readonly alerts?: { test(): Promise<readonly AlertResult[]> }
  readonly log: EventLog
}

export interface Control {
  /**
   * A socket that a killed gateway left behind is replaced. A socket that cannot be made (a path of more than about
   * 100 bytes, a strange file system) is logged and no reason not to start: changes are then noticed by polling.
   *
   * @throws GatehouseError `already-running` when another gateway works with the same data directory.
   */
  listen(): Promise<void>
  /** Takes the socket away. Call it before draining, so that the next gateway can have it. */
  close(): Promise<void>
}

export function controlPath(dataDir: string): string {
  return join(dataDir, 'control.sock')
}

/** Longest request, bytes. */
const maxRequestBytes = 1024
/** A command writes its line at once; whoever does not is not one. */
const idleMs = 5_000
/** Scripts that wait for a machine hold one each, and must not keep a change of people out. */
const maxConnections = 64
/** How long a socket that is there may take to show that somebody listens, milliseconds. */
const probeMs = 1_000

export function createControl(deps: ControlDeps): Control {
  const { path, log } = deps
  const open = new Set<Socket>()
  const server = createServer((socket) => serve(socket))
  server.maxConnections = maxConnections
  let listening = false

  return {
    async listen() {
      try {
        await bind().catch(async (error: unknown) => {
          if (codeOf(error) !== 'EADDRINUSE') throw error
          if (await isAlive(path)) throw alreadyRunning(path)
          unlinkSync(path)
          await bind()
        })
        // The directory is 0700 already; this is for one that somebody opened.
        chmodSync(path, 0o600)
      } catch (error) {
        if (error instanceof GatehouseError) throw error
        log.warn('control-unavailable', { path, code: codeOf(error) ?? 'unknown' })
      }
    },
    close() {
      for (const socket of open) socket.destroy()
      if (!listening) return Promise.resolve()
      listening = false
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }

  function bind(): Promise<void> {
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, () => {
        server.off('error', reject)
        server.on('error', (error) => log.warn('control-failed', { code: codeOf(error) }))
        listening = true
        resolve()
      })
    })
  }

  function serve(socket: Socket): void {
    open.add(socket)
    socket.setTimeout(idleMs, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
    const left = new AbortController()
    socket.on('close', () => left.abort())
    let text = ''
    socket.setEncoding('utf8')
    const take = (chunk: string) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end === -1 && text.length <= maxRequestBytes) return
      socket.off('data', take)
      socket.resume()
      // What is asked for may take longer than the asking.
      socket.setTimeout(0)
      void answer(end === -1 ? '' : text.slice(0, end), left.signal).then((reply) => {
        socket.end(`${JSON.stringify(reply)}\n`)
      })
    }
    socket.on('data', take)
  }

  async function command(
    request: Exclude<MachineRequest, { do: 'vms' | 'alert-test' }>,
    signal: AbortSignal,
  ): Promise<MachineOutcome> {
    const { machines } = deps
    if (machines === undefined) return noSuchMachine
    const { vm } = request
    log.info('vm-command', { vm, do: request.do })
    switch (request.do) {
      case 'vm-wake':
        return machines.wake(vm, { wait: request.wait, port: request.port, signal })
      case 'vm-sleep':
        return machines.sleep(vm)
      case 'vm-restart':
        return machines.restart(vm)
      case 'vm-keep':
        return machines.keep(vm, request.until)
      default:
        return request satisfies never
    }
  }

  /** Never rejects. */
  async function answer(line: string, signal: AbortSignal): Promise<ControlAnswer> {
    const request = readRequest(line)
    if (request === null) return { ok: false, error: 'not understood' }
    try {
      const ok = { ok: true, loginOrigin: deps.loginOrigin() } as const
      switch (request.do) {
        case 'hello':
          return ok
        case 'people-changed':
          await deps.onPeopleChanged()
          return ok
        case 'bans':
          return { ...ok, bans: deps.bans?.list() ?? [] }
        case 'lift-ban':
          return { ...ok, lifted: deps.bans?.lift(request.network) ?? false }
        case 'vms': {
          const { machines } = deps
          return { ...ok, machines: machines?.list() ?? [], traffic: machines?.traffic() ?? null }
        }
        case 'alert-test':
          return { ...ok, alerts: (await deps.alerts?.test()) ?? [] }
        default:
          return { ...ok, outcome: await command(request, signal) }
      }
    } catch (error) {
      const code = error instanceof GatehouseError ? error.code : 'internal'
      log.error('control-failed', {
        request: request.do,
        code,
        error: stackOf(error),
      })
      return { ok: false, error: code }
    }
  }
}

const noSuchMachine: MachineOutcome = {
  kind: 'refused',
  reason: 'unknown-vm',
  detail: null,
  retryAt: null,
}

/** @returns `null`: not one of ours. */
function readRequest(line: string): ControlRequest | null {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || !('do' in value)) return null
  switch (value.do) {
    case 'hello':
    case 'people-changed':
    case 'bans':
      return { do: value.do }
    case 'lift-ban':
      return 'network' in value && typeof value.network === 'string'
        ? { do: 'lift-ban', network: value.network }
        : null
    default:
      return readMachineRequest(value)
  }
}

/** Whoever accepts is alive, be he ever so busy. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const done = (alive: boolean) => {
      socket.destroy()
      resolve(alive)
    }
    socket.setTimeout(probeMs, () => done(true))
    socket.once('connect', () => done(true))
    socket.once('error', (error) => done(codeOf(error) === 'EAGAIN'))
  })
}

function alreadyRunning(path: string): GatehouseError {
  return new GatehouseError('already-running', `another gateway answers on ${path}`, {
    remedy: 'stop it first, or give this one a data directory of its own by --data',
  })
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null
}
