// What to do when nobody can sign in yet.

import type { User } from '../auth/people.ts'
import type { Config } from '../config.ts'

/**
 * A sentence for the log with the very command to type, with this gateway's own places in it.
 *
 * @returns `null`: there is somebody who may sign in.
 */
export function firstStartAdvice(
  users: readonly Pick<User, 'disabled'>[],
  config: Pick<Config, 'chosen'>,
): string | null {
  if (users.some(({ disabled }) => !disabled)) return null
  const places = config.chosen.flatMap(({ option, value, from }) =>
    (option === 'config' || option === 'data') && from !== 'default'
      ? [`--${option} ${quoted(value)}`]
      : [],
  )
  const command = ['gatehouse user add <your-name> --admin', ...places].join(' ')
  return `nobody can sign in yet: run "${command}" on this machine, as root or as the user of the gateway, and open the link it prints`
}

function quoted(path: string): string {
  return /^[\w./:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
