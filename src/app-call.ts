// One request to an application of ours: its body read, bounded, and handed over whole. Cold.

import { type Application, type AppRequest, maxAppBodyBytes, type StreamAnswer } from './app.ts'
import type { BodyRoom } from './body-room.ts'
import type { FailureCode } from './errors.ts'
import type { Answer } from './pages/answer.ts'
import type { BodyObserver, Exchange } from './proxy/exchange.ts'

export interface AppCallListener extends BodyObserver {
  appAnswered(answer: Answer | StreamAnswer): void
  appFailed(code: FailureCode): void
  /** A bug of the application. */
  crashed(error: unknown): void
}

/** Reads the body, asks the application, and tells the listener one of three things, once. */
export function callApp(
  application: Application,
  exchange: Exchange,
  parts: {
    readonly request: Omit<AppRequest, 'body' | 'headers'>
    readonly listener: AppCallListener
    readonly room: BodyRoom
    /** Longest body, bytes; default `maxAppBodyBytes`. */
    readonly maxBytes?: number
  },
): void {
  const { request, listener, room, maxBytes = maxAppBodyBytes } = parts
  const { identity, network } = request
  const share = room.enter(identity?.session ?? network, identity === null)
  const ask = (body: Buffer): void => {
    const headers = headersOf(exchange.rawHeaders)
    application
      .handle({ ...request, headers, body })
      .finally(() => share.leave())
      .then((answer) => listener.appAnswered(answer))
      .catch((error: unknown) => listener.crashed(error))
  }
  const { declaredBytes } = exchange
  if (declaredBytes === 0) {
    ask(Buffer.alloc(0))
    return
  }
  if (declaredBytes !== null && Number.isFinite(declaredBytes) && declaredBytes > maxBytes) {
    listener.appFailed('body-too-large')
    return
  }
  const chunks: Buffer[] = []
  const body = exchange.openBody(maxBytes, listener)
  body.on('data', (chunk: Buffer) => {
    if (share.take(chunk.length)) {
      chunks.push(chunk)
      return
    }
    body.destroy()
    fail('too-many-requests')
  })
  body.on('end', () => ask(Buffer.concat(chunks)))
  body.on('error', (error: Error & { readonly code?: string }) => {
    fail(error.code === 'BODY_TOO_LARGE' ? 'body-too-large' : 'client-left')
  })
  // An answer of ours that took too long cuts its request, and the body with it, without an error.
  body.on('close', () => {
    if (!body.readableEnded) share.leave()
  })

  function fail(code: FailureCode): void {
    chunks.length = 0
    share.leave()
    listener.appFailed(code)
  }
}

/** Names in lower case; lines of one name are joined as RFC 9110 §5.3 and, for cookies, RFC 9113 §8.2.3 say. */
export function headersOf(raw: readonly string[]): Record<string, string> {
  // No prototype: a header may be called `__proto__`.
  const headers: Record<string, string> = Object.create(null)
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase()
    const value = raw[i + 1] ?? ''
    if (name.startsWith(':')) continue
    const before = headers[name]
    headers[name] =
      before === undefined ? value : before + (name === 'cookie' ? '; ' : ', ') + value
  }
  return headers
}

/** The first line of a header, or `null`. For questions that are asked of few requests. */
export function headerOf(raw: readonly string[], name: string): string | null {
  for (let i = 0; i < raw.length; i += 2) {
    if ((raw[i] ?? '').toLowerCase() === name) return raw[i + 1] ?? ''
  }
  return null
}
