// The desk of routes.yaml: reads it, tries changes out, saves them, keeps what was before, and undoes what cuts people off.

import type { EventLog } from '../../log.ts'
import type { SessionRef, TableDefinition, UserId } from '../../model.ts'
import { weakening } from '../../routes-file/access-change.ts'
import { lineDiff } from '../../routes-file/edit/line-diff.ts'
import type { StudiedChange, StudiedFile } from '../../routes-file/edit/study.ts'
import type { RouteWish } from '../../routes-file/edit/wish.ts'
import type { Workbench } from '../../routes-file/edit/workbench.ts'
import type { Problem } from '../../routes-file/problem.ts'
import type { Reloader } from '../../routes-file/reload.ts'
import { forgetUndo, rememberUndo } from './pending-undo.ts'
import { dangersOf, type Editor } from './route-dangers.ts'
import type { RouteGit } from './route-git.ts'
import type { RouteHistory } from './route-history.ts'
import { newPrograms } from './route-programs.ts'
import type {
  Actor,
  Pending,
  RouteFile,
  RoutePreview,
  RouteSaved,
  RoutesDesk,
  SaveOptions,
} from './types.ts'
import { etagOf, readWhole, replaceWhole, type WholeFile } from './whole-file.ts'

export interface RoutesDeskDeps {
  /** routes.yaml; absolute. */
  readonly file: string
  /** What to undo after a restart; in the data directory. */
  readonly undoFile: string
  readonly reloader: Pick<Reloader, 'reload' | 'counters'>
  /** Accepts a text for `onWeakerAccess: hold`: whoever saves it has seen what it weakens. */
  readonly accept: (text: string) => Promise<void>
  /** The table in force. */
  readonly table: () => TableDefinition
  readonly workbench: Pick<Workbench, 'file' | 'change'>
  readonly history: RouteHistory
  readonly git: RouteGit
  /** Of an enabled person; `null`: there is no such person. */
  readonly groupsOf: (user: UserId) => readonly string[] | null
  readonly explain: RoutesDesk['explain']
  readonly probe: RoutesDesk['probe']
  /** A change of that person was undone: for the audit log. */
  readonly undone: (by: string) => void
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** Runs something once, later. @returns takes it back. */
  readonly after: (ms: number, run: () => void) => () => void
  readonly randomBytes: (size: number) => Buffer
  readonly log: EventLog
  /** How long a change that cuts people off waits to be confirmed, milliseconds. Default a minute. */
  readonly undoMs?: number
}

/** Texts that somebody may be editing: to show what changed since. */
const rememberedTexts = 8

/** A change that undoes itself. */
interface Waiting {
  readonly pending: Pending
  readonly cancel: () => void
  /** Before it. */
  readonly text: string
  readonly by: string
  /** Of the text that is to be undone. */
  etag: string
}

