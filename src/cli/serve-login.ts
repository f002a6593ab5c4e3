// The login application of a running gateway, with what nobody else needs. Loaded when somebody opens it.

import { setTimeout as delay } from 'node:timers/promises'
import type { PageApplication } from '../app.ts'
import { createLoginApp } from '../auth/app/app.ts'
import type { AppContext } from '../auth/app/context.ts'
import { createFlows } from '../auth/app/flows.ts'
import { createMembership, type Membership } from '../auth/app/membership.ts'
import { createProviderSuspension, createProviders } from '../auth/app/providers.ts'
import { createThrottle } from '../auth/app/throttle.ts'
import { createPasswordHashing } from '../auth/password-hash.ts'
import { steadyClock } from '../clock.ts'
import type { Ban } from '../control.ts'

export interface LoginParts {
  readonly application: PageApplication
  readonly membership: Membership
  readonly bans: {
    readonly list: () => readonly Ban[]
    /** @returns false: it was not banned. */
    readonly lift: (network: string) => boolean
  }
}

export interface LoginDeps
  extends Omit<AppContext, 'flows' | 'throttle' | 'passwords' | 'providers'> {
  readonly isKnownClient: (network: string) => boolean
}

export function createLogin(deps: LoginDeps): LoginParts {
  const { now, log, audit, randomBytes, users, sessions } = deps
  const throttle = createThrottle({
    steady: steadyClock,
    isKnown: deps.isKnownClient,
    onBan(network, forMs) {
      log.warn('network-banned', { network, seconds: Math.round(forMs / 1000) })
      audit.write({
        at: now(),
        event: 'ban',
        actor: 'gateway',
        user: null,
        client: network,
        request: null,
        details: { seconds: Math.round(forMs / 1000) },
      })
    },
  })
  const providers = createProviders(deps)
  const context: AppContext = {
    ...deps,
    providers,
    throttle,
    flows: createFlows({ now, randomBytes }),
    passwords: createPasswordHashing({ randomBytes, steady: steadyClock, wait: delay, log }),
  }
  const membership = createMembership({
    providers,
    edition: deps.login,
    users,
    sessions,
    suspension: createProviderSuspension(context),
    audit,
    log,
    now,
    random: () => randomBytes(4).readUInt32BE() / 2 ** 32,
  })
  return {
    application: createLoginApp(context),
    membership,
    bans: {
      list: () =>
        throttle
          .bans()
          .map(({ network, remainingMs }) => ({ network, until: now() + remainingMs })),
      lift: throttle.lift,
    },
  }
}
