// What a personal token may do at the admin: the list of scopes, and what each of them covers.

/** Scopes by name, each with what it allows, in words. Tokens without one are good for services alone. */
export const tokenScopes = {
  'admin:read': 'read everything at the admin',
  'admin:write': 'read and change everything at the admin',
  'routes:read': 'read routes and services',
  'routes:write': 'read and change routes',
  'vms:read': 'see machines',
  'vms:write': 'see machines, start and stop them',
  'vm:wake': 'start machines',
  'people:read': 'see people, sessions, tokens and bans',
  'people:write':
    'see and change people who are no administrators, end sessions and tokens, lift bans',
  'audit:read': 'read the audit log',
} as const

export type TokenScope = keyof typeof tokenScopes

/** In the order in which they are shown. */
export const tokenScopeNames = Object.keys(tokenScopes) as readonly TokenScope[]

export function isTokenScope(text: string): text is TokenScope {
  return Object.hasOwn(tokenScopes, text)
}

/** Whether a token opens the admin's host at all. What the database holds and nobody knows here counts for nothing. */
export function opensAdmin(scopes: readonly string[]): boolean {
  return scopes.some(isTokenScope)
}

/** Does one of these allow what `needed` allows? Whoever may write may read; `admin:…` is for all subjects. */
export function scopesCover(scopes: readonly string[], needed: TokenScope): boolean {
  return covering[needed].some((scope) => scopes.includes(scope))
}

const covering: Readonly<Record<TokenScope, readonly TokenScope[]>> = {
  'admin:read': ['admin:read', 'admin:write'],
  'admin:write': ['admin:write'],
  'routes:read': ['routes:read', 'routes:write', 'admin:read', 'admin:write'],
  'routes:write': ['routes:write', 'admin:write'],
  'vms:read': ['vms:read', 'vms:write', 'admin:read', 'admin:write'],
  'vms:write': ['vms:write', 'admin:write'],
  'vm:wake': ['vm:wake', 'vms:write', 'admin:write'],
  'people:read': ['people:read', 'people:write', 'admin:read', 'admin:write'],
  'people:write': ['people:write', 'admin:write'],
  'audit:read': ['audit:read', 'admin:read', 'admin:write'],
}
