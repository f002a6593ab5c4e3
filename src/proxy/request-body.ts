// The body of a request on its way to the backend: counted, limited, back-pressured, detachable. Hot path.

import { Readable } from 'node:stream'
import type { BodyObserver } from './exchange.ts'

/** Fails a body stream; `code` tells why. */
export class RequestBodyError extends Error {
  readonly code: 'BODY_TOO_LARGE' | 'CLIENT_LEFT'
  constructor(code: 'BODY_TOO_LARGE' | 'CLIENT_LEFT') {
    super(code)
    this.name = 'RequestBodyError'
    this.code = code
  }
}

/** `aborted`: its connection or stream was cut; Node ends a stream of HTTP/2 that was reset as if it were complete. */
type Source = Readable & { readonly aborted: boolean }

/**
 * Reads from the client's stream without owning it: the HTTP client library destroys the bodies it was given,
 * and destroying the client's own stream would cut the connection on which the answer has to go out.
 */
export class RequestBody extends Readable {
  readonly #source: Source
  readonly #observer: BodyObserver
  readonly #onFirstRead: (() => void) | null
  #remaining: number
  #attached = false
  #ended = false

  constructor(
    source: Source,
    options: { maxBytes: number | null; observer: BodyObserver; onFirstRead: (() => void) | null },
  ) {
    super()
    this.#source = source
    this.#observer = options.observer
    this.#onFirstRead = options.onFirstRead
    this.#remaining = options.maxBytes ?? Number.POSITIVE_INFINITY
    // Its reader may be gone when it fails; the failure is reported through the call.
    this.on('error', ignore)
  }

  override _read(): void {
    if (this.#attached) {
      this.#source.resume()
      return
    }
    this.#attached = true
    this.#onFirstRead?.()
    const source = this.#source
    source.on('data', this.#data)
    source.on('end', this.#end)
    source.on('close', this.#close)
    source.on('error', this.#close)
    if (source.readableEnded) this.#end()
    else if (source.destroyed) this.#close()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const source = this.#source
    if (this.#attached) {
      source.off('data', this.#data)
      source.off('end', this.#end)
      source.off('close', this.#close)
      source.off('error', this.#close)
      if (!this.#ended) source.pause()
    }
    callback(error)
  }

  #data = (chunk: Buffer): void => {
    this.#remaining -= chunk.length
    if (this.#remaining < 0) {
      this.destroy(new RequestBodyError('BODY_TOO_LARGE'))
      return
    }
    this.#observer.bodyBytes(chunk.length)
    if (!this.push(chunk)) this.#source.pause()
  }

  #end = (): void => {
    if (this.#ended) return
    // A cut body must not reach the backend as a whole one (RFC 9112 §8, RFC 9113 §8.1).
    if (this.#source.aborted) {
      this.#close()
      return
    }
    this.#ended = true
    this.#observer.bodyEnded()
    this.push(null)
  }

  #close = (): void => {
    if (!this.#ended) this.destroy(new RequestBodyError('CLIENT_LEFT'))
  }
}

function ignore(): void {}
