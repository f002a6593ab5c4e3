// A fault in routes.yaml with its place and its remedy, and the text a person reads.

/** One fault. All faults of a file are reported together. */
export interface Problem {
  /** An error keeps the file from being used; a warning does not. */
  readonly severity: 'error' | 'warning'
  /** From the list in docs/routes.md; scripts may depend on it. */
  readonly code: string
  /** 1-based. */
  readonly line: number
  /** 1-based, in UTF-16 units as editors count. */
  readonly column: number
  /** The place as a path into the file, `routes[3].access`; empty for the file as a whole. */
  readonly where: string
  readonly what: string
  /** What to write instead. */
  readonly remedy: string
}

/** A path into the file: keys of maps and positions in lists. */
export type Path = readonly (string | number)[]

/** What a check says of one place; `Reporter` adds line and column. */
export interface Fault {
  readonly code: string
  readonly what: string
  readonly remedy: string
}

/** Collects problems. Checks go on after an error, so that one run shows everything. */
export interface Reporter {
  error(path: Path, fault: Fault): void
  warning(path: Path, fault: Fault): void
}

/** `routes[3].requestHeaders.set.X-A` for `['routes', 3, 'requestHeaders', 'set', 'X-A']`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else text += text === '' ? part : `.${part}`
  }
  return text
}

/** `src/routes.yaml:12:5: error: routes[3].access: what; remedy [code]`, the form editors and CI can jump to. */
export function formatProblem(file: string, problem: Problem): string {
  const { line, column, severity, where, what, remedy, code } = problem
  const place = where === '' ? '' : `${where}: `
  return `${file}:${line}:${column}: ${severity}: ${place}${what}; ${remedy} [${code}]`
}

/** Errors before warnings, then by place in the file. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const rank = (p: Problem) => (p.severity === 'error' ? 0 : 1)
  return problems.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column)
}
