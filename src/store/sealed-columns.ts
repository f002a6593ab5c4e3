// Which columns hold encrypted values. A rotation of the key walks exactly this list. Data alone.

export interface SealedColumn {
  readonly table: string
  readonly column: string
  /** Columns that name the row; they are part of what is authenticated, so a value fits no other row. */
  readonly row: readonly string[]
}

export const sealed = {
  keyCheck: { table: 'vault', column: 'sealed', row: ['id'] },
  passwordHash: { table: 'passwords', column: 'hash', row: ['user'] },
  totpSecret: { table: 'totps', column: 'secret', row: ['user', 'id'] },
  accountToken: { table: 'accounts', column: 'token', row: ['provider', 'subject', 'user'] },
  recoveryCode: { table: 'recovery_codes', column: 'code', row: ['user', 'number'] },
  setting: { table: 'settings', column: 'value', row: ['key'] },
} as const satisfies Record<string, SealedColumn>

/** What is authenticated beside the value (AAD): the place it belongs to. */
export function placeOf({ table, column }: SealedColumn, row: readonly string[]): string {
  return JSON.stringify(['gatehouse', table, column, ...row])
}
