// One POST to a place for alerts: over HTTPS, within a time, following nobody elsewhere.

import { request as plainRequest } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import { isIPv4 } from 'node:net'

export interface AlertMessage {
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** `cause`: in words without the address. `again`: another try may help. */
export type PostResult =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed'; readonly cause: string; readonly again: boolean }

/** Never rejects; ends within the time, milliseconds. */
export type Post = (message: AlertMessage, timeoutMs: number) => Promise<PostResult>

/**
 * @param options for tests: whom to trust.
 * @returns one that goes to https, and to http on this machine alone. Redirects are answers like any other: what was meant for
 *   one address, with its token, goes nowhere else.
 */
export function createPost(options: Pick<RequestOptions, 'ca'> = {}): Post {
  return (message, timeoutMs) =>
    new Promise((resolve) => {
      const fail = (cause: string, again: boolean) => resolve({ kind: 'failed', cause, again })
      const url = URL.canParse(message.url) ? new URL(message.url) : null
      if (url === null || !isAllowed(url)) {
        fail('only https addresses are told anything', false)
        return
      }
      const send = url.protocol === 'http:' ? plainRequest : request
      try {
        const body = Buffer.from(message.body)
        const call = send(
          url,
          {
            method: 'POST',
            agent: false,
            ...options,
            headers: {
              ...message.headers,
              'user-agent': 'gatehouse',
              'content-length': body.length,
            },
          },
          (answer) => {
            resolve({ kind: 'answered', status: answer.statusCode ?? 0 })
            // Nobody reads it: an answer without end would hold the connection.
            answer.on('error', () => {})
            call.destroy()
          },
        )
        const timer = setTimeout(() => {
          fail('it did not answer in time', true)
          call.destroy()
        }, timeoutMs)
        call.on('error', (error) => fail(causeOf(error), true))
        call.on('close', () => {
          clearTimeout(timer)
          fail('the connection was closed', true)
        })
        call.end(body)
      } catch (error) {
        // A token with a line feed in it: Node names the header and not its value.
        fail(causeOf(error), false)
      }
    })
}

function isAllowed({ protocol, hostname, username, password }: URL): boolean {
  if (username !== '' || password !== '') return false
  if (protocol === 'https:') return true
  if (protocol !== 'http:') return false
  const isLoopback = hostname === 'localhost' || hostname === '[::1]'
  return isLoopback || (isIPv4(hostname) && hostname.startsWith('127.'))
}

/** Its code alone: messages name addresses. */
function causeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'it failed'
}
