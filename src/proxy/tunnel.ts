// One upgraded connection: bytes both ways, back-pressure, half-close, and never a socket left behind. Hot path.

import type { Duplex } from 'node:stream'
import type { FailureCode } from '../errors.ts'
import { FrameBoundary, goingAwayFromClient, goingAwayFromServer } from './frame-boundary.ts'
import type { Ticker, Transfer } from './transfer.ts'

/** After one side has ended, how long the other may stay silent before both are closed. */
const halfClosedMs = 10_000

/** After our own Close frames, how long the answers are waited for (RFC 6455 §7.1.1). */
const leavingMs = 2_000

const tunnelKey = Symbol('tunnel')
interface Side {
  [tunnelKey]?: Tunnel
}

export interface TunnelOptions {
  readonly ticker: Ticker
  /** Without a byte in either direction, milliseconds; 0: for ever. */
  readonly idleMs: number
  /** Called once, when both sides are closed. */
  readonly over: (outcome: FailureCode | 'ok') => void
}

export class Tunnel implements Transfer {
  lastByteAt: number
  fromClient = 0
  toClient = 0
  readonly #client: Duplex
  readonly #upstream: Duplex
  readonly #options: TunnelOptions
  readonly #clientFrames = new FrameBoundary()
  readonly #upstreamFrames = new FrameBoundary()
  #halfClosed = false
  #leavingSince = 0
  #closedSides = 0
  #outcome: FailureCode | 'ok' = 'ok'

  constructor(sides: { client: Duplex; upstream: Duplex }, options: TunnelOptions) {
    this.#client = sides.client
    this.#upstream = sides.upstream
    this.#options = options
    this.lastByteAt = options.ticker.now
  }

  get clientBytes(): number {
    return this.fromClient
  }

  start(): void {
    for (const side of [this.#client, this.#upstream]) {
      const tunnelled: Duplex & Side = side
      tunnelled[tunnelKey] = this
      // The end of one direction is not the end of the other (RFC 9293 §3.6).
      side.allowHalfOpen = true
      side.on('data', onData)
      side.on('drain', onDrain)
      side.on('end', onEnd)
      side.on('error', ignore) // 'close' follows.
      side.on('close', onClose)
      if (side.destroyed) this.closed()
    }
    this.#client.resume()
    this.#upstream.resume()
  }

  check(now: number): void {
    const quietMs = now - this.lastByteAt
    const { idleMs } = this.#options
    if (this.#leavingSince !== 0) {
      if (now - this.#leavingSince > leavingMs) this.#destroy()
    } else if (this.#halfClosed && quietMs > halfClosedMs) this.#destroy()
    else if (idleMs > 0 && quietMs > idleMs) this.cancel('upstream-idle-timeout')
  }

  cancel(code: FailureCode): void {
    if (this.#outcome === 'ok') this.#outcome = code
    this.#destroy()
  }

  /** Ends it politely: Close 1001 to both sides where no frame is cut by it, then the connections. */
  goAway(code: FailureCode): void {
    if (this.#leavingSince !== 0) return
    if (this.#outcome === 'ok') this.#outcome = code
    this.#leavingSince = this.#options.ticker.now
    if (this.#upstreamFrames.atBoundary) this.#client.write(goingAwayFromServer)
    if (this.#clientFrames.atBoundary) this.#upstream.write(goingAwayFromClient)
  }

  /** For the event handlers below. */
  data(side: Duplex, chunk: Buffer): void {
    this.lastByteAt = this.#options.ticker.now
    if (this.#leavingSince !== 0) {
      // The answer to our Close, or what crossed it: nothing may follow a Close (RFC 6455 §5.5.1).
      if (side === this.#client) this.#client.end(() => this.#destroy())
      return
    }
    let other = this.#client
    if (side === this.#client) {
      other = this.#upstream
      this.fromClient += chunk.length
      this.#clientFrames.push(chunk)
    } else {
      this.toClient += chunk.length
      this.#upstreamFrames.push(chunk)
    }
    if (!other.write(chunk)) side.pause()
  }

  /** For the event handlers below. */
  drained(side: Duplex): void {
    this.lastByteAt = this.#options.ticker.now
    this.#opposite(side).resume()
  }

  /** For the event handlers below. */
  ended(side: Duplex): void {
    this.#halfClosed = true
    this.lastByteAt = this.#options.ticker.now
    const other = this.#opposite(side)
    if (!other.writableEnded) other.end()
  }

  /** For the event handlers below. */
  closed(): void {
    this.#closedSides += 1
    if (this.#closedSides === 1) {
      // What is already written may still go out; then the other side closes too.
      this.#halfClosed = true
      for (const side of [this.#client, this.#upstream]) {
        if (side.destroyed) continue
        if (side.writableLength === 0) side.destroy()
        else side.end(() => side.destroy())
      }
    } else if (this.#closedSides === 2) {
      this.#options.over(this.#outcome)
    }
  }

  #opposite(side: Duplex): Duplex {
    return side === this.#client ? this.#upstream : this.#client
  }

  #destroy(): void {
    this.#client.destroy()
    this.#upstream.destroy()
  }
}

function onData(this: Duplex & Side, chunk: Buffer): void {
  this[tunnelKey]?.data(this, chunk)
}

function onDrain(this: Duplex & Side): void {
  this[tunnelKey]?.drained(this)
}

function onEnd(this: Duplex & Side): void {
  this[tunnelKey]?.ended(this)
}

function onClose(this: Duplex & Side): void {
  this[tunnelKey]?.closed()
}

function ignore(): void {}
