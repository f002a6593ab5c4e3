// What doctor found about one thing.

export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail'
  /** One word: `ports`, `names` … */
  readonly about: string
  readonly what: string
  /** `null` when all is well. */
  readonly remedy: string | null
}

export function ok(about: string, what: string): Finding {
  return { level: 'ok', about, what, remedy: null }
}

export function warn(about: string, what: string, remedy: string): Finding {
  return { level: 'warn', about, what, remedy }
}

export function fail(about: string, what: string, remedy: string): Finding {
  return { level: 'fail', about, what, remedy }
}

/** `a, b, c and 4 more`. */
export function listed(names: readonly string[], most = 4): string {
  if (names.length <= most) return names.join(', ')
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`
}

/** Runs `work` for each item, at most `width` at a time; results in order. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  async function worker(): Promise<void> {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index]
      if (item !== undefined) results[index] = await work(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  return results
}

/** The code of a system error (`ECONNREFUSED`), or its message. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code)
  return error instanceof Error ? error.message : String(error)
}
