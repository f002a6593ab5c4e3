// All services of the demo, and the table that names their ports.

import { freePort } from './ports.ts'
import { type RunningService, startService } from './service.ts'
import { createCrash } from './services/crash.ts'
import { createEcho } from './services/echo.ts'
import { createEvents } from './services/events.ts'
import { createHeaders } from './services/headers.ts'
import { createPrivate } from './services/private.ts'
import { createSlow } from './services/slow.ts'
import { createUpload } from './services/upload.ts'
import { createWelcome } from './services/welcome.ts'

export interface Services {
  /** Ports by the name that `routes.yaml` has in braces. At `down` nothing listens. */
  readonly ports: ReadonlyMap<string, number>
  /** Ends event streams and WebSockets, which would never end by themselves. */
  finish(): void
  close(): Promise<void>
}

export async function startServices(): Promise<Services> {
  const running: RunningService[] = []
  const services = [
    createWelcome(),
    createHeaders(),
    createHeaders('limited'),
    createEcho(),
    createEvents(),
    createUpload(),
    createPrivate(),
    ...['family', 'neighbour', 'safe', 'notes'].map((name) => createPrivate(name)),
    createEcho('talk'),
    createSlow(),
    createCrash(),
  ]
  for (const service of services) running.push(await startService(service))
  const ports = new Map(running.map(({ name, port }) => [name, port]))
  ports.set('down', await freePort(0, []))
  return {
    ports,
    finish: () => {
      for (const service of running) service.finish()
    },
    close: async () => {
      await Promise.all(running.map((service) => service.close()))
    },
  }
}

/**
 * The table with ports, and a path or two, in place of `{name}`.
 *
 * @throws Error when a name is unknown.
 */
export function fillTable(template: string, values: ReadonlyMap<string, number | string>): string {
  return template.replace(/^(?!\s*#).*$/gm, (line) =>
    line.replace(/\{([a-z]+)\}/g, (_whole, name: string) => {
      const value = values.get(name)
      if (value === undefined) throw new Error(`the demo has no service ${name}`)
      // A path stands between single quotes (YAML 1.2 §7.3.2).
      return String(value).replaceAll("'", "''")
    }),
  )
}
