// Reads an environment file: NAME=value lines as systemd's EnvironmentFile= and `docker --env-file` take them.

export interface EnvironmentLine {
  readonly name: string
  readonly value: string
  /** Counted from 1. */
  readonly line: number
}

export interface EnvironmentFile {
  readonly lines: readonly EnvironmentLine[]
  /** Lines that are none of NAME=value, comment, or empty. The text is not repeated: it may hold a secret. */
  readonly malformed: readonly { readonly line: number; readonly what: string }[]
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * Whole-line comments begin with `#` or `;`; a value may stand in single or double quotes, of which double
 * quotes know `\"`, `\\`, `\n`, `\t`. Nothing is expanded and a `#` inside a value belongs to it, because
 * passwords contain both.
 */
export function parseEnvironmentFile(text: string): EnvironmentFile {
  const lines: EnvironmentLine[] = []
  const malformed: { line: number; what: string }[] = []
  const seen = new Map<string, number>()
  const rows = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  for (const [index, row] of rows.entries()) {
    const line = index + 1
    const trimmed = row.trim()
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue
    const equals = trimmed.indexOf('=')
    const name = trimmed
      .slice(0, Math.max(equals, 0))
      .replace(/^export\s+/, '')
      .trimEnd()
    if (equals === -1 || !namePattern.test(name)) {
      malformed.push({ line, what: 'is not NAME=value' })
      continue
    }
    const value = unquote(trimmed.slice(equals + 1).trim())
    if (value === null) {
      malformed.push({ line, what: `the value of ${name} has an opening quote and no closing one` })
      continue
    }
    const before = seen.get(name)
    if (before !== undefined)
      malformed.push({ line, what: `${name} is already set on line ${before}` })
    seen.set(name, line)
    lines.push({ name, value, line })
  }
  return { lines, malformed }
}

function unquote(text: string): string | null {
  const quote = text[0]
  if (quote !== '"' && quote !== "'") return text
  if (text.length < 2 || text.at(-1) !== quote) return null
  const inner = text.slice(1, -1)
  if (quote === "'") return inner
  return inner.replace(/\\(["\\nt$`])/g, (_, c: string) =>
    c === 'n' ? '\n' : c === 't' ? '\t' : c,
  )
}
