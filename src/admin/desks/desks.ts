// All desks, made from what the admin is given.

import { originOf } from '../../sign-in-url.ts'
import type { AdminContext } from '../context.ts'
import { createBansDesk } from './bans.ts'
import { createCertificatesDesk } from './certificates.ts'
import { createHouseDesk } from './house.ts'
import { createPeopleDesk } from './people.ts'
import { createSessionsDesk } from './sessions.ts'
import { createTokensDesk } from './tokens.ts'
import type { Desks } from './types.ts'

export function createDesks(context: AdminContext): Desks {
  return {
    routes: context.routes,
    activityOf: context.activityOf,
    targetState: context.targetState,
    get machines() {
      return context.machines()
    },
    people: createPeopleDesk(context),
    sessions: createSessionsDesk(context),
    tokens: createTokensDesk(context),
    certificates: createCertificatesDesk(context),
    bans: createBansDesk(context),
    house: createHouseDesk(context),
    audit: context.audit,
    now: context.now,
    loginOrigin: () => originOf(context.loginHost(), context.publicPort()),
    originOf: (host) =>
      context.publicPort() === 443 ? `https://${host}` : `https://${host}:${context.publicPort()}`,
  }
}
