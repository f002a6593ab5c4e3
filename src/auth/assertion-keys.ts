// The keys that assertions are signed with: made, kept over a restart, replaced every three months.

import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { EventLog } from '../log.ts'
import type { SettingStore } from './setting-store.ts'
import { createStoreTrouble } from './store-trouble.ts'

/** A public key for a JWKS (RFC 7517 §4). */
export interface PublicJwk {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly kid: string
  readonly alg: 'ES256'
  readonly use: 'sig'
}

export interface AssertionKey {
  readonly createdAt: number
  readonly privateKey: KeyObject
  readonly publicJwk: PublicJwk
}

export interface AssertionKeys {
  /** The key to sign with now. */
  current(now: number): AssertionKey
  /** Every key whose signatures may be about, newest first. */
  published(now: number): readonly PublicJwk[]
}

export interface AssertionKeysDeps {
  readonly settings: SettingStore
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly log: EventLog
}

const key = 'assertion-keys'
const replacedAfterMs = 90 * 86_400_000
/** A new key is published before it signs: backends fetch the JWKS now and then, not for every request. */
const publishedBeforeMs = 15 * 60_000
const maxKeys = 2

/**
 * Reads the keys, or makes the first one. A new key that the store refuses is used all the same.
 *
 * @throws GatehouseError `store-unavailable`: the keys cannot be read.
 */
export async function openAssertionKeys(deps: AssertionKeysDeps): Promise<AssertionKeys> {
  const { settings, log } = deps
  const trouble = createStoreTrouble(log, key)
  const text = await settings.get(key)
  let keys: readonly AssertionKey[] = text === null ? [] : readKeys(text)
  if (text !== null && keys.length === 0) log.warn('assertion-keys-unreadable')
  if (keys.length === 0) await replace(deps.now())

  function replace(now: number): Promise<void> {
    keys = [newKey(now), ...keys].slice(0, maxKeys)
    return settings.set(key, writeKeys(keys)).then(trouble.worked, trouble.failed)
  }

  function upToDate(now: number): readonly AssertionKey[] {
    const newest = keys[0]
    if (newest === undefined || now - newest.createdAt > replacedAfterMs) void replace(now)
    return keys
  }

  return {
    current(now) {
      const all = upToDate(now)
      const ready = all.find(({ createdAt }) => now - createdAt >= publishedBeforeMs) ?? all.at(-1)
      if (ready === undefined) throw new TypeError('no assertion key')
      return ready
    },
    published: (now) => upToDate(now).map(({ publicJwk }) => publicJwk),
  }
}

function newKey(createdAt: number): AssertionKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return keyOf(privateKey, Math.floor(createdAt))
}

function keyOf(privateKey: KeyObject, createdAt: number): AssertionKey {
  const { x = '', y = '' } = privateKey.export({ format: 'jwk' })
  // RFC 7638: the hash of the key's own members, in this order.
  const kid = createHash('sha256')
    .update(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`)
    .digest('base64url')
  const publicJwk: PublicJwk = { kty: 'EC', crv: 'P-256', x, y, kid, alg: 'ES256', use: 'sig' }
  return { createdAt, privateKey, publicJwk }
}

function writeKeys(keys: readonly AssertionKey[]): string {
  return JSON.stringify(
    keys.map(({ createdAt, privateKey }) => ({
      createdAt,
      pkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    })),
  )
}

function readKeys(text: string): readonly AssertionKey[] {
  try {
    const data: unknown = JSON.parse(text)
    return Array.isArray(data) ? data.map(readKey) : []
  } catch {
    return []
  }
}

function readKey(item: unknown): AssertionKey {
  const { createdAt, pkcs8 } = item as { readonly createdAt: unknown; readonly pkcs8: unknown }
  if (typeof createdAt !== 'number' || typeof pkcs8 !== 'string') throw new TypeError('no key')
  const privateKey = createPrivateKey({
    key: Buffer.from(pkcs8, 'base64'),
    format: 'der',
    type: 'pkcs8',
  })
  if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new TypeError('no P-256')
  return keyOf(privateKey, createdAt)
}
