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
  const trace: Map<number, number>[] = []
  const limit = Math.min(a.length + b.length, maxEdits)
  let reached = new Map<number, number>([[1, 0]])
  for (let d = 0; d <= limit; d++) {
    trace.push(new Map(reached))
    const next = new Map(reached)
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && at(next, k - 1) < at(next, k + 1))
      let x = down ? at(next, k + 1) : at(next, k - 1) + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1
      next.set(k, x)
      if (x >= a.length && x - k >= b.length) return way(trace, a, b)
    }
    reached = next
  }
  return [...a.map(gone), ...b.map(fresh)]
}

function way(
  trace: readonly ReadonlyMap<number, number>[],
  a: readonly string[],
  b: readonly string[],
): readonly Line[] {
  const lines: Line[] = []
  let x = a.length
  let y = b.length
  for (let d = trace.length - 1; d >= 0; d--) {
    const reached = trace[d] ?? new Map<number, number>()
    const k = x - y
    const down = k === -d || (k !== d && at(reached, k - 1) < at(reached, k + 1))
    const from = down ? k + 1 : k - 1
    const startX = d === 0 ? 0 : at(reached, from)
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

function at(reached: ReadonlyMap<number, number>, k: number): number {
  return reached.get(k) ?? -1
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
