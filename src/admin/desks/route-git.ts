// routes.yaml in a git checkout: each save is a commit of that file, by the person who saved.

import { basename, dirname } from 'node:path'
import type { EventLog } from '../../log.ts'

export interface RouteGit {
  /**
   * Commits the file as it is, and nothing else. Never rejects: what is saved is saved, and the log says why there is no commit.
   *
   * @param path of the file itself, links followed. A file that git does not follow is left alone.
   * @returns whether there was something to commit.
   */
  commit(
    path: string,
    commit: {
      /** First line, and what comes below it. */
      readonly message: string
      readonly author: { readonly name: string; readonly email: string }
    },
  ): Promise<boolean>
}

/** Runs `git` without a shell, in English (`LC_ALL=C`), for some seconds at most. No git answers as no checkout. */
export type RunGit = (
  args: readonly string[],
  folder: string,
) => Promise<{ readonly code: number; readonly output: string }>

/** Whatever the repository says, nothing of it is run: no hooks, no signing program, no watcher. */
const quiet = [
  'core.hooksPath=/dev/null',
  'commit.gpgSign=false',
  'core.fsmonitor=false',
  'gc.auto=0',
]

export function createRouteGit(deps: { readonly run: RunGit; readonly log: EventLog }): RouteGit {
  async function git(folder: string, args: readonly string[]) {
    return deps.run([...quiet.flatMap((setting) => ['-c', setting]), ...args], folder)
  }

  return {
    async commit(path, { message, author }) {
      const folder = dirname(path)
      const name = basename(path)
      const followed = await git(folder, ['ls-files', '--error-unmatch', '--', name])
      if (followed.code !== 0) {
        // No checkout, no git, or a file that it does not follow: the usual case, unless git says that it may not look. It has
        // one exit code for all of them.
        if (followed.output.includes('dubious ownership')) {
          deps.log.warn('routes-commit-refused', {
            file: path,
            remedy: `git config --system --add safe.directory ${folder}`,
          })
        }
        return false
      }
      const same = await git(folder, ['diff', '--quiet', 'HEAD', '--', name])
      if (same.code === 0) return false
      const who = `${clean(author.name)} <${clean(author.email)}>`
      const done = await git(folder, [
        '-c',
        'user.name=Gatehouse',
        '-c',
        `user.email=${clean(author.email)}`,
        'commit',
        '--quiet',
        '--no-verify',
        `--author=${who}`,
        `--message=${message}`,
        '--only',
        '--',
        name,
      ])
      if (done.code === 0) return true
      deps.log.warn('routes-commit-failed', { file: path, error: done.output.slice(0, 300).trim() })
      return false
    },
  }
}

function clean(text: string): string {
  return text.replace(/[<>\p{Cc}]/gu, ' ').trim() || 'unknown'
}
