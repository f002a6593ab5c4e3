// Reads an htpasswd file (Apache, nginx, OAuth2-Proxy): lines of name:hash.

import type { WrittenUser } from '../routes-file/authelia-users.ts'

/** @returns lines that are neither empty nor a comment nor name:hash by their number, 1-based. */
export function readHtpasswd(text: string): {
  readonly users: readonly WrittenUser[]
  readonly badLines: readonly number[]
} {
  const users: WrittenUser[] = []
  const badLines: number[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '')
    if (line.trim() === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    // A third field is a comment; htdigest, which has three, keeps no hash that could be used.
    const hash = line.slice(colon + 1).split(':')[0] ?? ''
    if (colon < 1 || hash === '') {
      badLines.push(index + 1)
      continue
    }
    users.push({
      name: line.slice(0, colon),
      displayName: null,
      email: null,
      groups: [],
      disabled: false,
      hash,
      line: index + 1,
    })
  }
  return { users, badLines }
}
