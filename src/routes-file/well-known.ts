// Facts about well-known services that a port number or a path gives away.

import type { Reporter } from './problem.ts'
import type { Row } from './route.ts'

/** Services whose pages name their files from the root of the host: below a path they load nothing. */
const rootOnly: readonly (readonly [RegExp, string])[] = [
  [/open[- ]?webui/i, 'Open WebUI'],
  [/uptime[- ]?kuma/i, 'Uptime Kuma'],
  [/home[- ]?assistant/i, 'Home Assistant'],
  [/\bimmich\b/i, 'Immich'],
]

/** Ports on which something else than HTTP is spoken. */
const otherPorts = new Map([
  [22, 'SSH'],
  [25, 'SMTP'],
  [53, 'DNS'],
  [3306, 'MySQL'],
  [5432, 'PostgreSQL'],
  [6379, 'Redis'],
  [51820, 'WireGuard (UDP)'],
])

/** Warns of services that cannot work where they are put. */
export function wellKnownHints(rows: readonly Row[], reporter: Reporter): void {
  for (const { route, at } of rows) {
    if (route.target.kind !== 'upstream') continue
    const protocol = otherPorts.get(route.target.port)
    if (protocol !== undefined) {
      const page = route.target.port === 51820 ? ' (WG-Easy shows its page on 51821)' : ''
      reporter.warning([...at, 'to'], {
        code: 'not-http',
        what: `${route.target.port} is the port of ${protocol}, which does not answer HTTP`,
        remedy: `name the port of the service's web page${page}`,
      })
    }
    if (route.path === '/' || route.prefixRewrite.kind === 'replace') continue
    const known = rootOnly.find(([pattern]) => pattern.test(route.service))
    if (known === undefined) continue
    const own = rows.find((r) => r.route.service === route.service && r.route.path === '/')
    reporter.warning(at, {
      code: 'needs-own-host',
      what: `${known[1]} does not work below a path: its pages name their files from /`,
      remedy:
        own === undefined
          ? 'give it a host of its own, such as chat'
          : `use ${own.route.id} (line ${own.route.line}), where it works`,
    })
  }
}
