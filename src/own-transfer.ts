// An answer of our own on its way to the client, as what watches over flights sees it.

import type { StreamAnswer, StreamSink } from './app.ts'
import type { Exchange } from './proxy/exchange.ts'
import type { Ticker, Transfer } from './proxy/transfer.ts'

/** How long an answer of ours may take to be fetched, and the rest of its request to arrive, milliseconds. */
const ownAnswerMs = 30_000
/** A reader of a stream that is further behind is cut off. */
const maxBehindBytes = 65_536

/** A whole answer: a page, a redirect, what an application said. */
export class OwnAnswer implements Transfer {
  lastByteAt: number
  readonly #exchange: Exchange

  /** @param now coarse clock, milliseconds. */
  constructor(exchange: Exchange, now: number) {
    this.#exchange = exchange
    this.lastByteAt = now
  }

  get clientBytes(): number {
    return this.#exchange.bytesIn
  }

  /** Whoever neither takes the answer nor ends his request keeps his place no longer than this. */
  check(now: number): void {
    if (now - this.lastByteAt > ownAnswerMs) this.cancel()
  }

  cancel(): void {
    this.#exchange.abort()
  }

  goAway(): void {}

  clientDrained(): void {}

  left(): void {}
}

/** An answer that goes on until one side has enough. */
export class OwnStream implements Transfer, StreamSink {
  lastByteAt: number
  readonly #exchange: Exchange
  readonly #ticker: Ticker
  #stop: (() => void) | null = null
  #over = false
  /** What the client has not taken; `null`: it takes everything. */
  #behind: Buffer[] | null = null
  #behindBytes = 0

  constructor(exchange: Exchange, ticker: Ticker) {
    this.#exchange = exchange
    this.#ticker = ticker
    this.lastByteAt = ticker.now
  }

  /** The head is out; from here on it may send. */
  open(answer: StreamAnswer): void {
    const stop = answer.open(this)
    if (this.#over) stop()
    else this.#stop = stop
  }

  send(text: string): void {
    if (this.#over || text === '') return
    const chunk = Buffer.from(text)
    if (this.#behind !== null) {
      this.#behindBytes += chunk.length
      if (this.#behindBytes > maxBehindBytes) this.cancel()
      else this.#behind.push(chunk)
      return
    }
    this.#write(chunk)
  }

  end(): void {
    if (this.#over) return
    this.#finish()
    if (this.#behind === null) this.#exchange.end(null)
    else this.#exchange.abort()
  }

  clientDrained(): void {
    this.lastByteAt = this.#ticker.now
    const behind = this.#behind
    this.#behind = null
    this.#behindBytes = 0
    if (behind !== null && behind.length > 0 && !this.#over) this.#write(Buffer.concat(behind))
  }

  /** The client is gone. */
  left(): void {
    this.#finish()
  }

  get clientBytes(): number {
    return this.#exchange.bytesIn
  }

  check(now: number): void {
    if (this.#behind !== null && now - this.lastByteAt > ownAnswerMs) this.cancel()
  }

  cancel(): void {
    this.#finish()
    this.#exchange.abort()
  }

  /** It would go on for ever; whoever listens comes back, to the next process. */
  goAway(): void {
    this.end()
  }

  #write(chunk: Buffer): void {
    this.lastByteAt = this.#ticker.now
    if (!this.#exchange.write(chunk)) this.#behind = []
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#stop?.()
  }
}