export function createRoutesDesk(deps: RoutesDeskDeps): RoutesDesk {
  const { file, reloader, log, undoMs = 60_000 } = deps
  const seen = new Map<string, string>()
  let studied: { readonly etag: string; readonly result: Promise<StudiedFile> } | null = null
  let looked: { readonly etag: string; readonly inForce: boolean } | null = null
  let undo: Waiting | null = null
  let queue: Promise<unknown> = Promise.resolve()

  /** Saves run one after the other. */
  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const next = queue.then(run, run)
    queue = next.catch(() => null)
    return next
  }

  async function current(): Promise<WholeFile> {
    const whole = await readWhole(file)
    seen.delete(whole.etag)
    seen.set(whole.etag, whole.text)
    const [oldest] = seen.keys()
    if (seen.size > rememberedTexts && oldest !== undefined) seen.delete(oldest)
    return whole
  }

  function studyOf({ etag, text }: WholeFile): Promise<StudiedFile> {
    if (studied?.etag !== etag) {
      const result = deps.workbench.file({ kind: 'file', text })
      studied = { etag, result }
      // A thread that failed once may work again.
      result.catch(() => {
        if (studied?.result === result) studied = null
      })
    }
    return studied.result
  }

  /** Whether the file is the table in force; a text that nobody has looked at is read now, not in some seconds. */
  async function inForce(etag: string): Promise<boolean> {
    if (looked?.etag !== etag) {
      const { kind } = await reloader.reload('admin')
      looked = { etag, inForce: kind === 'applied' || kind === 'unchanged' }
    }
    return looked.inForce
  }

  async function read(): Promise<RouteFile> {
    const whole = await current()
    const { problems } = await studyOf(whole)
    const isInForce = await inForce(whole.etag)
    const { heldChanges, problems: found } = reloader.counters()
    return {
      text: whole.text,
      etag: whole.etag,
      inForce: isInForce,
      problems: isInForce || found.length === 0 ? problems : found,
      held: heldChanges,
      pending: undo?.pending ?? null,
    }
  }

  async function previewOf(
    whole: WholeFile,
    change: RouteWish,
    by: Actor | null,
  ): Promise<{ readonly preview: RoutePreview; readonly study: StudiedChange }> {
    const running = deps.table()
    const study = await deps.workbench.change({
      kind: 'change',
      text: whole.text,
      wish: change,
      running,
    })
    const { text, diff, access, warnings, after } = study
    const programs = after === null ? [] : newPrograms([running, study.before], after)
    const problems = [...study.problems, ...programs]
    const dangers = after === null ? [] : dangersOf(running, after, editorOf(by))
    return { preview: { text, diff, access, problems, warnings, dangers }, study }
  }

  function editorOf(by: Actor | null): Editor | null {
    const groups = by === null ? null : deps.groupsOf(by.user)
    if (by === null || groups === null) return null
    const identity = {
      user: by.user,
      name: by.name,
      email: null,
      groups,
      session: by.ref as SessionRef,
      via: 'session',
      passkey: false,
      secondFactor: false,
      authenticatedAt: null,
      mayWake: false,
    } as const
    return { identity, client: by.client }
  }

  async function save(change: RouteWish, options: SaveOptions): Promise<RouteSaved> {
    const { by, confirm } = options
    const whole = await current()
    if (whole.etag !== options.etag) return conflict(whole, options.etag)
    const { preview, study } = await previewOf(whole, change, by)
    if (preview.problems.length > 0) return { kind: 'invalid', preview }
    if (preview.text === whole.text) return saved(whole.etag)
    if (preview.dangers.some(({ typed }) => typed !== confirm)) {
      return { kind: 'confirm', dangers: preview.dangers }
    }
    if (undo !== null || preview.dangers.length > 0)
      await willUndo(whole.text, preview.text, by.user)
    const writing = {
      by: by.user,
      name: by.name,
      note: options.note ?? null,
      summary: study.summary,
      accepted: weakening(preview.access).length > 0,
    }
    const written = await write(whole, preview.text, writing).catch(async (error: unknown) => {
      // Nothing to take back, unless it was written and only what comes after that went wrong.
      if ((await current()).etag === whole.etag) await dropUndo(whole.etag)
      throw error
    })
    if (written.kind !== 'written') await dropUndo(whole.etag)
    if (written.kind === 'conflict') return conflict(await current(), options.etag)
    if (written.kind === 'failed') {
      return { kind: 'invalid', preview: { ...preview, problems: written.problems } }
    }
    return saved(written.etag)
  }

  function saved(etag: string): RouteSaved {
    return { kind: 'saved', etag, pending: undo?.pending ?? null }
  }

  function conflict({ etag, text }: WholeFile, from: string): RouteSaved {
    const known = seen.get(from)
    return { kind: 'conflict', etag, text, diff: known === undefined ? [] : lineDiff(known, text) }
  }

  interface Writing {
    readonly by: string
    readonly name: string
    readonly note: string | null
    readonly summary: string
    /** It weakens access, and was seen. */
    readonly accepted: boolean
  }

  type Written =
    | { readonly kind: 'written'; readonly etag: string }
    | { readonly kind: 'conflict' }
    | { readonly kind: 'failed'; readonly problems: readonly Problem[] }

  async function write(old: WholeFile, text: string, writing: Writing): Promise<Written> {
    const { by, name, note, summary } = writing
    await rememberOutside(old)
    await deps.git.commit(old.path, {
      message: 'routes: written outside the admin',
      author: { name: 'Gatehouse', email: `gatehouse@${deps.table().domain}` },
    })
    if (writing.accepted) await deps.accept(text)
    if (!(await replaceWhole(old, text))) return { kind: 'conflict' }
    const now = await current()
    const outcome = await reloader.reload('admin')
    looked = { etag: now.etag, inForce: outcome.kind === 'applied' || outcome.kind === 'unchanged' }
    if (outcome.kind === 'failed') {
      // Good by itself, and still not to be had: a secret that is missing, a name that leads where nothing may.
      await replaceWhole(now, old.text)
      await reloader.reload('admin')
      looked = null
      return { kind: 'failed', problems: outcome.problems }
    }
    await remember(now, { by, note, summary })
    await deps.git.commit(now.path, {
      message: `routes: ${summary}${note === null ? '' : `\n\n${note}`}`,
      author: { name, email: `${by}@${deps.table().domain}` },
    })
    log.info('routes-saved', { file, by, summary })
    return { kind: 'written', etag: now.etag }
  }

  /** What stands there and was not written here. */
  async function rememberOutside(whole: WholeFile): Promise<void> {
    await remember(whole, { by: null, note: null, summary: 'written outside the admin' })
  }

  /** Adds a text to the history, unless it is the newest there. A history that cannot be written keeps nobody from saving. */
  async function remember(
    { etag, text }: WholeFile,
    version: { readonly by: string | null; readonly note: string | null; readonly summary: string },
  ): Promise<void> {
    try {
      if ((await deps.history.newest()) === etag) return
      await deps.history.add({ ...version, etag, text, at: deps.now() })
    } catch (error) {
      log.warn('routes-history-failed', { error: codeOf(error) })
    }
  }

  /** Before it is written: a crash in between finds the file as it was, and undoes nothing. */
  async function willUndo(before: string, after: string, by: string): Promise<void> {
    const etag = etagOf(after)
    if (undo === null) {
      const token = deps.randomBytes(16).toString('base64url')
      const pending = { until: deps.now() + undoMs, token }
      undo = { pending, cancel: undoLater(by), text: before, etag, by }
    } else {
      // A further change while the first one waits: both go, or both stay.
      undo.etag = etag
    }
    await keepUndo(undo)
  }

  /** A change that was not written leaves what waited before it, if anything did. */
  async function dropUndo(etag: string): Promise<void> {
    if (undo === null) return
    if (etagOf(undo.text) === etag) {
      undo.cancel()
      undo = null
      await forgetUndo(deps.undoFile)
    } else {
      undo.etag = etag
      await keepUndo(undo)
    }
  }

  async function keepUndo({ etag, text, by }: Waiting): Promise<void> {
    try {
      await rememberUndo(deps.undoFile, { etag, text, by })
    } catch (error) {
      log.warn('routes-undo-unremembered', { file: deps.undoFile, error: codeOf(error) })
    }
  }

  async function confirm(token: string): Promise<boolean> {
    if (undo === null || undo.pending.token !== token) return false
    undo.cancel()
    undo = null
    // Before anybody is told: killed right after that, the next start would undo it all the same.
    await forgetUndo(deps.undoFile)
    return true
  }

  async function undoNow(by: string): Promise<void> {
    const due = undo
    undo = null
    if (due === null) return
    try {
      const whole = await current()
      // Somebody mended it, by hand or otherwise: what he wrote counts.
      if (whole.etag !== due.etag) return forgetUndo(deps.undoFile)
      const summary = 'undone: nobody confirmed the change'
      const put = { by, name: 'Gatehouse', note: null, summary, accepted: true }
      const { kind } = await write(whole, due.text, put)
      if (kind === 'failed') throw new Error('the text before cannot come into force')
      log.warn('routes-undone', { file, by, outcome: kind, why: 'not confirmed in time' })
      deps.undone(by)
      await forgetUndo(deps.undoFile)
    } catch (error) {
      const message = error instanceof Error ? error.message : 'unknown'
      log.error('routes-undo-failed', { file, error: message, remedy: 'restore the text before' })
      // A disk that is full now need not be so in a minute, and somebody may be cut off meanwhile.
      const { token } = due.pending
      undo = { ...due, pending: { until: deps.now() + undoMs, token }, cancel: undoLater(by) }
    }
  }

  function undoLater(by: string): () => void {
    return deps.after(undoMs, () => void inTurn(() => undoNow(by)))
  }

  return {
    read,
    async rows() {
      const { rows } = await studyOf(await current())
      return rows
    },
    async preview(change, by) {
      const { preview } = await previewOf(await current(), change, by)
      return preview
    },
    save: (change, options) => inTurn(() => save(change, options)),
    confirm: (token) => inTurn(() => confirm(token)),
    async history(cursor) {
      await inTurn(async () => rememberOutside(await current()))
      return deps.history.page(cursor)
    },
    version: (id) => deps.history.text(id),
    async restore(id, options) {
      const text = await deps.history.text(id)
      return text === null ? null : inTurn(() => save({ kind: 'text', text }, options))
    },
    explain: deps.explain,
    probe: deps.probe,
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
