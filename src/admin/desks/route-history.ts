// Earlier texts of routes.yaml: who wrote them, when, and what for. Bounded in number and in bytes.

import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { RouteVersion } from './types.ts'

export interface NewVersion {
  readonly at: number
  /** `null`: not through the admin. */
  readonly by: string | null
  readonly note: string | null
  readonly summary: string
  readonly etag: string
  readonly text: string
}

export interface RouteHistory {
  /** Resolves when it is on the disk. @throws the file system's error. */
  add(version: NewVersion): Promise<void>
  /** `etag` of the newest text; `null`: there is none. */
  newest(): Promise<string | null>
  /** Newest first. @param cursor id of the last one that was seen. */
  page(
    cursor: string | null,
  ): Promise<{ readonly items: readonly RouteVersion[]; readonly next: string | null }>
  /** `null`: there is none of this id. */
  text(id: string): Promise<string | null>
}

const most = 200
const mostBytes = 32 * 1024 * 1024
const pageSize = 25
/** Longer than any first line. Bytes. */
const headBytes = 4096

/** @param folder is made when it is needed; only its owner may read it. */
export function createRouteHistory(
  folder: string,
  deps: { readonly randomBytes: (size: number) => Buffer },
): RouteHistory {
  /** Oldest first: names begin with their time. */
  async function ids(): Promise<readonly string[]> {
    try {
      const names = await readdir(folder)
      return names.flatMap((name) => /^(\d{15}-[0-9a-f]{8})\.yaml$/.exec(name)?.[1] ?? []).sort()
    } catch {
      return []
    }
  }

  async function head(id: string): Promise<(RouteVersion & { etag: string }) | null> {
    let line: string
    try {
      const handle = await open(fileOf(id), 'r')
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0)
        line = buffer.toString('utf8', 0, bytesRead).split('\n', 1)[0] ?? ''
      } finally {
        await handle.close()
      }
      return versionOf(id, JSON.parse(line))
    } catch {
      // Pruned meanwhile, or cut by a full disk: not there.
      return null
    }
  }

  function fileOf(id: string): string {
    return join(folder, `${id}.yaml`)
  }

  async function prune(): Promise<void> {
    let room = mostBytes
    const newestFirst = (await ids()).toReversed()
    for (const [at, id] of newestFirst.entries()) {
      const { size } = await stat(fileOf(id))
      room -= size
      if (at >= most || (room < 0 && at > 0)) await rm(fileOf(id), { force: true })
    }
  }

  return {
    async add({ text, ...meta }) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const last = (await ids()).at(-1)
      // A clock that was set back, or two texts in one moment, do not turn history around.
      const at = Math.max(meta.at, Number(last?.slice(0, 15) ?? 0) + 1)
      const id = `${String(at).padStart(15, '0')}-${deps.randomBytes(4).toString('hex')}`
      const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
      const note = meta.note?.slice(0, 500) ?? null
      const summary = meta.summary.slice(0, 500)
      const line = JSON.stringify({ ...meta, note, summary, lines })
      const next = join(folder, `.next-${id}`)
      const handle = await open(next, 'wx', 0o600)
      try {
        await handle.writeFile(`${line}\n${text}`)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(next, fileOf(id))
      await prune()
    },
    async newest() {
      const id = (await ids()).at(-1)
      return id === undefined ? null : ((await head(id))?.etag ?? null)
    },
    async page(cursor) {
      const older = (await ids()).filter((id) => cursor === null || id < cursor).toReversed()
      const shown = older.slice(0, pageSize)
      const heads = await Promise.all(shown.map(head))
      const items = heads.flatMap((each) => {
        if (each === null) return []
        const { etag: _, ...version } = each
        return [version]
      })
      return { items, next: older.length > pageSize ? (shown.at(-1) ?? null) : null }
    },
    async text(id) {
      if (!(await ids()).includes(id)) return null
      try {
        const whole = await readFile(fileOf(id), 'utf8')
        return whole.slice(whole.indexOf('\n') + 1)
      } catch {
        return null
      }
    },
  }
}

function versionOf(id: string, meta: unknown): (RouteVersion & { etag: string }) | null {
  if (typeof meta !== 'object' || meta === null) return null
  const field = (key: string): unknown => Reflect.get(meta, key)
  const text = (key: string): string | null => {
    const value = field(key)
    return typeof value === 'string' ? value : null
  }
  const [at, lines] = [field('at'), field('lines')]
  const [summary, etag] = [text('summary'), text('etag')]
  if (typeof at !== 'number' || typeof lines !== 'number' || summary === null || etag === null) {
    return null
  }
  return { id, at, by: text('by'), note: text('note'), summary, lines, etag }
}
