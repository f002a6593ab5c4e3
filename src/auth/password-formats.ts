// Stored passwords as they are written: PHC strings, and what Authelia and htpasswd files contain.

import { argon2, pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import { Worker } from 'node:worker_threads'

/** A stored password, read. Costs are within what a small machine can pay. */
export type PasswordHash =
  | {
      readonly kind: 'argon2'
      readonly variant: 'argon2id' | 'argon2i' | 'argon2d'
      readonly memoryKib: number
      readonly passes: number
      readonly parallelism: number
      readonly salt: Buffer
      readonly tag: Buffer
    }
  | {
      readonly kind: 'scrypt'
      readonly cost: number
      readonly blockSize: number
      readonly parallelism: number
      readonly salt: Buffer
      readonly tag: Buffer
    }
  | {
      readonly kind: 'pbkdf2'
      readonly digest: 'sha1' | 'sha256' | 'sha512'
      readonly rounds: number
      readonly salt: Buffer
      readonly tag: Buffer
    }
  | { readonly kind: 'bcrypt'; readonly text: string }

/** Most memory that one hash may ask for: the machine has 1 GB. */
const maxMemoryKib = 262_144
/** A thread that takes longer does not end by itself, milliseconds. */
const bcryptDeadlineMs = 30_000

/**
 * Reads argon2id, argon2i and argon2d (version 19), scrypt, pbkdf2 with SHA-1, SHA-256 or SHA-512, and bcrypt
 * (`$2a$`, `$2b$`, `$2y$`, which differ in mended faults alone).
 *
 * @returns `null`: another format, a broken one, or one that costs more than we pay for anybody.
 */
export function readPasswordHash(stored: string): PasswordHash | null {
  if (stored.length > 512) return null
  if (/^\$2[aby]\$(0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$/.test(stored)) {
    return { kind: 'bcrypt', text: stored }
  }
  const [empty, name = '', ...rest] = stored.split('$')
  if (empty !== '') return null
  if (name === 'argon2id' || name === 'argon2i' || name === 'argon2d') return argon2Of(name, rest)
  if (name === 'scrypt') return scryptOf(rest)
  return pbkdf2Of(name, rest)
}

/** Does the password belong to the hash? Off the main thread, all of them. Rejects when that cannot be computed. */
export async function matchesPassword(password: string, known: PasswordHash): Promise<boolean> {
  const message = Buffer.from(password)
  switch (known.kind) {
    case 'argon2': {
      const { variant, memoryKib: memory, passes, parallelism, salt: nonce, tag } = known
      const options = { message, nonce, parallelism, tagLength: tag.length, memory, passes }
      return isSame(tag, await computed((done) => argon2(variant, options, done)))
    }
    case 'scrypt': {
      const { cost, blockSize, parallelism: parallelization, salt, tag } = known
      const maxmem = maxMemoryKib * 1024 * 2
      const options = { cost, blockSize, parallelization, maxmem }
      return isSame(tag, await computed((done) => scrypt(message, salt, tag.length, options, done)))
    }
    case 'pbkdf2': {
      const { digest, rounds, salt, tag } = known
      return isSame(
        tag,
        await computed((done) => pbkdf2(message, salt, rounds, tag.length, digest, done)),
      )
    }
    case 'bcrypt':
      return matchesBcrypt(password, known.text)
    default:
      throw new TypeError('unknown format', { cause: known satisfies never })
  }
}

/** `v=19$m=65536,t=3,p=4$salt$tag`; Node computes version 19 (1.3) alone. */
function argon2Of(
  variant: 'argon2id' | 'argon2i' | 'argon2d',
  rest: readonly string[],
): PasswordHash | null {
  const [version, parameters = '', saltText = '', tagText = '', ...more] = rest
  if (version !== 'v=19' || more.length > 0) return null
  const memoryKib = numberOf(parameters, 'm', maxMemoryKib)
  const passes = numberOf(parameters, 't', 20)
  const parallelism = numberOf(parameters, 'p', 16)
  const salt = bytesOf(saltText, 8)
  const tag = bytesOf(tagText, 12)
  if (memoryKib === null || passes === null || parallelism === null) return null
  if (salt === null || tag === null || memoryKib < 8 * parallelism) return null
  return { kind: 'argon2', variant, memoryKib, passes, parallelism, salt, tag }
}

/** `ln=16,r=8,p=1$salt$tag`; `ln` is the binary logarithm of the cost (RFC 7914 §2). */
function scryptOf(rest: readonly string[]): PasswordHash | null {
  const [parameters = '', saltText = '', tagText = '', ...more] = rest
  const logarithm = numberOf(parameters, 'ln', 20)
  const blockSize = numberOf(parameters, 'r', 32)
  const parallelism = numberOf(parameters, 'p', 16)
  const salt = bytesOf(saltText, 8)
  const tag = bytesOf(tagText, 16)
  if (logarithm === null || blockSize === null || parallelism === null || more.length > 0)
    return null
  const cost = 2 ** logarithm
  if (salt === null || tag === null || (cost * blockSize) / 8 > maxMemoryKib) return null
  return { kind: 'scrypt', cost, blockSize, parallelism, salt, tag }
}

/** `pbkdf2-sha512$310000$salt$tag` as Authelia and passlib write it, or `i=310000,l=64` as PHC does. */
function pbkdf2Of(name: string, rest: readonly string[]): PasswordHash | null {
  const digest = pbkdf2Digests.get(name)
  const [parameters = '', saltText = '', tagText = '', ...more] = rest
  if (digest === undefined || more.length > 0) return null
  const written = /^[1-9][0-9]{0,7}$/.test(parameters) ? `i=${parameters}` : parameters
  const rounds = numberOf(written, 'i', 5_000_000)
  const salt = bytesOf(saltText, 8)
  const tag = bytesOf(tagText, 16)
  if (rounds === null || salt === null || tag === null) return null
  return { kind: 'pbkdf2', digest, rounds, salt, tag }
}

const pbkdf2Digests: ReadonlyMap<string, 'sha1' | 'sha256' | 'sha512'> = new Map([
  ['pbkdf2', 'sha1'],
  ['pbkdf2-sha1', 'sha1'],
  ['pbkdf2-sha256', 'sha256'],
  ['pbkdf2-sha512', 'sha512'],
])

/** One of `name=number,…`, each of which stands once. @returns `null`: missing, twice, 0, or more than `max`. */
function numberOf(parameters: string, name: string, max: number): number | null {
  const found = parameters.split(',').filter((part) => part.startsWith(`${name}=`))
  const digits = found.length === 1 ? (found[0] ?? '').slice(name.length + 1) : ''
  if (!/^[1-9][0-9]{0,9}$/.test(digits)) return null
  return Number(digits) <= max ? Number(digits) : null
}

/** Base64 with or without padding; passlib writes `.` for `+`. @returns `null`: something else, or too short. */
function bytesOf(text: string, minBytes: number): Buffer | null {
  if (!/^[A-Za-z0-9+/.]+={0,2}$/.test(text)) return null
  const bytes = Buffer.from(text.replaceAll('.', '+'), 'base64')
  return bytes.length >= minBytes && bytes.length <= 128 ? bytes : null
}

function computed(
  start: (done: (error: Error | null, key: Buffer) => void) => void,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    start((error, key) => (error === null ? resolve(key) : reject(error)))
  })
}

/** bcrypt is in JavaScript and would hold up everybody: it gets a thread, which ends afterwards. */
function matchesBcrypt(password: string, text: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./bcrypt-worker.ts', import.meta.url), {
      workerData: { password, text },
      resourceLimits: { maxOldGenerationSizeMb: 32 },
    })
    const timer = setTimeout(
      () => finish(() => reject(new Error('bcrypt took too long'))),
      bcryptDeadlineMs,
    )
    function finish(settle: () => void): void {
      clearTimeout(timer)
      settle()
      void worker.terminate()
    }
    worker.once('message', (same: unknown) => finish(() => resolve(same === true)))
    worker.once('error', (error) => finish(() => reject(error)))
    worker.once('exit', () => finish(() => reject(new Error('bcrypt ended without an answer'))))
  })
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
