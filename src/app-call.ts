// One request to an application of ours: its body read, bounded, and handed over whole. Cold.

import { type Application, type AppRequest, maxAppBodyBytes, type StreamAnswer } from './app.ts'
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
  },
): void {
  const { request, listener } = parts
  const ask = (body: Buffer): void => {
    const headers = headersOf(exchange.rawHeaders)
    application.handle({ ...request, headers, body }).then(
      (answer) => listener.appAnswered(answer),
      (error: unknown) => listener.crashed(error),
    )
  }
  if (exchange.declaredBytes === 0) {
    ask(Buffer.alloc(0))
    return
  }
  const chunks: Buffer[] = []
  const body = exchange.openBody(maxAppBodyBytes, listener)
  body.on('data', (chunk: Buffer) => chunks.push(chunk))
  body.on('end', () => ask(Buffer.concat(chunks)))
  body.on('error', (error: Error & { readonly code?: string }) => {
    listener.appFailed(error.code === 'BODY_TOO_LARGE' ? 'body-too-large' : 'client-left')
  })
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
