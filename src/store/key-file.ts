// The encryption keys: a file of our own in the data directory, or secrets given from outside. Encrypts nothing.

import { createHash, randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { GatehouseError } from '../errors.ts'
import { codeOf, createPrivateFile, replacePrivateFile } from './private-file.ts'

export interface Key {
  /** 16 hexadecimal digits, made from the key; no secret. */
  readonly id: string
  /** 32. */
  readonly bytes: Uint8Array
}

export interface KeyRing {
  /** Path of the key file, whether there is one or not. */
  readonly file: string
  /** @returns `null`: not here, also after the file was read again. @throws GatehouseError as `primary`. */
  find(id: string): Key | null
  /**
   * The key for new databases: the secret `ENCRYPTION_KEY`, else the first of the key file, which is made (0600) when
   * there is none.
   *
   * @throws GatehouseError `key-exposed`: others may read the file; `key-invalid`: it holds no key; `key-unreadable`.
   */
  primary(): Key
  /**
   * The key to change to: the secret, when one is given; else a new one, written to the file behind the others. Only
   * for a caller that holds the database's write lock.
   */
  next(): Key
  /** Takes all keys but one out of the file, if that one is in it. Only under the database's write lock. */
  keepOnly(id: string): void
  /** Where the key comes from: `secret`, or `file`. `null`: it is not here. */
  source(id: string): 'secret' | 'file' | null
  /** The text of a key file that holds these keys. */
  export(ids: readonly string[]): string
}

const keyBytes = 32
const maxFileBytes = 65_536
const heading =
  '# Encryption key of Gatehouse. Whoever has it and the database has everything; without it the database is lost.\n'
const keyLine = /^gatehouse-key-1 ([A-Za-z0-9_-]{43})$/

/** @param sources.secret gives `ENCRYPTION_KEY`, and for a change of keys `ENCRYPTION_KEY_PREVIOUS`. */
export function createKeyRing(sources: {
  readonly file: string
  readonly secret: (name: string) => string | null
}): KeyRing {
  const { file, secret } = sources
  const current = secretKey(secret('ENCRYPTION_KEY'), 'ENCRYPTION_KEY')
  const previous = secretKey(secret('ENCRYPTION_KEY_PREVIOUS'), 'ENCRYPTION_KEY_PREVIOUS')
  const given = [current, previous].filter((key) => key !== null)
  let inFile: readonly Key[] | null = null

  const known = (id: string) =>
    given.find((key) => key.id === id) ?? inFile?.find((key) => key.id === id) ?? null

  /** Another process may have changed the file: what matters is never taken from memory. */
  function load(): readonly Key[] {
    inFile = readKeyFile(file)
    return inFile
  }

  function make(): Key {
    const key = keyOf(randomBytes(keyBytes))
    if (createPrivateFile(file, render([key]))) inFile = [key]
    else load()
    const [first] = inFile ?? []
    if (first === undefined) throw invalid(file)
    return first
  }

  return {
    file,
    find(id) {
      const key = known(id)
      if (key !== null) return key
      load()
      return known(id)
    },
    primary() {
      return current ?? load()[0] ?? make()
    },
    next() {
      if (current !== null) return current
      const key = keyOf(randomBytes(keyBytes))
      const keys = [...load(), key]
      replacePrivateFile(file, render(keys))
      inFile = keys
      return key
    },
    keepOnly(id) {
      const keys = load()
      const kept = keys.filter((key) => key.id === id)
      if (kept.length === 0 || kept.length === keys.length) return
      replacePrivateFile(file, render(kept))
      inFile = kept
    },
    source(id) {
      if (given.some((key) => key.id === id)) return 'secret'
      return load().some((key) => key.id === id) ? 'file' : null
    },
    export(ids) {
      return render(ids.map((id) => known(id)).filter((key) => key !== null))
    },
  }
}

/**
 * The keys in the text of a key file.
 *
 * @returns `null`: a line is neither key nor comment, or there is no key.
 */
export function parseKeyFile(text: string): readonly Key[] | null {
  const keys: Key[] = []
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const encoded = keyLine.exec(line.trimEnd())?.[1]
    if (encoded === undefined) return null
    keys.push(keyOf(Buffer.from(encoded, 'base64url')))
  }
  return keys.length === 0 ? null : keys
}

function readKeyFile(file: string): readonly Key[] {
  let descriptor: number
  try {
    // Without O_NONBLOCK the opening of a FIFO waits for a writer, for ever.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return []
    throw new GatehouseError('key-unreadable', `cannot read the encryption key in ${file}`, {
      remedy: 'give it to the user of the gateway',
      cause,
    })
  }
  try {
    const info = fstatSync(descriptor)
    if (!info.isFile() || info.size > maxFileBytes) throw invalid(file)
    if ((info.mode & 0o077) !== 0) {
      const mode = (info.mode & 0o777).toString(8)
      throw new GatehouseError('key-exposed', `others may read ${file} (mode ${mode})`, {
        remedy: `run "chmod 600 ${file}"; if somebody may have read it, then "gatehouse key rotate"`,
      })
    }
    const keys = parseKeyFile(readFileSync(descriptor, 'utf8'))
    if (keys === null) throw invalid(file)
    return keys
  } finally {
    closeSync(descriptor)
  }
}

/** 32 bytes as base64, base64url or hexadecimal. */
function secretKey(text: string | null, name: string): Key | null {
  if (text === null) return null
  if (/^[0-9a-fA-F]{64}$/.test(text)) return keyOf(Buffer.from(text, 'hex'))
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return keyOf(Buffer.from(text, 'base64'))
  throw new GatehouseError('key-invalid', `the secret ${name} is no key of 32 bytes`, {
    remedy: 'make one by "openssl rand -base64 32"',
  })
}

function keyOf(bytes: Uint8Array): Key {
  const digest = createHash('sha256').update('gatehouse key id\n').update(bytes).digest('hex')
  return { id: digest.slice(0, 16), bytes }
}

function render(keys: readonly Key[]): string {
  const lines = keys.map(
    ({ bytes }) => `gatehouse-key-1 ${Buffer.from(bytes).toString('base64url')}`,
  )
  return `${heading}${lines.join('\n')}\n`
}

function invalid(file: string): GatehouseError {
  return new GatehouseError('key-invalid', `${file} is not a key file`, {
    remedy: 'put the right file back; every backup holds it',
  })
}
