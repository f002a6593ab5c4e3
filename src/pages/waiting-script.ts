// The script of the waiting page: its address, which its content decides, and its delivery.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Answer } from './answer.ts'

export interface WaitingScript {
  /** Path on every host: `/.gatehouse/wake/waiting.<hash>.js`. */
  readonly url: string
  /** A browser may keep it for ever (RFC 8246): another content has another address. */
  readonly answer: Answer
}

let known: WaitingScript | null = null

/** A file of the release: it does not change while it runs. Read when a page first names it. */
export function waitingScript(): WaitingScript {
  known ??= load()
  return known
}

function load(): WaitingScript {
  const body = readFileSync(new URL('./client/waiting.js', import.meta.url))
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 16)
  const headers = [
    'content-type',
    'text/javascript; charset=utf-8',
    'cache-control',
    'public, max-age=31536000, immutable',
    'cross-origin-resource-policy',
    'same-origin',
    'content-length',
    String(body.length),
  ]
  return { url: `/.gatehouse/wake/waiting.${hash}.js`, answer: { status: 200, headers, body } }
}
