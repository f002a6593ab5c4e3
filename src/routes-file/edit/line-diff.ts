// The difference between two texts, line by line, as `diff -u` groups it.

export interface DiffHunk {
  /** 1-based first line in the old and in the new text. */
  readonly from: number
  readonly to: number
  readonly lines: readonly {
    readonly kind: 'same' | 'gone' | 'new'
    /** Without its line break. */
    readonly text: string
  }[]
}

/** Lines around a change. */
const context = 3
/** Beyond, the way is no longer looked for: what differs is shown as gone and new. */
const maxEdits = 1500

/** Empty when the lines are equal. A last line without a line break differs from one with it. */
export function lineDiff(before: string, after: string): readonly DiffHunk[] {
  const differ = before.endsWith('\n') !== after.endsWith('\n')
  const a = linesOf(before, differ)
  const b = linesOf(after, differ)
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1
  let tail = 0
  const most = Math.min(a.length, b.length) - head
  while (tail < most && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1
  const middle = edits(a.slice(head, a.length - tail), b.slice(head, b.length - tail))
  const all: Line[] = [
    ...a.slice(0, head).map((text): Line => ({ kind: 'same', text })),
    ...middle,
    ...a.slice(a.length - tail).map((text): Line => ({ kind: 'same', text })),
  ]
  return grouped(all)
}

type Line = DiffHunk['lines'][number]

/** @param marked a last line without its break is another line than one with it. */
function linesOf(text: string, marked: boolean): readonly string[] {
  if (text === '') return []
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''))
  if (lines.at(-1) === '') lines.pop()
  else if (marked) lines[lines.length - 1] += '  (no line break at the end of the file)'
  return lines
}

/** Myers' greedy algorithm: the shortest way from one to the other, deletions first. */
function edits(a: readonly string[], b: readonly string[]): readonly Line[] {
  const gone = (text: string): Line => ({ kind: 'gone', text })
  const fresh = (text: string): Line => ({ kind: 'new', text })
  if (a.length === 0 || b.length === 0) return [...a.map(gone), ...b.map(fresh)]
  const limit = Math.min(a.length + b.length, maxEdits)
  /** How far into `a` each diagonal k is reached, at `zero + k`; -1: not at all. */
  const reached = new Int32Array(2 * limit + 3).fill(-1)
  const zero = limit + 1
  reached[zero + 1] = 0
  // Of each round only the diagonals it looks at: two files that have nothing in common take 9 MB then, not 300.
  const trace: Int32Array[] = []
  for (let d = 0; d <= limit; d++) {
    trace.push(reached.slice(zero - d - 1, zero + d + 2))
    for (let k = -d; k <= d; k += 2) {
      let x = goesDown(reached, zero, { k, d })
        ? at(reached, zero + k + 1)
        : at(reached, zero + k - 1) + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1
      reached[zero + k] = x
      if (x >= a.length && x - k >= b.length) return way(trace, a, b)
    }
  }
  return [...a.map(gone), ...b.map(fresh)]
}

/** @param trace diagonal k of round d stands at `d + 1 + k`. */
function way(
  trace: readonly Int32Array[],
  a: readonly string[],
  b: readonly string[],
): readonly Line[] {
  const lines: Line[] = []
  let x = a.length
  let y = b.length
  for (let d = trace.length - 1; d >= 0; d--) {
    const reached = trace[d] ?? new Int32Array()
    const k = x - y
    const down = goesDown(reached, d + 1, { k, d })
    const from = down ? k + 1 : k - 1
    const startX = d === 0 ? 0 : at(reached, d + 1 + from)
    const startY = d === 0 ? 0 : startX - from
    while (x > startX && y > startY) {
      x -= 1
      y -= 1
      lines.push({ kind: 'same', text: a[x] ?? '' })
    }
    if (d === 0) break
    if (down) lines.push({ kind: 'new', text: b[startY] ?? '' })
    else lines.push({ kind: 'gone', text: a[startX] ?? '' })
    x = startX
    y = startY
  }
  return lines.reverse()
}

/** Whether diagonal k is come to by a line of the new text, and not by leaving out one of the old. */
function goesDown(
  reached: Int32Array,
  zero: number,
  { k, d }: { readonly k: number; readonly d: number },
): boolean {
  return k === -d || (k !== d && at(reached, zero + k - 1) < at(reached, zero + k + 1))
}

function at(reached: Int32Array, index: number): number {
  return reached[index] ?? -1
}

function grouped(all: readonly Line[]): readonly DiffHunk[] {
  const hunks: DiffHunk[] = []
  let lines: Line[] = []
  let quiet = 0
  let [from, to] = [1, 1]
  let [start, startTo] = [1, 1]
  const close = (): void => {
    const extra = Math.max(0, quiet - context)
    if (lines.some(({ kind }) => kind !== 'same')) {
      hunks.push({ from: start, to: startTo, lines: lines.slice(0, lines.length - extra) })
    }
    lines = []
  }
  for (const line of all) {
    if (line.kind === 'same' && quiet >= 2 * context && lines.some((l) => l.kind !== 'same')) {
      close()
    }
    if (lines.length === 0) [start, startTo] = [from, to]
    lines.push(line)
    quiet = line.kind === 'same' ? quiet + 1 : 0
    if (lines.every(({ kind }) => kind === 'same') && lines.length > context) {
      lines.shift()
      start += 1
      startTo += 1
    }
    if (line.kind !== 'new') from += 1
    if (line.kind !== 'gone') to += 1
  }
  close()
  return hunks
}
