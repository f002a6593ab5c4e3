// In which company the options of a route stand in its form. What no group names stands in the last one: none is missing.

import { type Control, controls, type Fields } from './route-fields.ts'

export interface ControlGroup {
  readonly title: string
  readonly hint: string | null
  readonly controls: readonly Control[]
}

/** Those that are in sight; all others are folded away until they say something. */
export const openNames: readonly string[] = [
  'service',
  'host',
  'path',
  'prefix',
  'webSocket',
  'maxBody',
]

const groups: readonly (readonly [title: string, hint: string | null, keys: readonly string[]])[] =
  [
    [
      'On the way to the backend',
      'What it is told, and how long it may take.',
      [
        'prefixRewrite',
        'upstreamHost',
        'identityHeaders',
        'requestHeaders',
        'timeouts',
        'encodedSlashes',
      ],
    ],
    [
      'Who may come, and how often',
      'Beside signing in: addresses, other sites, and limits.',
      ['clients', 'cloudflareOnly', 'networks', 'allowedOrigins', 'rateLimit'],
    ],
    ['On the way back', null, ['responseHeaders', 'parentCookies']],
    ['Machines that sleep', 'For targets on a machine with power.', ['wake', 'countsAsUse']],
    ['Out of service', null, ['maintenance', 'disabled']],
  ]

const rest = 'What else there is'

/** The folded ones. */
export function foldedGroups(): readonly ControlGroup[] {
  const named = new Set([...openNames, ...groups.flatMap(([, , keys]) => keys)])
  const left = controls().filter(({ path }) => !named.has(String(path[0])))
  const made = groups.map(([title, hint, keys]) => ({
    title,
    hint,
    controls: keys.flatMap((key) => controls().filter(({ path }) => path[0] === key)),
  }))
  return left.length === 0 ? made : [...made, { title: rest, hint: null, controls: left }]
}

export function controlNamed(name: string): Control {
  const found = controls().find((control) => control.name === name)
  if (found === undefined) throw new TypeError(`no option ${name}`)
  return found
}

/** How many of them the route says itself. */
export function written(group: ControlGroup, fields: Fields): number {
  return group.controls.filter(({ name }) => (fields[name] ?? '') !== '').length
}
