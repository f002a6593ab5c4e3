// A file, or an open descriptor, that takes lines and never holds anybody up: batches, bounded memory, rotation.
//
// Why not sonic-boom, pino's own writer. (1) When a write fails with anything but EAGAIN it keeps the buffer and tries
// again at once, on every following line: on a full disk that is one failed system call per request. (2) It has no
// rotation; renaming and `reopen` outside of it race with its own writes. (3) It measures the buffered text anew with
// every line and keeps lines as strings; here a line is copied into a fixed block at once, so memory is a number of
// blocks and nothing else. What is left of it is about this file.

import { close, fstat, mkdir, open, rename, stat, write } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

export interface LogFileOptions {
  /** Path, or an open descriptor that is neither rotated nor closed. */
  readonly target: string | number
  /** A file is rotated before it grows beyond this, bytes. Default 50 MB. */
  readonly maxFileBytes?: number
  /** Files kept, the current one counted: `name`, `name.1`, `name.2`. At least 2, default 3. */
  readonly files?: number
  /** Most memory for lines that wait, bytes; beyond it lines are dropped and counted. Default 1 MiB. */
  readonly maxBufferBytes?: number
  /** How long a line may wait for company, milliseconds. Default 200. */
  readonly flushAfterMs?: number
  /** How long to leave a target alone that failed, milliseconds. Default 5000. */
  readonly retryAfterMs?: number
  /** How long `close` waits for a target that does not take its lines, milliseconds. Default 2000. */
  readonly closeWithinMs?: number
}

export interface LogFileDeps {
  /** Called once when lines can no longer be written, and once when they can again; never in between. */
  readonly report: (change: LogFileChange) => void
  /** Default: Node's own. */
  readonly fs?: LogFileSystem
}

export type LogFileChange =
  | { readonly kind: 'failed'; readonly code: string; readonly detail: string }
  /** `dropped`: lines lost in between. */
  | { readonly kind: 'recovered'; readonly dropped: number }

export interface LogFileStats {
  /** Lines handed to the operating system. */
  readonly written: number
  /** Lines lost: the buffer was full, or the log was closed while its target failed. */
  readonly dropped: number
  /** Bytes that wait. */
  readonly buffered: number
  /** The last attempt to write failed. */
  readonly failing: boolean
  readonly rotations: number
}

export interface LogFile {
  /** @param line ASCII, ending in a newline. Longer than a block (64 kB), it is dropped. Never throws, never waits. */
  append(line: string): void
  /** Tries to write all lines appended so far, a failing target included; resolves when done or failed. */
  flush(): Promise<void>
  /** Before the next line the path is opened anew, for whoever renames files himself. */
  reopen(): void
  /** Flushes and closes. Lines appended later are dropped. */
  close(): Promise<void>
  stats(): LogFileStats
}

/** The part of Node's file system that is used, as promises: tests put a failing one here. */
export interface LogFileSystem {
  open(path: string): Promise<number>
  /** @returns bytes written, possibly fewer than given. */
  write(fd: number, bytes: Buffer, from: number): Promise<number>
  close(fd: number): Promise<void>
  statOpen(fd: number): Promise<LogFileStat>
  /** `null`: there is nothing at the path. */
  statPath(path: string): Promise<LogFileStat | null>
  /** Replaces what is at `to`; a missing `from` is no failure. */
  rename(from: string, to: string): Promise<void>
}

export interface LogFileStat {
  readonly size: number
  readonly inode: number
  /** Only regular files are rotated; a FIFO or /dev/null is not. */
  readonly regular: boolean
}

interface Block {
  readonly bytes: Buffer
  used: number
  lines: number
  /** Bytes already handed over. */
  done: number
}

const blockBytes = 64 * 1024
/** A pipe whose reader is slow, write(2): not a failure, only not now. */
const busyRetryMs = 50

