// Passwords: hashed with argon2id, one at a time, and verified in the formats that others left behind.

export type PasswordResult = 'right' | 'wrong' | 'busy'

export interface PasswordHashing {
  /** @returns a PHC string; `null`: too many are waiting, try again. */
  hash(password: string): Promise<string | null>
  /** @param stored `null`: there is no such person or password; takes the same time and is `wrong`. */
  verify(password: string, stored: string | null): Promise<PasswordResult>
  /** Was it made with weaker parameters than today's? */
  needsRehash(stored: string): boolean
}
