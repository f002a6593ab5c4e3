// WebSocket frames over any byte stream (RFC 6455): a small strict peer for the demo's services and for tests.
// Not used by the gateway, which never looks inside a tunnel.

import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** Text messages are strings, binary ones buffers. */
export type Message = string | Buffer

export interface WebSocketHandlers {
  message(data: Message): void
  pong?(data: Buffer): void
  /**
   * Called once. `code` is what the other end sent, 1005 if its close frame had none, 1006 if the stream ended
   * without a close frame (RFC 6455 §7.1.5).
   */
  closed?(code: number, reason: string): void
}

export interface WebSocketPeer {
  /** @returns false when the other end is slow and more should wait for `drain` of the stream. */
  send(data: Message): boolean
  /** @param data at most 125 bytes. */
  ping(data?: Buffer): void
  /** Sends a close frame and waits for the other end's. Default 1000. */
  close(code?: number, reason?: string): void
}

/** Longest message taken in; a longer one ends the connection with 1009. */
export const maxMessageBytes = 4 * 1024 * 1024

/** `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (RFC 6455 §4.2.2). */
export function acceptValue(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/**
 * Answers an HTTP/1.1 upgrade request and speaks WebSocket from then on. A bad handshake is answered with 400 or
 * 426 and the connection closed.
 *
 * @returns `null` when the handshake was refused.
 */
export function acceptWebSocket(
  request: { readonly req: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  handlers: WebSocketHandlers,
): WebSocketPeer | null {
  const { req, socket, head } = request
  const key = req.headers['sec-websocket-key'] ?? ''
  if (req.headers['sec-websocket-version'] !== '13') {
    socket.end(
      'HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    )
    return null
  }
  if (req.method !== 'GET' || Buffer.from(key, 'base64').length !== 16) {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    return null
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptValue(key)}\r\n\r\n`,
  )
  return webSocketOver(socket, { role: 'server', head }, handlers)
}

/**
 * Speaks WebSocket over a stream whose handshake is done. A breach of the protocol ends the connection with the
 * close code that RFC 6455 §7.4.1 gives it.
 *
 * @param options.role a client masks what it sends and wants unmasked frames, a server the reverse (§5.1).
 * @param options.head bytes that were read together with the handshake.
 */
export function webSocketOver(
  stream: Duplex,
  options: { readonly role: 'server' | 'client'; readonly head?: Buffer },
  handlers: WebSocketHandlers,
): WebSocketPeer {
  const masks = options.role === 'client'
  let pending: Buffer = Buffer.alloc(0)
  let fragments: Buffer[] = []
  let fragmentBytes = 0
  let fragmentOpcode = 0
  let closeSent = false
  let over = false

  // Read in a later tick, when the caller holds the peer.
  if (options.head !== undefined && options.head.length > 0) stream.unshift(options.head)
  stream.on('data', receive)
  stream.on('end', () => finish(1006, ''))
  stream.on('close', () => finish(1006, ''))
  stream.on('error', () => finish(1006, ''))
  stream.on('drain', () => stream.resume())

  return {
    send: (data) =>
      typeof data === 'string'
        ? write(opcodes.text, Buffer.from(data))
        : write(opcodes.binary, data),
    ping: (data = Buffer.alloc(0)) => void write(opcodes.ping, data),
    close,
  }

  function receive(chunk: Buffer): void {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (!over) {
      const frame = readFrame(pending, !masks)
      if (frame === null) return
      if (typeof frame === 'number') {
        fail(frame)
        return
      }
      pending = pending.subarray(frame.bytes)
      take(frame)
    }
  }

  function take(frame: Frame): void {
    switch (frame.opcode) {
      case opcodes.ping:
        write(opcodes.pong, frame.payload)
        return
      case opcodes.pong:
        handlers.pong?.(frame.payload)
        return
      case opcodes.close:
        takeClose(frame.payload)
        return
      default:
        takeData(frame)
    }
  }

  function takeData(frame: Frame): void {
    // A continuation needs a message that has begun, any other frame one that has not (§5.4).
    const begun = fragments.length > 0
    if ((frame.opcode === opcodes.continuation) !== begun) {
      fail(1002)
      return
    }
    if (fragments.length === 0) fragmentOpcode = frame.opcode
    fragments.push(frame.payload)
    fragmentBytes += frame.payload.length
    if (fragmentBytes > maxMessageBytes) {
      fail(1009)
      return
    }
    if (!frame.final) return
    const whole = Buffer.concat(fragments)
    fragments = []
    fragmentBytes = 0
    if (fragmentOpcode === opcodes.binary) {
      handlers.message(whole)
      return
    }
    const text = decode(whole)
    if (text === null) {
      fail(1007)
      return
    }
    handlers.message(text)
  }

  function takeClose(payload: Buffer): void {
    if (payload.length === 1) {
      fail(1002)
      return
    }
    const code = payload.length === 0 ? 1005 : payload.readUInt16BE(0)
    const reason = decode(payload.subarray(2))
    if (reason === null) {
      fail(1007)
      return
    }
    if (!closeSent) close(code === 1005 ? 1000 : code)
    stream.end()
    finish(code, reason)
  }

  function close(code = 1000, reason = ''): void {
    if (closeSent || over) return
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
    payload.writeUInt16BE(code)
    payload.write(reason, 2)
    write(opcodes.close, payload)
    closeSent = true
  }

  function fail(code: number): void {
    close(code)
    stream.end()
    finish(1006, '')
  }

  function finish(code: number, reason: string): void {
    if (over) return
    over = true
    // Without an end of our own a stream that allows half-open stays half-open.
    if (!stream.writableEnded) stream.end()
    handlers.closed?.(code, reason)
  }

  function write(opcode: number, payload: Buffer): boolean {
    if (closeSent || stream.writableEnded || stream.destroyed) return false
    const more = stream.write(frameOf(opcode, payload, masks))
    // A server's echo that is not read must not pile up; a client that stopped reading as well would be a deadlock.
    if (!more && !masks) stream.pause()
    return more
  }
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

interface Frame {
  readonly final: boolean
  readonly opcode: number
  readonly payload: Buffer
  /** Length of the whole frame. */
  readonly bytes: number
}

/** @returns `null`: more bytes are needed. A number: the close code for what is wrong (§5.2). */
function readFrame(bytes: Buffer, masked: boolean): Frame | number | null {
  if (bytes.length < 2) return null
  const first = bytes.readUInt8(0)
  const second = bytes.readUInt8(1)
  const opcode = first & 0x0f
  const final = (first & 0x80) !== 0
  if ((first & 0x70) !== 0) return 1002
  if (opcode > 10 || (opcode > 2 && opcode < 8)) return 1002
  if (((second & 0x80) !== 0) !== masked) return 1002
  const short = second & 0x7f
  if (opcode >= 8 && (!final || short > 125)) return 1002
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
  const header = 2 + lengthBytes + (masked ? 4 : 0)
  if (bytes.length < header) return null
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
  if (length > maxMessageBytes) return 1009
  if (bytes.length < header + length) return null
  const payload = Buffer.from(bytes.subarray(header, header + length))
  if (masked) applyMask(payload, bytes.subarray(header - 4, header))
  return { final, opcode, payload, bytes: header + length }
}

function frameOf(opcode: number, payload: Buffer, masks: boolean): Buffer {
  const { length } = payload
  const lengthBytes = length < 126 ? 0 : length < 0x10000 ? 2 : 8
  const header = Buffer.alloc(2 + lengthBytes + (masks ? 4 : 0))
  header.writeUInt8(0x80 | opcode, 0)
  const maskBit = masks ? 0x80 : 0
  if (lengthBytes === 0) header.writeUInt8(maskBit | length, 1)
  else if (lengthBytes === 2) {
    header.writeUInt8(maskBit | 126, 1)
    header.writeUInt16BE(length, 2)
  } else {
    header.writeUInt8(maskBit | 127, 1)
    header.writeBigUInt64BE(BigInt(length), 2)
  }
  if (!masks) return Buffer.concat([header, payload])
  const mask = randomBytes(4)
  mask.copy(header, header.length - 4)
  const body = Buffer.from(payload)
  applyMask(body, mask)
  return Buffer.concat([header, body])
}

function applyMask(payload: Buffer, mask: Buffer): void {
  for (let i = 0; i < payload.length; i++) {
    payload[i] = (payload[i] ?? 0) ^ (mask[i & 3] ?? 0)
  }
}

function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}
