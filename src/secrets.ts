// Secrets from the environment, an environment file, files named by *_FILE, and systemd's credentials directory.

import type { ConfigFiles, ConfigProblem } from './config.ts'

/** Where a variable was written, in the order of precedence: the environment before the environment file. */
export interface VariableSource {
  readonly name: string
  readonly value: string
  /** For messages: `GATEHOUSE_X` or `/etc/gatehouse/gatehouse.env:3`. */
  readonly where: string
  /** 0 beats 1. */
  readonly rank: number
}

export interface Secrets {
  /** `null`: there is no such secret. `smtp-password` and `SMTP_PASSWORD` are the same name. */
  readonly secret: (name: string) => string | null
  /** Canonical names (upper case, `_`), sorted. */
  readonly names: readonly string[]
}

export const secretPrefix = 'GATEHOUSE_SECRET_'
const fileSuffix = '_FILE'
/** A key file is a few kilobytes; anything larger is a wrong path. */
const maxSecretBytes = 64 * 1024

/**
 * Reads every secret at once, so that a missing file is known at start and not at the first request.
 * Values never appear in a problem.
 */
export function readSecrets(
  variables: readonly VariableSource[],
  deps: { readonly files: ConfigFiles; readonly credentialsDir: string | null },
): { readonly secrets: Secrets; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = []
  const values = new Map<string, { value: string; rank: number; where: string }>()

  function add(name: string, found: { value: string | null; rank: number; where: string }): void {
    const { value, rank, where } = found
    if (value === null) return
    if (value === '') {
      problems.push(problem(where, 'is empty', 'give it a value, or remove it'))
      return
    }
    const before = values.get(name)
    if (before !== undefined && before.rank === rank) {
      problems.push(
        problem(where, `gives the secret ${name} a second time (also ${before.where})`, 'keep one'),
      )
      return
    }
    if (before === undefined || rank < before.rank) values.set(name, { value, rank, where })
  }

  function fromFile(path: string, where: string): string | null {
    try {
      const text = deps.files.read(path)
      if (text.length > maxSecretBytes) {
        problems.push(
          problem(where, `${path} is larger than 64 KiB`, 'name the file of the secret'),
        )
        return null
      }
      // Editors end a file with a line feed that is no part of the secret.
      return text.replace(/\r?\n$/, '')
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
      problems.push(problem(where, `cannot read ${path} (${code})`, 'check path and permissions'))
      return null
    }
  }

  for (const { name, value, where, rank } of variables) {
    if (!name.startsWith(secretPrefix)) continue
    const rest = name.slice(secretPrefix.length)
    const isFile = rest.endsWith(fileSuffix)
    const secret = canonicalName(isFile ? rest.slice(0, -fileSuffix.length) : rest)
    if (secret === '') {
      problems.push(problem(where, 'names no secret', `write ${secretPrefix}SOMETHING`))
    } else {
      add(secret, { value: isFile ? fromFile(value, where) : value, rank, where })
    }
  }
  if (deps.credentialsDir !== null) {
    const dir = deps.credentialsDir
    for (const entry of deps.files.list(dir)) {
      const where = `${dir}/${entry}`
      add(canonicalName(entry), { value: fromFile(where, 'CREDENTIALS_DIRECTORY'), rank: 2, where })
    }
  }
  const names = Object.freeze([...values.keys()].sort())
  const secret = (name: string) => values.get(canonicalName(name))?.value ?? null
  return { secrets: Object.freeze({ secret, names }), problems }
}

/** `smtp-password`, `smtp.password` and `SMTP_PASSWORD` are one secret: variables cannot hold `-` or `.`. */
function canonicalName(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_')
}

function problem(where: string, what: string, remedy: string): ConfigProblem {
  return { severity: 'error', where, what, remedy }
}
