// Recovery codes: made, written down by people, typed in again years later.

import { type RandomBytes, secretHash } from './secret-text.ts'

/** How many a person gets at once. */
export const recoveryCodeCount = 10

/**
 * Codes of 100 bits as people write them: `ABCDE-FGHJK-MNPQR-STVWX`, in an alphabet without I, L, O and U (Crockford's
 * Base 32), so that nothing on paper can be read as something else.
 */
export function newRecoveryCodes(randomBytes: RandomBytes): readonly string[] {
  return Array.from({ length: recoveryCodeCount }, () => {
    // A byte modulo 32 is as random as the byte.
    const characters = Array.from(randomBytes(codeLength), (byte) => alphabet[byte % 32] ?? '')
    return characters.join('').replace(/.{5}(?!$)/g, '$&-')
  })
}

/**
 * What is stored of a code, and what a typed one is looked up by. Case, spaces and dashes do not matter, and letters
 * that are no digits of ours are read as the ones they look like.
 *
 * @returns `null`: it cannot be one of ours.
 */
export function recoveryCodeHash(typed: string): string | null {
  if (typed.length > maxTyped) return null
  const code = typed
    .toUpperCase()
    .replace(/[\s\p{Pd}]/gu, '')
    .replace(/[IL]/g, '1')
    .replace(/O/g, '0')
  if (code.length !== codeLength) return null
  return [...code].every((character) => alphabet.includes(character)) ? secretHash(code) : null
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** 20 × 5 bits. */
const codeLength = 20
const maxTyped = 64
