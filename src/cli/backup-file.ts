// The form of a backup: one file with named contents, a sum over everything, encrypted if wished. Touches no disk.

import {
  argon2Sync,
  createCipheriv,
  createDecipheriv,
  createHash,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { GatehouseError } from '../errors.ts'

/** One file in a backup. */
export interface Content {
  /** Below one root, `/` between parts: `routes.yaml`, `certs/example.com/key.pem`. */
  readonly name: string
  readonly data: Buffer
}

export interface Backup {
  /** Wall clock, milliseconds. */
  readonly createdAt: number
  /** Version of the program that made it. */
  readonly madeBy: string
  readonly contents: readonly Content[]
}

/** What can be seen without a passphrase. */
export interface BackupHead {
  readonly createdAt: number
  readonly encrypted: boolean
}

/** `magic` · head (a line of JSON) · body · SHA-256 of all before. The body is gzip, or gzip under AES-256-GCM. */
const magic = 'gatehouse-backup 1\n'
const sumBytes = 32
const tagBytes = 16
const maxHeadBytes = 4096
/** Unpacked; nothing a gatehouse keeps comes near. Held in memory as a whole. */
const maxBodyBytes = 1024 * 1024 * 1024
/** RFC 9106 §4, the second recommended option: 64 MiB, about 0.3 s. */
const cost = { memoryKib: 65_536, passes: 3, lanes: 4 }
/** What a file may ask of this machine; it may come from anywhere. */
const maxCost = { memoryKib: 1_048_576, passes: 16, lanes: 16 }

interface Encryption {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
  readonly salt: Buffer
  readonly nonce: Buffer
}

/** @param passphrase `null`: not encrypted, and whoever has the file has everything. */
export function packBackup(backup: Backup, passphrase: string | null): Buffer {
  const { createdAt, madeBy, contents } = backup
  const manifest = {
    madeBy,
    files: contents.map(({ name, data }) => ({
      name,
      bytes: data.length,
      sha256: sha256Hex(data),
    })),
  }
  const plain = gzipSync(
    Buffer.concat([
      Buffer.from(`${JSON.stringify(manifest)}\n`),
      ...contents.map(({ data }) => data),
    ]),
  )
  const encryption =
    passphrase === null ? null : { ...cost, salt: randomBytes(16), nonce: randomBytes(12) }
  const head = {
    created: new Date(createdAt).toISOString(),
    encryption:
      encryption === null
        ? null
        : {
            kdf: 'argon2id',
            ...encryption,
            salt: encryption.salt.toString('base64'),
            nonce: encryption.nonce.toString('base64'),
            cipher: 'aes-256-gcm',
          },
  }
  const top = Buffer.from(`${magic}${JSON.stringify(head)}\n`)
  const body =
    encryption === null || passphrase === null
      ? plain
      : encrypt(plain, { top, key: keyOf(passphrase, encryption), nonce: encryption.nonce })
  const all = Buffer.concat([top, body])
  return Buffer.concat([all, sha256(all)])
}

/**
 * Is it a whole backup, and does it need a passphrase?
 *
 * @throws GatehouseError `not-a-backup`, `backup-newer`, `backup-damaged`.
 */
export function readBackupHead(file: Buffer): BackupHead {
  const { createdAt, encryption } = split(file)
  return { createdAt, encrypted: encryption !== null }
}

/**
 * Everything in it, every sum checked.
 *
 * @throws GatehouseError as `readBackupHead`; `passphrase-wrong`.
 */
export function unpackBackup(file: Buffer, passphrase: string | null): Backup {
  const { top, body, createdAt, encryption } = split(file)
  let plain = body
  if (encryption !== null) {
    const key = keyOf(passphrase ?? '', encryption)
    const opened = decrypt(body, { top, key, nonce: encryption.nonce })
    if (opened === null) {
      throw new GatehouseError('passphrase-wrong', 'the passphrase does not open this backup')
    }
    plain = opened
  }
  let unpacked: Buffer
  try {
    unpacked = gunzipSync(plain, { maxOutputLength: maxBodyBytes })
  } catch (cause) {
    throw damaged('cannot be unpacked', cause)
  }
  return { createdAt, ...readContents(unpacked) }
}

function split(file: Buffer): {
  readonly top: Buffer
  readonly body: Buffer
  readonly createdAt: number
  readonly encryption: Encryption | null
} {
  if (!file.subarray(0, magic.length).equals(Buffer.from(magic))) {
    const other = /^gatehouse-backup \d+\n/.test(file.toString('latin1', 0, 32))
    if (!other) {
      throw new GatehouseError('not-a-backup', 'this file is no backup of Gatehouse')
    }
    throw new GatehouseError('backup-newer', 'this backup was made by a newer version', {
      remedy: 'restore it with that version',
    })
  }
  const end = file.length - sumBytes
  if (end < magic.length || !timingSafeEqual(sha256(file.subarray(0, end)), file.subarray(end))) {
    throw damaged('was cut off or changed', null)
  }
  const headEnd = file.subarray(0, magic.length + maxHeadBytes).indexOf('\n', magic.length)
  const head = parse(file.toString('utf8', magic.length, Math.max(headEnd, magic.length)))
  const createdAt = Date.parse(String(member(head, 'created')))
  if (headEnd === -1 || Number.isNaN(createdAt)) throw damaged('has no head', null)
  const encryption = member(head, 'encryption')
  return {
    top: file.subarray(0, headEnd + 1),
    body: file.subarray(headEnd + 1, end),
    createdAt,
    encryption: encryption === null ? null : readEncryption(encryption),
  }
}

function readEncryption(value: unknown): Encryption {
  const encryption = {
    memoryKib: within(value, 'memoryKib'),
    passes: within(value, 'passes'),
    lanes: within(value, 'lanes'),
    salt: Buffer.from(String(member(value, 'salt')), 'base64'),
    nonce: Buffer.from(String(member(value, 'nonce')), 'base64'),
  }
  if (encryption.salt.length !== 16 || encryption.nonce.length !== 12)
    throw damaged('has no head', null)
  return encryption
}

function within(value: unknown, name: keyof typeof maxCost): number {
  const found = member(value, name)
  if (Number.isSafeInteger(found) && Number(found) >= 1 && Number(found) <= maxCost[name]) {
    return Number(found)
  }
  throw damaged(`asks for too much (${name})`, null)
}

function readContents(unpacked: Buffer): Pick<Backup, 'madeBy' | 'contents'> {
  const end = unpacked.indexOf('\n')
  const manifest = parse(unpacked.toString('utf8', 0, Math.max(end, 0)))
  const files = member(manifest, 'files')
  if (!Array.isArray(files)) throw damaged('has no list of files', null)
  const contents: Content[] = []
  let at = end + 1
  for (const file of files) {
    const name = String(member(file, 'name'))
    const bytes = Number(member(file, 'bytes'))
    if (!isSafeName(name) || contents.some((content) => content.name === name)) {
      throw damaged(`holds a file with the name ${JSON.stringify(name)}`, null)
    }
    const data = unpacked.subarray(at, at + bytes)
    if (!(bytes >= 0) || sha256Hex(data) !== member(file, 'sha256')) {
      throw damaged(`holds a damaged ${name}`, null)
    }
    contents.push({ name, data })
    at += bytes
  }
  if (at !== unpacked.length) throw damaged('holds more than it lists', null)
  return { madeBy: String(member(manifest, 'madeBy')), contents }
}

/** Nothing that could lead out of the directory it is unpacked in, nor hide there. */
function isSafeName(name: string): boolean {
  const parts = name.split('/')
  return parts.every((part) => part !== '' && !part.startsWith('.') && !/[\p{Cc}\\]/u.test(part))
}

interface CipherInput {
  readonly top: Buffer
  readonly key: Buffer
  readonly nonce: Buffer
}

function encrypt(plain: Buffer, { top, key, nonce }: CipherInput): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(top)
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([body, cipher.getAuthTag()])
}

function decrypt(body: Buffer, { top, key, nonce }: CipherInput): Buffer | null {
  if (body.length < tagBytes) throw damaged('was cut off or changed', null)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(top)
  decipher.setAuthTag(body.subarray(-tagBytes))
  const plain = decipher.update(body.subarray(0, -tagBytes))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch {
    return null
  }
}

function keyOf(passphrase: string, { memoryKib, passes, lanes, salt }: Encryption): Buffer {
  return argon2Sync('argon2id', {
    // The same letters typed on another keyboard are the same passphrase.
    message: Buffer.from(passphrase.normalize('NFKC')),
    nonce: salt,
    parallelism: lanes,
    tagLength: 32,
    memory: memoryKib,
    passes,
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw damaged('has no head', cause)
  }
}

function member(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null ? Reflect.get(holder, name) : undefined
}

function damaged(what: string, cause: unknown): GatehouseError {
  return new GatehouseError('backup-damaged', `this backup ${what}`, {
    remedy: 'take another copy of it, or an older backup',
    ...(cause === null ? {} : { cause }),
  })
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}

function sha256Hex(data: Buffer): string {
  return sha256(data).toString('hex')
}
