// What an edit of `login:` means for who may enter, in words.

import type { GithubSettings, LoginSettings, SessionLimits } from '../model.ts'
import { durationWords } from './units.ts'

/** One difference. */
export interface LoginChange {
  /** Key of the file. */
  readonly key: string
  readonly weaker: boolean
  readonly before: string
  readonly after: string
}

/** Compares how people sign in, and for how long. */
export function loginChanges(was: LoginSettings, is: LoginSettings): readonly LoginChange[] {
  const changes: LoginChange[] = [
    {
      key: 'login.sessions',
      weaker: livesLonger(was.sessions, is.sessions),
      before: sessionWords(was.sessions),
      after: sessionWords(is.sessions),
    },
    {
      key: 'login.recent',
      weaker: is.recentMs > was.recentMs,
      before: durationWords(was.recentMs),
      after: durationWords(is.recentMs),
    },
  ]
  if (was.github === null || is.github === null) {
    changes.push({
      key: 'login.github',
      weaker: is.github !== null,
      before: githubWords(was.github),
      after: githubWords(is.github),
    })
  } else changes.push(...githubChanges(was.github, is.github))
  return changes.filter(({ before, after }) => before !== after)
}

function githubChanges(was: GithubSettings, is: GithubSettings): LoginChange[] {
  const added = (before: readonly string[], after: readonly string[]) =>
    after.some((name) => !before.includes(name))
  const lists = [
    ['users', accountsOf(was), accountsOf(is)],
    ['organisations', was.organisations, is.organisations],
    ['teams', was.teams, is.teams],
    ['groups', was.groups, is.groups],
  ] as const
  return [
    ...lists.map(([name, before, after]) => ({
      key: `login.github.${name}`,
      weaker: added(before, after),
      before: before.toSorted().join(' ') || 'none',
      after: after.toSorted().join(' ') || 'none',
    })),
    {
      key: 'login.github.url',
      // Another server says who somebody is: its word was not believed before.
      weaker: true,
      before: `${was.url}, ${was.apiUrl}`,
      after: `${is.url}, ${is.apiUrl}`,
    },
    {
      key: 'login.github.recheck',
      weaker: is.recheckMs > was.recheckMs,
      before: durationWords(was.recheckMs),
      after: durationWords(is.recheckMs),
    },
  ]
}

function accountsOf({ users }: GithubSettings): readonly string[] {
  return users.map(({ account, as }) => (as === null ? account : `${account} as ${as}`))
}

function githubWords(github: GithubSettings | null): string {
  if (github === null) return 'not offered'
  const names = [...accountsOf(github), ...github.organisations, ...github.teams]
  return `offered to ${names.toSorted().join(' ')}`
}

function livesLonger(was: SessionLimits, is: SessionLimits): boolean {
  return (
    is.idleMs > was.idleMs ||
    is.absoluteMs > was.absoluteMs ||
    is.rememberIdleMs > was.rememberIdleMs ||
    is.rememberAbsoluteMs > was.rememberAbsoluteMs
  )
}

function sessionWords(limits: SessionLimits): string {
  const pair = (idle: number, absolute: number) =>
    `${durationWords(idle)} idle, ${durationWords(absolute)} in all`
  const usual = pair(limits.idleMs, limits.absoluteMs)
  return `${usual} (remembered: ${pair(limits.rememberIdleMs, limits.rememberAbsoluteMs)})`
}
