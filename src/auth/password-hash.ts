// Passwords: hashed with argon2id, one at a time, and verified in the formats that others left behind.

import { argon2, timingSafeEqual } from 'node:crypto'
import type { EventLog } from '../log.ts'
import { matchesPassword, readPasswordHash } from './password-formats.ts'
import type { RandomBytes } from './secret-text.ts'

/** `busy`: nothing was looked at, because too much is being looked at already. */
export type PasswordResult = 'right' | 'wrong' | 'busy'

export interface PasswordHashing {
  /** @returns a PHC string; `null`: busy, try again. */
  hash(password: string): Promise<string | null>
  /** @param stored `null`: there is no such person or password; takes the same time and is `wrong`. */
  verify(password: string, stored: string | null): Promise<PasswordResult>
  /** Was it made in an older format or with weaker parameters than today's? */
  needsRehash(stored: string): boolean
}

export interface PasswordHashingDeps {
  readonly randomBytes: RandomBytes
  /** A clock that nobody sets, milliseconds. */
  readonly steady: () => number
  readonly wait: (ms: number) => Promise<void>
  readonly log: EventLog
}

/** Longest password, UTF-8 bytes: hashing reads all of it. */
export const maxPasswordBytes = 1024

/** OWASP's parameters for argon2id (RFC 9106): 19 MiB, two passes, about 80 ms of one core. */
const today = { memoryKib: 19_456, passes: 2, parallelism: 1 } as const
const saltBytes = 16
const tagBytes = 32

/** How many may wait for their turn. */
const maxWaiting = 20
/** Hashes that may be computed at once in a row, and afterwards per second: a third of one core, whoever asks. */
const budget = { burst: 30, perSecond: 4 } as const

/**
 * A wrong answer comes at the next multiple of this, counted from its turn: so it tells neither which format a hash has
 * nor whether there is one. A right one comes at once. Milliseconds.
 */
const wrongAnswerStepMs = 500

export function createPasswordHashing(deps: PasswordHashingDeps): PasswordHashing {
  const { randomBytes, steady, log } = deps
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  let tokens: number = budget.burst
  let filledAt = steady()

  /** Runs one after the other. @returns `null`: too many wait, or too much was hashed lately. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> | null {
    const now = steady()
    tokens = Math.min(budget.burst, tokens + ((now - filledAt) * budget.perSecond) / 1000)
    filledAt = now
    if (waiting > maxWaiting || tokens < 1) return null
    tokens -= 1
    waiting += 1
    const turn = last.then(work).finally(() => {
      waiting -= 1
    })
    last = turn.catch(() => {})
    return turn
  }

  async function hash(password: string): Promise<string | null> {
    const salt = Buffer.from(randomBytes(saltBytes))
    const turn = inTurn(() => argon2id(password, salt))
    if (turn === null) return null
    const tag = await turn
    const { memoryKib, passes, parallelism } = today
    return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`
  }

  async function verify(password: string, stored: string | null): Promise<PasswordResult> {
    const tooLong = Buffer.byteLength(password) > maxPasswordBytes
    const known = stored === null || tooLong ? null : readPasswordHash(stored)
    if (stored !== null && !tooLong && known === null) log.warn('password-format-unknown')
    let beganAt = 0
    const turn = inTurn(async () => {
      beganAt = steady()
      if (known !== null) return matchesPassword(password, known)
      // Nobody to compare with: the same work, and then no.
      const nobody = await argon2id(tooLong ? '' : password, nobodysSalt)
      timingSafeEqual(nobody, nobodysTag)
      return false
    })
    if (turn === null) return 'busy'
    if (await turn) return 'right'
    const elapsed = steady() - beganAt
    await deps.wait(Math.ceil((elapsed + 1) / wrongAnswerStepMs) * wrongAnswerStepMs - elapsed)
    return 'wrong'
  }

  return { hash, verify, needsRehash }
}

function needsRehash(stored: string): boolean {
  const known = readPasswordHash(stored)
  if (known === null || known.kind !== 'argon2' || known.variant !== 'argon2id') return true
  return known.memoryKib * known.passes < today.memoryKib * today.passes
}

const nobodysSalt = Buffer.alloc(saltBytes)
const nobodysTag = Buffer.alloc(tagBytes)

function argon2id(password: string, salt: Buffer): Promise<Buffer> {
  const { memoryKib: memory, passes, parallelism } = today
  return new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      {
        message: Buffer.from(password),
        nonce: salt,
        parallelism,
        tagLength: tagBytes,
        memory,
        passes,
      },
      (error, tag) => (error === null ? resolve(tag) : reject(error)),
    )
  })
}

/** PHC strings use base64 without padding. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
