// Random secrets as text (cookies, tokens, links), and the hashes they are known by. Hot path.

import { hash, timingSafeEqual } from 'node:crypto'

/** Where randomness comes from: `randomBytes` of node:crypto, or a test's own. */
export type RandomBytes = (size: number) => Uint8Array

/** Characters of a secret: 32 bytes as base64url without padding (RFC 4648 §5). */
export const secretLength = 43

/** What a personal token begins with, so that people and leak scanners recognise it; a secret follows. */
export const tokenPrefix = 'gth_'

/** A new secret of 256 bits. */
export function newSecret(randomBytes: RandomBytes): string {
  return randomText(32, randomBytes)
}

/** So many random bytes as base64url. */
export function randomText(bytes: number, randomBytes: RandomBytes): string {
  return Buffer.from(randomBytes(bytes)).toString('base64url')
}

/**
 * SHA-256 of a secret's text, base64url: what is stored instead of it. One round and no salt: 256 random bits cannot
 * be guessed, with or without a slow hash.
 */
export function secretHash(text: string): string {
  return hash('sha256', text, 'base64url')
}

/**
 * Does a whole token stand somewhere in a text, as a word of its own? Its prefix alone, or amid base64url and dots, may be
 * part of somebody else's secret.
 */
export function holdsToken(text: string): boolean {
  for (let at = text.indexOf(tokenPrefix); at !== -1; at = text.indexOf(tokenPrefix, at + 1)) {
    const from = at + tokenPrefix.length
    if (!isSecretAt(text, from)) continue
    if (!isPartOfWord(text, at - 1) && !isPartOfWord(text, from + secretLength)) return true
  }
  return false
}

function isPartOfWord(text: string, at: number): boolean {
  const c = text.charCodeAt(at)
  return c === 0x2e || isBase64url(c)
}

/** Do the 43 characters from `from` on belong to base64url? Says nothing about what follows them. */
export function isSecretAt(text: string, from: number): boolean {
  const end = from + secretLength
  if (end > text.length) return false
  for (let i = from; i < end; i++) {
    if (!isBase64url(text.charCodeAt(i))) return false
  }
  return true
}

/** NaN, which is beyond either end of a text, is none. */
function isBase64url(c: number): boolean {
  const lower = c | 0x20
  if (lower >= 0x61 && lower <= 0x7a) return true
  return (c >= 0x30 && c <= 0x39) || c === 0x2d || c === 0x5f
}

/** Are two hashes the same? In time that does not depend on where they differ. */
export function sameHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
