// Encrypts values at rest: AES-256-GCM with the key's id in front and the value's place as associated data.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { GatehouseError } from '../errors.ts'
import type { KeyRing } from './key-file.ts'

export interface Vault {
  readonly keys: KeyRing
  /**
   * Encrypts.
   *
   * @param keyId of the key ring. @param place where the value will stand; it opens nowhere else.
   * @throws GatehouseError `key-wrong`: that key is not here.
   */
  seal(keyId: string, place: string, text: string): Uint8Array
  /** @throws GatehouseError `key-wrong`: sealed with a key that is not here; `value-damaged`: changed or moved. */
  unseal(place: string, sealed: Uint8Array): string
}

/** version (1) · key id (8) · nonce (12) · ciphertext · tag (16), bytes. */
const version = 1
const keyIdBytes = 8
const nonceBytes = 12
const tagBytes = 16
const headBytes = 1 + keyIdBytes + nonceBytes

export function createVault(keys: KeyRing): Vault {
  function keyOf(id: string): Uint8Array {
    const key = keys.find(id)
    if (key !== null) return key.bytes
    throw new GatehouseError('key-wrong', `the encryption key ${id} is not here`, {
      remedy: `put back ${keys.file} (every backup holds it), or set the secret ENCRYPTION_KEY`,
    })
  }

  return {
    keys,
    seal(keyId, place, text) {
      // Random nonces: safe for 2³² values per key (NIST SP 800-38D §8.3); a gatehouse writes a few thousand a year.
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', keyOf(keyId), nonce)
      cipher.setAAD(Buffer.from(place))
      const body = cipher.update(text, 'utf8')
      cipher.final()
      const head = Buffer.concat([Buffer.of(version), Buffer.from(keyId, 'hex'), nonce])
      return Buffer.concat([head, body, cipher.getAuthTag()])
    },
    unseal(place, value) {
      if (value.length < headBytes + tagBytes || value[0] !== version) throw damaged(null)
      const sealed = Buffer.from(value.buffer, value.byteOffset, value.length)
      const keyId = sealed.toString('hex', 1, 1 + keyIdBytes)
      const nonce = sealed.subarray(1 + keyIdBytes, headBytes)
      const options = { authTagLength: tagBytes }
      const decipher = createDecipheriv('aes-256-gcm', keyOf(keyId), nonce, options)
      decipher.setAAD(Buffer.from(place))
      decipher.setAuthTag(sealed.subarray(-tagBytes))
      const body = decipher.update(sealed.subarray(headBytes, -tagBytes))
      try {
        decipher.final()
      } catch (cause) {
        throw damaged(cause)
      }
      return body.toString('utf8')
    },
  }
}

function damaged(cause: unknown): GatehouseError {
  return new GatehouseError('value-damaged', 'an encrypted value was changed or moved', {
    remedy: 'restore the database from a backup',
    ...(cause === null ? {} : { cause }),
  })
}
