// Questions to a provider over HTTPS: with a deadline, a bound on the answer, and no redirect followed.

import { ProviderError } from './provider.ts'

/** An answer that was read to its end. */
export interface ProviderAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
}

export interface ProviderQuestion {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | URLSearchParams
  /** Breaks it off. */
  readonly signal?: AbortSignal | undefined
  /** From the first byte of the question to the last of the answer, milliseconds; default `providerDeadlineMs`. */
  readonly deadlineMs?: number
}

export const providerDeadlineMs = 10_000
/** Answers of a provider have a few kilobytes. */
export const maxProviderAnswerBytes = 262_144

/**
 * Asks. Every status is an answer here; a redirect is one too and is not followed: it would carry our credentials to a
 * place that the table does not name.
 *
 * @throws ProviderError `unavailable` (`timeout`, `network`, `too-large`); `misconfigured` (`insecure-address`).
 */
export async function askProvider(
  url: string,
  question: ProviderQuestion,
): Promise<ProviderAnswer> {
  if (!isSafeAddress(url)) throw new ProviderError('misconfigured', 'insecure-address')
  const { method, headers, body, signal, deadlineMs = providerDeadlineMs } = question
  const deadline = AbortSignal.timeout(deadlineMs)
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
      ...(body === undefined ? {} : { body }),
    })
    return {
      status: response.status,
      headers: response.headers,
      body: await readBounded(response.body),
    }
  } catch (error) {
    if (error instanceof ProviderError) throw error
    // What fetch says may quote the address with its query; nothing of it goes further.
    throw new ProviderError('unavailable', deadline.aborted ? 'timeout' : 'network')
  }
}

/** @returns `null`: not a JSON object. */
export function jsonObject(body: Uint8Array): Readonly<Record<string, unknown>> | null {
  const value = json(body)
  return isRecord(value) ? value : null
}

/** Whatever JSON it is; `null`: none. */
export function json(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return null
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** TLS, or this machine itself: tests, and a tunnel that somebody runs beside us. */
export function isSafeAddress(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return false
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && /^(127(\.\d+){3}|\[::1\]|localhost)$/.test(url.hostname)
}

async function readBounded(
  stream: ReadableStream<Uint8Array> | null,
): Promise<Uint8Array<ArrayBuffer>> {
  if (stream === null) return new Uint8Array(0)
  const chunks: Uint8Array[] = []
  let length = 0
  // Leaving the loop cancels the stream, so a body without end is not read on.
  for await (const chunk of stream) {
    length += chunk.byteLength
    if (length > maxProviderAnswerBytes) throw new ProviderError('unavailable', 'too-large')
    chunks.push(chunk)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}
