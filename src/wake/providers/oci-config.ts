// Where the key for Oracle Cloud comes from: an OCI config file (`~/.oci/config`), or secrets. Read anew for every call.

import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import type { EventLog } from '../../log.ts'
import { CloudError } from '../provider.ts'
import type { OciIdentity } from './oci-signature.ts'

export interface OciConfigDeps {
  /** A secret by name; `null`: there is none. */
  readonly secret: (name: string) => string | null
  /** For `~/` in a path; `null`: the process has no home. */
  readonly home: string | null
  readonly log: EventLog
}

export interface OciKeySource {
  /** `null`: the secrets `OCI_TENANCY`, `OCI_USER`, `OCI_FINGERPRINT`, `OCI_KEY` and, for a key that has one, `OCI_PASSPHRASE`. */
  readonly configFile: string | null
  readonly profile: string
}

/**
 * Answers with the identity as it is now: a key that is exchanged holds from the next call on. Files that others may
 * read are warned of once each.
 *
 * @returns a function that throws CloudError `denied` when something is missing or does not fit together; it never says
 * more of a secret than its name.
 */
export function ociIdentities(
  source: OciKeySource,
  deps: OciConfigDeps,
): () => Promise<OciIdentity> {
  const warned = new Set<string>()

  /** A small text file that should be nobody else's business. */
  async function readPrivate(path: string, what: string): Promise<string> {
    try {
      const info = await stat(path)
      if (!info.isFile()) throw new CloudError('denied', `${what} ${path} is no file`)
      if (info.size > maxFileBytes) throw new CloudError('denied', `${what} ${path} is too large`)
      if ((info.mode & 0o077) !== 0 && !warned.has(path)) {
        warned.add(path)
        deps.log.warn('cloud-key-readable', {
          path,
          mode: `0${(info.mode & 0o777).toString(8)}`,
          remedy: `others than its owner may read it: chmod 600 ${path}`,
        })
      }
      return await readFile(path, 'utf8')
    } catch (error) {
      if (error instanceof CloudError) throw error
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
      throw new CloudError('denied', `cannot read ${what} ${path} (${code})`)
    }
  }

  async function fromFile(path: string): Promise<Credentials> {
    const profile = readProfile(await readPrivate(path, 'the OCI config file'), source.profile)
    if (profile === null) throw new CloudError('denied', `${path} has no profile ${source.profile}`)
    const token = profile.get('security_token_file') ?? profile.get('authentication_type')
    if (token !== undefined) {
      const what = `profile ${source.profile} of ${path} is a session or an instance principal`
      throw new CloudError('denied', `${what}: make an API key, which does not expire`)
    }
    const value = (name: string): string => {
      const found = profile.get(name)
      if (found !== undefined && found !== '') return found
      throw new CloudError('denied', `${path} has no ${name} in profile ${source.profile}`)
    }
    const keyFile = keyPath(value('key_file'), path, deps.home)
    return {
      tenancy: value('tenancy'),
      user: value('user'),
      fingerprint: value('fingerprint'),
      passphrase: profile.get('pass_phrase') ?? null,
      key: await readPrivate(keyFile, 'the key'),
      from: keyFile,
    }
  }

  function fromSecrets(): Credentials {
    const value = (name: string): string => {
      const found = deps.secret(name)?.trim()
      if (found !== undefined && found !== '') return found
      throw new CloudError('denied', `the secret ${name} is missing (GATEHOUSE_SECRET_${name})`)
    }
    return {
      tenancy: value('OCI_TENANCY'),
      user: value('OCI_USER'),
      fingerprint: value('OCI_FINGERPRINT'),
      passphrase: deps.secret('OCI_PASSPHRASE'),
      key: value('OCI_KEY'),
      from: 'the secret OCI_KEY',
    }
  }

  return async () => {
    const { configFile } = source
    return identityOf(configFile === null ? fromSecrets() : await fromFile(configFile))
  }
}

interface Credentials {
  readonly tenancy: string
  readonly user: string
  readonly fingerprint: string
  readonly passphrase: string | null
  /** PEM. */
  readonly key: string
  /** For messages. */
  readonly from: string
}

/** Keys have two kilobytes, config files less. */
const maxFileBytes = 64 * 1024

/**
 * One profile of an OCI config file; what it lacks comes from `DEFAULT`, as with Oracle's own programs.
 *
 * @returns `null`: there is no such profile.
 */
export function readProfile(text: string, name: string): ReadonlyMap<string, string> | null {
  const profiles = new Map<string, Map<string, string>>()
  let current: Map<string, string> | null = null
  for (const row of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const line = row.trim()
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    const header = /^\[\s*(.*?)\s*\]$/.exec(line)
    if (header !== null) {
      const title = header[1] ?? ''
      current = profiles.get(title) ?? new Map()
      profiles.set(title, current)
      continue
    }
    const at = line.indexOf('=')
    // The line `OCI_API_KEY`, which some append to everything, and other strays: not ours to judge.
    if (at > 0) current?.set(line.slice(0, at).trim(), line.slice(at + 1).trim())
  }
  const own = profiles.get(name)
  if (own === undefined) return null
  return new Map([...(profiles.get('DEFAULT') ?? []), ...own])
}

/** A service starts in no directory in particular: a relative path is one beside the config file. */
function keyPath(written: string, configFile: string, home: string | null): string {
  if (isAbsolute(written)) return written
  if (!written.startsWith('~/')) return join(dirname(configFile), written)
  if (home !== null) return join(home, written.slice(2))
  throw new CloudError(
    'denied',
    `key_file of ${configFile} begins with ~, and the service has no home`,
  )
}

function identityOf(credentials: Credentials): OciIdentity {
  const { tenancy, user, fingerprint, from } = credentials
  for (const [name, value, form] of [
    ['tenancy', tenancy, /^ocid1\.tenancy\.[\w.-]+$/],
    ['user', user, /^ocid1\.user\.[\w.-]+$/],
    ['fingerprint', fingerprint, /^[0-9a-f]{2}(?::[0-9a-f]{2}){15}$/i],
  ] as const) {
    // They go into a header: what is no OCID and no fingerprint must not reach it.
    if (!form.test(value)) throw new CloudError('denied', `${name} is not written as one`)
  }
  const privateKey = parseKey(credentials)
  if (privateKey.asymmetricKeyType !== 'rsa') {
    throw new CloudError('denied', `${from} is no RSA key; Oracle Cloud takes nothing else`)
  }
  if (fingerprintOf(privateKey) !== fingerprint.toLowerCase()) {
    throw new CloudError('denied', `the fingerprint is of another key than ${from}`)
  }
  return { keyId: `${tenancy}/${user}/${fingerprint}`, privateKey }
}

function parseKey({ key, passphrase, from }: Credentials): KeyObject {
  // A variable of the environment often has its line feeds written as \n.
  const pem = key.includes('\n') ? key : key.replaceAll('\\n', '\n')
  try {
    return createPrivateKey(passphrase === null ? pem : { key: pem, passphrase })
  } catch {
    // What the library says of it goes no further: it may quote what it was given.
    const why = passphrase === null ? 'or needs a passphrase' : 'or the passphrase is wrong'
    throw new CloudError('denied', `${from} is no private key in PEM, ${why}`)
  }
}

/** As the console shows it: MD5 over the public key (a name, not a protection). */
export function fingerprintOf(key: KeyObject): string {
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const hex = createHash('md5').update(der).digest('hex')
  return hex.replace(/(..)(?=.)/g, '$1:')
}
