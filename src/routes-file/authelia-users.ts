// Reads the users file of Authelia (`users_database.yml`), for people who move. Here because YAML is parsed nowhere else.

import { type Path, type Problem, sortProblems } from './problem.ts'
import { readYamlText } from './yaml-text.ts'

/** Somebody as another program's file has him; nothing is checked but the kinds of the values. */
export interface WrittenUser {
  /** As written, in any case. */
  readonly name: string
  readonly displayName: string | null
  readonly email: string | null
  readonly groups: readonly string[]
  readonly disabled: boolean
  /** Of the password; `null`: none. */
  readonly hash: string | null
  /** 1-based. */
  readonly line: number
}

/**
 * Reads the people of the file. What is not understood of one person is a warning, and the person is left out only
 * when nothing can be made of the entry. Fields that no service of ours uses (address, picture …) are passed over.
 *
 * @returns errors among the problems iff the file as a whole is not what it should be; then there are no users.
 */
export function readAutheliaUsers(text: string): {
  readonly users: readonly WrittenUser[]
  readonly problems: readonly Problem[]
} {
  const yaml = readYamlText(text)
  const problems = [...yaml.problems]
  const users: WrittenUser[] = []
  const say = (path: Path, severity: Problem['severity'], what: string, remedy: string) => {
    problems.push({
      severity,
      code: 'users-file',
      ...yaml.locate(path, 'key'),
      where: path.join('.'),
      what,
      remedy,
    })
  }
  const root = mapOf(yaml.data)
  const people = root === null ? null : mapOf(root.users)
  if (yaml.usable && people === null) {
    say([], 'error', 'has no map "users"', "name Authelia's users_database.yml")
  }
  if (!yaml.usable || people === null) return { users: [], problems: sortProblems(problems) }

  for (const [name, raw] of Object.entries(people)) {
    const path = ['users', name]
    const entry = mapOf(raw)
    if (entry === null) {
      say(path, 'warning', 'is no map', 'write displayname, password, email and groups below it')
      continue
    }
    const word = (key: string) => {
      const value = entry[key]
      if (value === undefined || value === null || value === '') return null
      if (typeof value === 'string' || typeof value === 'number') return String(value)
      say([...path, key], 'warning', 'is no text and was left out', 'write it in quotes')
      return null
    }
    users.push({
      name,
      displayName: word('displayname'),
      email: word('email'),
      groups: groupsOf(entry.groups, () =>
        say([...path, 'groups'], 'warning', 'is no list of names and was left out', 'write [a, b]'),
      ),
      // Anything but a plain "no" keeps the door shut.
      disabled: entry.disabled !== undefined && entry.disabled !== null && entry.disabled !== false,
      hash: word('password'),
      line: yaml.locate(path, 'key').line,
    })
  }
  // A name of digits comes first in an object of JavaScript.
  users.sort((a, b) => a.line - b.line)
  return { users, problems: sortProblems(problems) }
}

function groupsOf(value: unknown, complain: () => void): string[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) {
    const words = value.filter((each): each is string | number => {
      return typeof each === 'string' || typeof each === 'number'
    })
    if (words.length !== value.length) complain()
    return words.map(String)
  }
  complain()
  return []
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : null
}
