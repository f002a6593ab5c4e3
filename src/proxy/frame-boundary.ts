// Where a WebSocket frame ends (RFC 6455 §5.2): reads lengths, never contents. Hot path.

/**
 * Follows one direction of a WebSocket, so that a frame of our own can be put between two of the backend's and never
 * into the middle of one. Costs one step per frame, not per byte.
 */
export class FrameBoundary {
  /** Payload bytes of the present frame that are still to come. */
  #payload = 0
  /** Bytes of the present frame's header seen so far, and how many it has; 0: unknown yet. */
  #headerSeen = 0
  #headerLength = 0
  #length = 0
  /** Index of the first header byte behind the extended length. */
  #extendedEnd = 2
  #broken = false

  /** Between two frames. False too once lengths made no sense: then nothing may be inserted any more. */
  get atBoundary(): boolean {
    return !this.#broken && this.#payload === 0 && this.#headerSeen === 0
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && !this.#broken) {
      if (this.#payload > 0) {
        const skipped = Math.min(this.#payload, chunk.length - at)
        this.#payload -= skipped
        at += skipped
      } else {
        this.#header(chunk[at] as number)
        at += 1
      }
    }
  }

  #header(byte: number): void {
    const index = this.#headerSeen
    this.#headerSeen += 1
    if (index === 0) return
    if (index === 1) {
      const length = byte & 0x7f
      const masked = byte >= 0x80
      const extended = length === 127 ? 8 : length === 126 ? 2 : 0
      this.#headerLength = 2 + extended + (masked ? 4 : 0)
      this.#length = extended === 0 ? length : 0
      this.#extendedEnd = 2 + extended
    } else if (index < this.#extendedEnd) {
      this.#length = this.#length * 256 + byte
      if (this.#length > Number.MAX_SAFE_INTEGER / 256) this.#broken = true
    }
    if (this.#headerSeen === this.#headerLength) {
      this.#payload = this.#length
      this.#headerSeen = 0
      this.#headerLength = 0
    }
  }
}

/** Close, status 1001 "going away", as a server sends it (RFC 6455 §5.5.1, §7.4.1). */
export const goingAwayFromServer = Buffer.from([0x88, 0x02, 0x03, 0xe9])
/** The same as a client sends it: masked, as §5.3 demands; the mask hides nothing and may be fixed here. */
export const goingAwayFromClient = Buffer.from([
  0x88,
  0x82,
  0x5a,
  0x5a,
  0x5a,
  0x5a,
  0x03 ^ 0x5a,
  0xe9 ^ 0x5a,
])
