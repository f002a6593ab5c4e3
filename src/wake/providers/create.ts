// The provider that a machine's settings ask for. What it needs is loaded when it is first called.

import type { EventLog } from '../../log.ts'
import type { VmProviderSettings } from '../../model-machines.ts'
import { CloudError, type VmProvider } from '../provider.ts'
import type { OciDeps } from './oci.ts'

/** What providers need of the process around them. */
export interface ProviderDeps extends Pick<OciDeps, 'secret' | 'now' | 'after' | 'log'> {
  /** The machine's name in the table, for the log. */
  readonly vm: string
  /** The environment of the process. Programs get it without what is Gatehouse's own. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Never throws: a provider that cannot work says so in its calls. */
export function createProvider(settings: VmProviderSettings, deps: ProviderDeps): VmProvider {
  let loaded: Promise<VmProvider> | null = null

  function load(): Promise<VmProvider> {
    loaded ??= make(settings, deps)
    return loaded
  }

  /** Whatever goes wrong leaves here as a CloudError: nobody above knows any other. */
  async function call<Answer>(ask: (provider: VmProvider) => Promise<Answer>): Promise<Answer> {
    try {
      return await ask(await load())
    } catch (error) {
      if (error instanceof CloudError) throw error
      loaded = null
      const name = error instanceof Error ? error.name : typeof error
      throw new CloudError('invalid', `a fault of Gatehouse itself (${name})`, null, error)
    }
  }

  return {
    state: () => call((provider) => provider.state()),
    start: (token) => call((provider) => provider.start(token)),
    softStop: () => call((provider) => provider.softStop()),
    stop: () => call((provider) => provider.stop()),
  }
}

async function make(settings: VmProviderSettings, given: ProviderDeps): Promise<VmProvider> {
  const deps = { ...given, log: named(given.log, given.vm) }
  switch (settings.kind) {
    case 'oci': {
      const { createOciProvider } = await import('./oci.ts')
      return createOciProvider(settings, { ...deps, home: deps.environment.HOME ?? null })
    }
    case 'command': {
      const { createCommandProvider } = await import('./command.ts')
      return createCommandProvider(settings, {
        ...deps,
        environment: programEnvironment(deps.environment),
      })
    }
    default:
      return settings satisfies never
  }
}

/** The same log, with the machine in every line. */
function named(log: EventLog, vm: string): EventLog {
  return {
    debug: (event, fields) => log.debug(event, { vm, ...fields }),
    info: (event, fields) => log.info(event, { vm, ...fields }),
    warn: (event, fields) => log.warn(event, { vm, ...fields }),
    error: (event, fields) => log.error(event, { vm, ...fields }),
  }
}

/**
 * What a program is given: `PATH`, `HOME` and the keys of its own cloud are in there; Gatehouse's secrets, the sockets
 * systemd handed over and the options of Node are not.
 */
export function programEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const passed: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || own.test(name)) continue
    passed[name] = value
  }
  return passed
}

const own =
  /^(?:GATEHOUSE_.*|NODE_.*|CREDENTIALS_DIRECTORY|LISTEN_(?:PID|FDS|FDNAMES|PIDFDID)|NOTIFY_SOCKET|WATCHDOG_.*|MALLOC_ARENA_MAX)$/