export function createLogFile(options: LogFileOptions, deps: LogFileDeps): LogFile {
  const { target } = options
  const maxFileBytes = options.maxFileBytes ?? 50_000_000
  const files = Math.max(2, options.files ?? 3)
  const maxBlocks = Math.max(2, Math.floor((options.maxBufferBytes ?? 1 << 20) / blockBytes))
  const flushAfterMs = options.flushAfterMs ?? 200
  const retryAfterMs = options.retryAfterMs ?? 5000
  const closeWithinMs = options.closeWithinMs ?? 2000
  const fs = deps.fs ?? nodeFileSystem

  let filling = newBlock()
  const full: Block[] = []
  let spare: Block | null = null
  let running: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  let closed = false

  let fd = -1
  let opened: LogFileStat = { size: 0, inode: 0, regular: false }
  let size = 0
  let reopenWanted = false

  let written = 0
  let dropped = 0
  let droppedBeforeFailure = 0
  let failing = false
  let rotations = 0

  function append(line: string): void {
    const { length } = line
    if (closed || (filling.used + length > blockBytes && !nextBlock(length))) {
      dropped += 1
      return
    }
    filling.bytes.write(line, filling.used, length, 'latin1')
    filling.used += length
    filling.lines += 1
    if (timer === null && running === null) timer = later(flushAfterMs)
  }

  function nextBlock(length: number): boolean {
    if (length > blockBytes || full.length + 1 >= maxBlocks) return false
    seal()
    if (!failing && running === null) void run()
    return true
  }

  function seal(): void {
    full.push(filling)
    filling = spare ?? newBlock()
    spare = null
  }

  function later(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      timer = null
      // With blocks waiting this one may fill up: a target that fails must not collect half-empty blocks.
      if (full.length === 0 && filling.lines > 0) seal()
      void run()
    }, ms).unref()
  }

  /** Writes the full blocks, one write at a time; never rejects. */
  function run(): Promise<void> {
    if (running !== null) return running
    if (timer !== null) clearTimeout(timer)
    timer = null
    running = writeAll()
      .then(recovered, failed)
      .then((retryMs) => {
        running = null
        const waits = full.length > 0 || filling.lines > 0
        if (waits && !closed && timer === null) timer = later(retryMs)
      })
    return running
  }

  async function writeAll(): Promise<void> {
    for (let block = full[0]; block !== undefined; block = full[0]) {
      await makeReady(block)
      while (block.done < block.used) {
        const count = await fs.write(fd, block.bytes.subarray(0, block.used), block.done)
        block.done += count
        size += count
      }
      written += block.lines
      full.shift()
      block.used = 0
      block.lines = 0
      block.done = 0
      spare = block
    }
  }

  async function makeReady(block: Block): Promise<void> {
    if (typeof target === 'number') {
      fd = target
      return
    }
    // While a disk is full people delete the log; the space comes back only when it is closed.
    if (failing && fd !== -1 && opened.regular) {
      const there = await fs.statPath(target)
      if (there?.inode !== opened.inode) reopenWanted = true
    }
    if (reopenWanted) {
      reopenWanted = false
      await closeFile()
      // The new file begins with a whole line.
      if (block.done > 0) block.done = block.bytes.lastIndexOf(0x0a, block.done - 1) + 1
    }
    if (fd === -1) await openFile(target)
    if (opened.regular && block.done === 0 && size > 0 && size + block.used > maxFileBytes) {
      await rotate(target)
    }
  }

  async function rotate(path: string): Promise<void> {
    await closeFile()
    for (let i = files - 1; i > 1; i--) await fs.rename(`${path}.${i - 1}`, `${path}.${i}`)
    await fs.rename(path, `${path}.1`)
    await openFile(path)
    rotations += 1
  }

  async function openFile(path: string): Promise<void> {
    fd = await fs.open(path)
    opened = await fs.statOpen(fd)
    size = opened.size
  }

  async function closeFile(): Promise<void> {
    if (fd === -1 || typeof target === 'number') return
    const old = fd
    fd = -1
    // What close(2) reports here is the loss of lines already handed over: nothing that could be repeated.
    await fs.close(old).catch(() => {})
  }

  function recovered(): number {
    if (failing) {
      failing = false
      deps.report({ kind: 'recovered', dropped: dropped - droppedBeforeFailure })
    }
    return flushAfterMs
  }

  function failed(error: unknown): number {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code === 'EAGAIN') return busyRetryMs
    if (!failing) {
      failing = true
      droppedBeforeFailure = dropped
      deps.report({
        kind: 'failed',
        code,
        detail: error instanceof Error ? error.message : String(error),
      })
    }
    return retryAfterMs
  }

  async function flush(): Promise<void> {
    // A run under way may have begun before the last lines came.
    if (running !== null) await running
    if (full.length > 0) await run()
    if (full.length > 0 || filling.lines === 0) return
    seal()
    await run()
  }

  async function shut(): Promise<void> {
    // A pipe whose reader stands still must not keep a restart waiting.
    let deadline: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      deadline = setTimeout(resolve, closeWithinMs)
    })
    await Promise.race([flush(), late])
    clearTimeout(deadline)
    closed = true
    if (timer !== null) clearTimeout(timer)
    timer = null
    dropped += full.reduce((sum, block) => sum + block.lines, filling.lines)
    full.length = 0
    filling = newBlock()
    if (running === null) await closeFile()
  }

  return {
    append,
    flush,
    reopen: () => {
      reopenWanted = true
    },
    close: shut,
    stats: () => ({
      written,
      dropped,
      buffered: full.reduce((sum, block) => sum + block.used - block.done, filling.used),
      failing,
      rotations,
    }),
  }
}

function newBlock(): Block {
  return { bytes: Buffer.allocUnsafeSlow(blockBytes), used: 0, lines: 0, done: 0 }
}

const openLater = promisify(open)
const closeLater = promisify(close)
const mkdirLater = promisify(mkdir)
const renameLater = promisify(rename)
const statLater = promisify(stat)
const fstatLater = promisify(fstat)

const nodeFileSystem: LogFileSystem = {
  async open(path) {
    // Others on the machine must not read who visits what.
    await mkdirLater(dirname(path), { recursive: true, mode: 0o700 })
    return openLater(path, 'a', 0o600)
  },
  // Not promisify: its result object would be an allocation more for every write.
  write: (fd, bytes, from) =>
    new Promise((resolve, reject) => {
      write(fd, bytes, from, bytes.length - from, null, (error, count) => {
        if (error === null) resolve(count)
        else reject(error)
      })
    }),
  close: closeLater,
  statOpen: async (fd) => described(await fstatLater(fd)),
  async statPath(path) {
    try {
      return described(await statLater(path))
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  },
  async rename(from, to) {
    try {
      await renameLater(from, to)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  },
}

function described(stat: { size: number; ino: number; isFile(): boolean }): LogFileStat {
  return { size: stat.size, inode: stat.ino, regular: stat.isFile() }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
