// Is this the answer of that key to our challenge (W3C Web Authentication Level 3 §7.2, steps 11 to 24)? With Node's own
// cryptography: the library that checks new keys costs 26 MB once it is loaded, and most people's keys are old.

import { createHash, createPublicKey, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import { readCoseKey } from './cose-key.ts'

export interface AssertionQuestion {
  /** As the browser sent them, base64url. */
  readonly clientDataJSON: string
  readonly authenticatorData: string
  readonly signature: string
  /** Base64url, as it was given to the browser. */
  readonly challenge: string
  readonly origin: string
  /** Relying party id. */
  readonly rpId: string
  readonly userVerification: boolean
  /** COSE key (RFC 9052 §7). */
  readonly publicKey: Uint8Array
}

/** What an authenticator says of itself with an answer that is good. */
export interface AssertionFacts {
  readonly counter: number
  readonly backedUp: boolean
}

/** Flags of authenticator data, §6.1. */
const userPresent = 0x01
const userVerified = 0x04
const backupEligible = 0x08
const backedUpNow = 0x10
const attestedData = 0x40
const extensionData = 0x80
/** RP id hash, flags, counter. */
const plainLength = 37

/** @returns `null`: not good. Never throws; says no more, because nobody but an attacker needs to know which step it was. */
export function checkAssertion(question: AssertionQuestion): AssertionFacts | null {
  try {
    return check(question)
  } catch {
    // Bytes from a stranger: whatever they break, they are no answer.
    return null
  }
}

function check(question: AssertionQuestion): AssertionFacts | null {
  const clientData = bytesOf(question.clientDataJSON)
  const data = bytesOf(question.authenticatorData)
  const signature = bytesOf(question.signature)
  if (clientData === null || data === null || signature === null) return null
  if (!isAnswerTo(clientData, question)) return null

  if (data.length < plainLength) return null
  if (!timingSafeEqual(data.subarray(0, 32), sha256(Buffer.from(question.rpId)))) return null
  const flags = data[32] ?? 0
  const has = (flag: number) => (flags & flag) !== 0
  if (!has(userPresent) || (question.userVerification && !has(userVerified))) return null
  // What cannot be backed up is not backed up (§6.1.3).
  if (has(backedUpNow) && !has(backupEligible)) return null
  // More bytes than are announced would be signed without a meaning.
  if (data.length > plainLength && !has(attestedData) && !has(extensionData)) return null

  const { algorithm, jwk } = readCoseKey(question.publicKey)
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const signed = Buffer.concat([data, sha256(clientData)])
  if (!isSigned(signed, signature, { algorithm, key })) return null
  return { counter: data.readUInt32BE(33), backedUp: has(backedUpNow) }
}

/** Steps 11 to 14. `crossOrigin` and `topOrigin` are the caller's, as for new keys. */
function isAnswerTo(clientData: Buffer, { challenge, origin }: AssertionQuestion): boolean {
  const said: unknown = JSON.parse(clientData.toString('utf8'))
  if (typeof said !== 'object' || said === null) return false
  const { type, challenge: answered, origin: at } = said as Readonly<Record<string, unknown>>
  return type === 'webauthn.get' && answered === challenge && at === origin
}

function isSigned(
  signed: Buffer,
  signature: Buffer,
  { algorithm, key }: { readonly algorithm: -7 | -8 | -257; readonly key: KeyObject },
): boolean {
  switch (algorithm) {
    case -8:
      return verify(null, signed, key, signature)
    case -7:
    case -257:
      // ES256 in DER (§6.5.5), RS256 as RSASSA-PKCS1-v1_5 (RFC 8812 §2): what `verify` does for these keys.
      return verify('sha256', signed, key, signature)
    default:
      return algorithm satisfies never
  }
}

/** `null`: not base64url (RFC 4648 §5) without padding. */
function bytesOf(text: string): Buffer | null {
  return /^[A-Za-z0-9_-]*$/.test(text) ? Buffer.from(text, 'base64url') : null
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
